package metrics

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onetoken-go/onetoken/tokencache"
)

// counts are the metrics that grow with events. Every child is made at the start, so
// that adding takes no lock.
type counts struct {
	adopted, takeovers, leasesLost, garbled, ignored prometheus.Counter

	calls, directCalls, publishes, putBacks, invalidations family[tokencache.Outcome]
	troubles                                               family[tokencache.Trouble]

	callTook           prometheus.Histogram
	fillTook, waitTook timed

	parts []prometheus.Collector // all of the above
}

// A name that is not in tokencache's list counts as one of these, so that no label is made of
// anybody's words.
var unknownOutcome = tokencache.Outcome(tokencache.ClassUnknown.String()) // of a call

const notTaken = "failed" // Redis did not take it

// Bounds in seconds. A call to the issuer has up to 28 s, a fill a minute.
var (
	callBuckets = []float64{.025, .05, .1, .2, .3, .5, 1, 2, 5, 10, 28}
	fillBuckets = []float64{.002, .005, .01, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60}
)

func newCounts() *counts {
	c := &counts{
		adopted:    counter("tokens_adopted_total", "Tokens that became this process's copy: one for each rotation is right."),
		takeovers:  counter("takeovers_total", "Times that the lock was taken after another holder, maybe killed, had let it run out."),
		leasesLost: counter("leases_lost_total", "Locks lost while the issuer was being asked; each may be a call too many."),
		garbled:    counter("garbled_records_total", "Records found in Redis that cannot be used: somebody else writes to the keys. The next token replaces them."),
		ignored:    counter("news_ignored_total", "News on the channel of events that was not understood, or not sealed by a replica with the same secret: somebody else publishes there."),
		callTook:   prometheus.NewHistogram(histogram("issuer_call_duration_seconds", "How long calls to the issuer took, whatever came of them.", callBuckets)),
	}
	calls := counters("issuer_calls_total",
		`Calls to the issuer: "ok" or the class of the failure; direct if made without Redis, once per process instead of once per fleet.`, "direct", "outcome")
	publishes := counters("publishes_total",
		"Tokens offered to Redis after a call: kept if a better one was stored, expired or rejected if of no use any more, failed if Redis did not take it.", "outcome")
	putBacks := counters("put_backs_total",
		"Tokens from direct calls offered to Redis once that is back; outcomes as of publishes.", "outcome")
	invalidations := counters("invalidations_total",
		"Rejected tokens told to Redis: dropped, paced if a fresh one was dropped before it and the fleet waits, alone if only this process rejects them and waits, other if another is stored by now, cooldown if rejected just before, failed if Redis did not take it.", "outcome")
	troubles := counters("redis_troubles_total",
		"Operations in Redis that did not succeed, by what was wrong; paused if it was not even asked.", "name")
	fills := histograms("fill_duration_seconds",
		"How long fills took, sleeps included: looks into Redis that may end in a call to the issuer.", fillBuckets, "outcome")
	waits := histograms("wait_duration_seconds",
		"How long Gets waited that had no usable copy. A Get with a copy is not counted.", fillBuckets, "outcome")

	c.calls = familyOf(calls.MustCurryWith(prometheus.Labels{"direct": "false"}), tokencache.EventCall.Outcomes(), unknownOutcome)
	c.directCalls = familyOf(calls.MustCurryWith(prometheus.Labels{"direct": "true"}), tokencache.EventDirectCall.Outcomes(), unknownOutcome)
	c.publishes = familyOf(publishes, tokencache.EventPublish.Outcomes(), notTaken)
	c.putBacks = familyOf(putBacks, tokencache.EventPutBack.Outcomes(), notTaken)
	c.invalidations = familyOf(invalidations, tokencache.EventInvalidate.Outcomes(), notTaken)
	c.troubles = familyOf(troubles, tokencache.Troubles(), tokencache.TroubleOther)
	c.fillTook, c.waitTook = timedOf(fills), timedOf(waits)
	c.parts = []prometheus.Collector{
		c.adopted, c.takeovers, c.leasesLost, c.garbled, c.ignored, c.callTook,
		calls, publishes, putBacks, invalidations, troubles, fills, waits,
	}
	return c
}

func (c *counts) add(e tokencache.Event) {
	switch e.Kind {
	case tokencache.EventWait:
		c.waitTook.observe(e)
	case tokencache.EventFill:
		c.fillTook.observe(e)
	case tokencache.EventCall:
		c.calls.inc(e.Outcome)
		c.callTook.Observe(e.Duration.Seconds())
	case tokencache.EventDirectCall:
		c.directCalls.inc(e.Outcome)
		c.callTook.Observe(e.Duration.Seconds())
	case tokencache.EventPublish:
		c.publishes.inc(e.Outcome)
	case tokencache.EventPutBack:
		c.putBacks.inc(e.Outcome)
		// EventDegraded counts the troubles of all other operations of a fill.
		if trouble, ok := errors.AsType[*tokencache.RedisError](e.Err); ok {
			c.troubles.inc(trouble.Trouble)
		}
	case tokencache.EventAdopt:
		c.adopted.Inc()
	case tokencache.EventTakeover:
		c.takeovers.Inc()
	case tokencache.EventLeaseLost:
		c.leasesLost.Inc()
	case tokencache.EventInvalidate:
		c.invalidations.inc(e.Outcome)
	case tokencache.EventGarbled:
		c.garbled.Inc()
	case tokencache.EventIgnored:
		c.ignored.Inc()
	case tokencache.EventDegraded:
		c.troubles.inc(e.Trouble)
	}
}

// family is one counter for each name of a list, and one for the rest.
type family[T ~string] struct {
	of   map[T]prometheus.Counter
	rest prometheus.Counter
}

func familyOf[T ~string](vec *prometheus.CounterVec, names []T, rest T) family[T] {
	f := family[T]{of: make(map[T]prometheus.Counter), rest: vec.WithLabelValues(string(rest))}
	for _, name := range names {
		f.of[name] = vec.WithLabelValues(string(name))
	}
	return f
}

func (f family[T]) inc(name T) {
	if c, ok := f.of[name]; ok {
		c.Inc()
		return
	}
	f.rest.Inc()
}

// timed has the durations of steps that succeeded, and of those that failed.
type timed struct{ ok, failed prometheus.Observer }

func timedOf(vec *prometheus.HistogramVec) timed {
	return timed{ok: vec.WithLabelValues("ok"), failed: vec.WithLabelValues("failed")}
}

func (t timed) observe(e tokencache.Event) {
	if e.Err != nil {
		t.failed.Observe(e.Duration.Seconds())
		return
	}
	t.ok.Observe(e.Duration.Seconds())
}

const namespace = "onetoken"

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(histogram(name, help, buckets), labels)
}
