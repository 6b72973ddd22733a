// Package glance draws in a terminal how credentials do: in five seconds a person sees whether every one is well,
// what is not, and what comes next. It says what the service's page says, in the same words, by package standing.
//
// A [Board] is what is known. It comes from a service (service.go), from the credentials of a configuration
// or from all under a prefix, as they stand in Redis (stored.go). Reading order: board.go, standing.go (what a
// credential is judged by), headline.go (the sentence on top), frame.go (what fits), table.go, row.go and
// columns.go (a line per credential), change.go (what is news to whoever reads a pipe).
package glance
