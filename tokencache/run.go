package tokencache

import (
	"context"
	"time"
)

// Run keeps every Source fresh, also those made later, without anybody calling
// Get: for a standalone refresher, or a service that wants its first request to
// be fast. It blocks until ctx ends, then returns nil; ErrClosed once the Cache
// is closed. It starts no goroutine of its own: each Source has a timer.
//
// While it runs this process is a refresher: it refreshes a little earlier than
// processes that do not call Run, which then never have to. Any number of refreshers
// may run; none is elected. Several calls at once are as good as one.
//
// A failure is retried when its backoff is over, for ever; it is reported
// through Config.Observe and by Get.
func (c *Cache) Run(ctx context.Context) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	c.runners.Add(1)
	defer c.ran()
	sources := c.allSources()
	c.mu.Unlock()

	for _, s := range sources {
		s.mu.Lock()
		s.shelf.placeRefresh(true)
		s.schedule()
		s.mu.Unlock()
	}
	select {
	case <-ctx.Done():
		return nil
	case <-c.closing:
		return ErrClosed
	}
}

// isRun reports whether Run is active, so that this process refreshes first.
func (c *Cache) isRun() bool { return c.runners.Load() > 0 }

// ran ends one Run. After the last, each Source refreshes like any other replica's again,
// and the timer it left would start one more fill.
func (c *Cache) ran() {
	if c.runners.Add(-1) > 0 {
		return
	}
	c.mu.Lock()
	sources := c.allSources()
	c.mu.Unlock()
	for _, s := range sources {
		s.mu.Lock()
		if !c.isRun() { // else the next Run sees to this Source
			s.shelf.placeRefresh(false)
			if s.timer != nil {
				s.timer.Stop()
			}
		}
		s.mu.Unlock()
	}
}

// schedule sets the timer for the next fill, if the Cache runs. The caller holds
// s.mu.
func (s *Source) schedule() {
	if s.broken != nil || s.fill != nil || !s.cache.isRun() {
		return
	}
	at, wait := now(), time.Duration(0)
	if c := s.copy.Load(); c.usableAt(at) {
		wait = c.freshFor() - at.since(c.from)
	} else {
		// Many Sources at once, cold: a little apart.
		wait = s.jitter.upTo(coldSpread)
	}
	s.wakeIn(max(wait, s.pacer.hold.rest(at)) + time.Millisecond) // a timer may be a little early
}

// wakeIn starts a fill in a while, unless something else does before. The caller
// holds s.mu.
func (s *Source) wakeIn(wait time.Duration) {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(wait, s.awake)
}

// awake is the timer's refill: if it comes too early while the Cache runs, it sets the
// timer again.
func (s *Source) awake() {
	s.refill()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.schedule()
}
