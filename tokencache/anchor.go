package tokencache

import "time"

// anchor ties Redis' clock to ours: what Redis said the time was, in a look that we sent at
// a moment of ours. Only looks make one. An event may be late, and says nothing of now.
type anchor struct {
	at    instant   // when the look was sent: Redis read its clock then, or later
	redis time.Time // zero for no anchor
	epoch int       // see follows
}

// sameClock is how far Redis' clock may be from where the last anchor has it, and still be the
// same clock: the look takes its time. It also bounds how late an event may be.
const sameClock = 2 * time.Second

// mostAhead is how far ahead of our clocks an event may seem. Delays only make it seem behind.
const mostAhead = 50 * time.Millisecond

// next is the anchor of a later look. A new epoch begins if Redis' clock is not where it
// should be: it was set, a failover has brought another one, or this host was suspended.
// Moments of Redis' clock are compared within an epoch only.
func (a anchor) next(at instant, redis time.Time) anchor {
	epoch := a.epoch
	if a.redis.IsZero() || !a.foretells(redis, at, -sameClock, sameClock) {
		epoch++
	}
	return anchor{at, redis, epoch}
}

// foretells reports whether Redis' clock was at that moment when ours were at `at`, by both of
// ours, give or take.
func (a anchor) foretells(redis time.Time, at instant, behind, ahead time.Duration) bool {
	if a.redis.IsZero() {
		return false
	}
	passed := redis.Sub(a.redis)
	mono, wall := passed-(at.mono-a.at.mono), passed-time.Duration(at.wall-a.at.wall)
	return min(mono, wall) >= behind && max(mono, wall) <= ahead
}

// agrees reports whether an event that is of that moment of Redis' clock, and arrives at `at`,
// is of now. The margin is what is never handed out of the token: an error of half of it
// is harmless. The tolerance does not grow with the age of the anchor.
func (a anchor) agrees(redis time.Time, at instant, margin time.Duration) bool {
	return a.foretells(redis, at, -min(sameClock, margin/2), min(mostAhead, margin/2))
}

// since is how long before `at` that moment of Redis' clock was, by that of our clocks that
// has moved further.
func (a anchor) since(redis time.Time, at instant) time.Duration {
	return at.since(a.at) - redis.Sub(a.redis)
}
