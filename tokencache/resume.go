package tokencache

import (
	"cmp"
	"slices"
	"time"
)

// resume lets fills look again once Redis is back: those that wait, and those that would
// come later. It does so over a while, since all of them would otherwise come at once.
func (c *Cache) resume() {
	held := c.heldBySilence()
	step := resumeOver(len(held)) / time.Duration(max(1, len(held)))
	begin := time.Now()
	for i, s := range held {
		due := time.Duration((float64(i) + c.jitter.draw()) * float64(step))
		if !sleepUnless(c.closing, due-time.Since(begin)) || !c.breaker.allow() {
			return
		}
		s.resume()
	}
}

// resumeOver is the time over which so many Sources look again.
func resumeOver(sources int) time.Duration {
	return min(5*time.Second, max(coldSpread, time.Duration(sources)*time.Millisecond))
}

// heldBySilence are the Sources whose next fill waits for Redis to answer, in an order
// that does not change.
func (c *Cache) heldBySilence() []*Source {
	c.mu.Lock()
	sources := c.allSources()
	c.mu.Unlock()
	held := slices.DeleteFunc(sources, func(s *Source) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.heldBySilence()
	})
	slices.SortFunc(held, func(a, b *Source) int { return cmp.Compare(a.ID(), b.ID()) })
	return held
}

// heldBySilence reports whether the next fill waits for Redis to answer, or this one waits
// for its turn to call directly for that reason. The caller holds s.mu.
func (s *Source) heldBySilence() bool {
	return s.pacer.hold.isOfSilence() || s.fill != nil && hold{err: s.fill.cause}.isOfSilence()
}

// resume ends the hold that Redis' silence has left.
func (s *Source) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil || !s.heldBySilence() {
		return
	}
	s.pacer.free()
	s.schedule()
	s.changed.ring()
	s.settle()
}
