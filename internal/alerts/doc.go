// Package alerts looks at the rules by which Prometheus calls a person, deploy/prometheus/rules.yml. Reading order:
//
//  1. rules.go: the rules as they stand in the file.
//  2. expr.go: which metrics and labels an expression names.
//
// The tests look for each of these in what a real service shows under /metrics.
package alerts
