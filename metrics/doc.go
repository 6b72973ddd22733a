// Package metrics tells Prometheus what a tokencache.Cache does: how long its
// tokens still live, how often the issuer is asked, and how Redis fares.
//
//	m := metrics.New()
//	cache, err := tokencache.New(rdb, tokencache.Config{Observe: m.Observe})
//	...
//	prometheus.MustRegister(m.Of(cache.Sources))
//
// What to look at first:
//
//	onetoken_token_remaining_seconds   0: this process has no token to hand out
//	onetoken_issuer_calls_total        by outcome; one call per rotation and fleet is right
//	onetoken_degraded                  1: operations in Redis fail, copies serve
//
// An alert that is worth a night: a token that should have been refreshed long
// ago. For Feishu, which mints a new one with half an hour left:
//
//	onetoken_token_remaining_seconds < 900
//
// Every outcome stands at 0 from the start, so that rates need no special case. The Collector keeps
// nothing of a Source that is closed. One label is not from a fixed list, the ID of a Source: the
// issuer's name, the app id and a digest. Ten thousand Sources are as many time series, unless
// [Collector.Of] is given fewer. No metric holds a secret, a token or anybody's words. A step is
// counted after it, maybe a moment later: see tokencache.Config.Observe.
//
// Counting costs some 100 ns for a step off the fast path. A Get with a fresh copy is no such step,
// and not counted: to know how often it is called, count the calls.
package metrics
