package metrics

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Collector counts the events of one Cache and shows its Sources. Make one with
// [New]; all methods are safe for concurrent use.
//
// A second Cache in the same process needs one of its own, registered with a label
// that tells them apart: see [prometheus.WrapRegistererWith].
type Collector struct {
	counts   *counts
	degraded degraded
	sources  atomic.Pointer[func() []*tokencache.Source] // nil before Of
}

var _ prometheus.Collector = (*Collector)(nil)

// New returns a Collector that has seen nothing, and knows of no Sources yet: see [Collector.Of].
func New() *Collector { return &Collector{counts: newCounts()} }

// Of makes the Collector show how long the tokens of Sources still live, and returns the Collector,
// as in prometheus.MustRegister(m.Of(cache.Sources)). Sources is [tokencache.Cache.Sources], or a
// function of yours that returns fewer, since each Source has a time series of its own. Every
// scrape calls it, maybe several at once. The Collector leaves out a Source that is nil or closed.
// Of several with one ID, or of one that is listed twice, it shows the longest life, once. Another
// Of takes the place of the one before; without any, or with nil, no life is shown.
func (c *Collector) Of(sources func() []*tokencache.Source) *Collector {
	c.sources.Store(&sources)
	return c
}

// Observe takes one event: pass it as [tokencache.Config.Observe]. It only counts, and never calls
// the Cache.
func (c *Collector) Observe(e tokencache.Event) {
	c.counts.add(e)
	switch e.Kind {
	case tokencache.EventDegraded, tokencache.EventPutBack, tokencache.EventInvalidate:
		if trouble, ok := errors.AsType[*tokencache.RedisError](e.Err); ok {
			c.degraded.trouble(e.ID, trouble.Trouble)
		} else if e.Kind == tokencache.EventPutBack && e.Err == nil {
			c.degraded.putBack(e.ID)
		}
	case tokencache.EventFill:
		c.degraded.filled(e.ID, e.Err == nil, errors.Is(e.Err, tokencache.ErrClosed))
	case tokencache.EventCall:
		c.degraded.called(e.ID)
	case tokencache.EventRecovered:
		c.degraded.answered()
	case tokencache.EventClosed:
		c.degraded.forget(e.ID)
	}
}

// Degraded reports what the gauge onetoken_degraded shows: whether operations in Redis fail.
func (c *Collector) Degraded() bool { return c.degraded.gauge() == 1 }

var (
	remainingDesc = prometheus.NewDesc("onetoken_token_remaining_seconds",
		"How long the token at hand still lives; 0 while there is none that can be handed out.", []string{"id"}, nil)
	degradedDesc = prometheus.NewDesc("onetoken_degraded",
		"1 while operations in Redis fail: tokens that are at hand serve, new ones are not shared. 0 again once Redis answers, or has taken what it had refused.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	to <- remainingDesc
	to <- degradedDesc
	for _, part := range c.counts.parts {
		part.Describe(to)
	}
}

// Collect implements [prometheus.Collector]. It looks at the copies in this process
// and does no I/O.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	for id, left := range c.remaining() {
		to <- prometheus.MustNewConstMetric(remainingDesc, prometheus.GaugeValue, left.Seconds(), id)
	}
	to <- prometheus.MustNewConstMetric(degradedDesc, prometheus.GaugeValue, c.degraded.gauge())
	for _, part := range c.counts.parts {
		part.Collect(to)
	}
}

// remaining returns the longest life for each ID. Two Sources of a Cache have one ID if their
// credentials differ in Window or MaxLife alone; Sources of two Caches have one if they share a
// record.
func (c *Collector) remaining() map[string]time.Duration {
	list := c.sources.Load()
	if list == nil || *list == nil {
		return nil
	}
	lives := make(map[string]time.Duration)
	for _, s := range (*list)() {
		if s != nil && !s.Closed() {
			lives[s.ID()] = max(lives[s.ID()], remaining(s))
		}
	}
	return lives
}

func remaining(s *tokencache.Source) time.Duration {
	tok, ok := s.Peek()
	if !ok {
		return 0
	}
	return max(0, time.Until(tok.Expiry()))
}
