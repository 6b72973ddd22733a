// Package alerts rehearses the troubles of which Prometheus tells a person by deploy/prometheus/rules.yml. Reading
// order:
//
//  1. rules.go: the rules as they stand in the file; expr.go: which metrics and labels an expression names.
//  2. signs.go: what a person sees of each trouble besides the alert.
//  3. exposition.go: what a service shows under /metrics; recording.go: that again and again, as promtool takes it;
//     script.go: with what has to become of the alerts.
//
// The tests look for what the rules name in a real service. They cause each trouble, with real processes, a real
// Redis and an issuer on loopback, scrape the services meanwhile, and have promtool play that: the alert fires, and no
// other, and none in a calm hour. testdata has such recordings, on which rules that are spoiled have to fail.
package alerts
