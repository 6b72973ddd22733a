package metrics

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Collector counts the events of one Cache and watches its Sources. Make one with
// [New]; all methods are safe for concurrent use.
//
// A second Cache in the same process needs one of its own, registered with a label
// that tells them apart: see [prometheus.WrapRegistererWith].
type Collector struct {
	counts   *counts
	degraded degraded

	mu      sync.Mutex // guards watched
	watched map[string]*tokencache.Source
}

var _ prometheus.Collector = (*Collector)(nil)

// New returns a Collector that has seen nothing and watches nothing yet.
func New() *Collector {
	return &Collector{counts: newCounts(), watched: make(map[string]*tokencache.Source)}
}

// Observe takes one event: it is a [tokencache.Config.Observe]. It only counts, and
// never calls the Cache.
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
		c.degraded.filled(e.ID, errors.Is(e.Err, tokencache.ErrClosed))
	case tokencache.EventRecovered:
		c.degraded.answered()
	case tokencache.EventClosed:
		c.forget(e.ID)
	}
}

// forget lets go of what is kept of a Source that is no more. One that was made again for
// the same key may be watched by now.
func (c *Collector) forget(key string) {
	c.degraded.forget(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.watched[key]; s != nil && s.Closed() {
		delete(c.watched, key)
	}
}

// Watch has the remaining life of the Sources' tokens shown, until Unwatch or
// [tokencache.Cache.Forget]. Another
// Source of the same key takes the place of the one before. A nil Source is none.
func (c *Collector) Watch(sources ...*tokencache.Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range sources {
		if s != nil {
			c.watched[s.ID()] = s
		}
	}
}

// Unwatch ends Watch, and forgets what trouble the Sources had. A Source that is not
// watched is left alone. After Cache.Forget it is not needed.
func (c *Collector) Unwatch(sources ...*tokencache.Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range sources {
		if s == nil {
			continue
		}
		if key := s.ID(); c.watched[key] == s {
			delete(c.watched, key)
			c.degraded.forget(key)
		}
	}
}

var (
	remainingDesc = prometheus.NewDesc("onetoken_token_remaining_seconds",
		"How long the token at hand still lives; 0 while there is none that can be handed out.", []string{"id"}, nil)
	degradedDesc = prometheus.NewDesc("onetoken_degraded",
		"1 while operations in Redis fail: tokens that are at hand serve, new ones are not shared. 0 again once Redis answers or a fill met no trouble.", nil, nil)
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
	c.mu.Lock()
	watched := maps.Clone(c.watched)
	c.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(watched)) {
		to <- prometheus.MustNewConstMetric(remainingDesc, prometheus.GaugeValue, remaining(watched[key]).Seconds(), key)
	}
	to <- prometheus.MustNewConstMetric(degradedDesc, prometheus.GaugeValue, c.degraded.gauge())
	for _, part := range c.counts.parts {
		part.Collect(to)
	}
}

func remaining(s *tokencache.Source) time.Duration {
	tok, ok := s.Peek()
	if !ok {
		return 0
	}
	return max(0, time.Until(tok.Expiry()))
}
