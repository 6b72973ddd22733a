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
		if !sleepUnless(c.work.closing, due-time.Since(begin)) || !c.breaker.allow() {
			return
		}
		s.state.resume()
	}
}

// resumeOver is the time over which so many Sources look again.
func resumeOver(sources int) time.Duration {
	return min(5*time.Second, max(coldSpread, time.Duration(sources)*time.Millisecond))
}

// heldBySilence are the Sources whose next fill waits for Redis to answer, in an order
// that does not change.
func (c *Cache) heldBySilence() []*Source {
	held := slices.DeleteFunc(c.allSources(), func(s *Source) (other bool) {
		s.state.do(func() { other = !s.state.heldBySilence() })
		return other
	})
	slices.SortFunc(held, func(a, b *Source) int { return cmp.Compare(a.ID(), b.ID()) })
	return held
}
