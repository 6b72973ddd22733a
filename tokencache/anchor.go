package tokencache

import "time"

// anchor ties Redis' clock to ours. It is the moment a look was sent, by our clocks, and the
// time that Redis read on its clock for the answer. Only looks make anchors: an event may be
// late by any amount.
type anchor struct {
	at    instant   // when the look was sent; Redis read its clock then or later
	redis time.Time // zero for no anchor
	epoch int       // see next
}

// sameClock is how far Redis' clock may be from the time that the last anchor foretells and
// still count as the same clock: a look takes time. It also bounds how late an event may be.
const sameClock = 2 * time.Second

// mostAhead is how far ahead of our clocks an event may seem. A delay makes it seem behind, so
// only clocks that drift apart make it seem ahead.
const mostAhead = 50 * time.Millisecond

// next is the anchor of another look; a itself if that look was sent later. It begins a new epoch if Redis' clock is not at the time
// that a foretells: the clock was set, a failover brought another one, or this host was
// suspended. Moments of Redis' clock are compared within one epoch only.
func (a anchor) next(at instant, redis time.Time) anchor {
	epoch := a.epoch
	if !a.redis.IsZero() && at.mono < a.at.mono {
		return a
	}
	if a.redis.IsZero() || !a.foretells(redis, at, -sameClock, sameClock) {
		epoch++
	}
	return anchor{at, redis, epoch}
}

// foretells reports whether, by both of our clocks, Redis' clock read that time when ours read
// `at`, within the tolerance.
func (a anchor) foretells(redis time.Time, at instant, behind, ahead time.Duration) bool {
	if a.redis.IsZero() {
		return false
	}
	passed := redis.Sub(a.redis)
	mono, wall := passed-(at.mono-a.at.mono), passed-time.Duration(at.wall-a.at.wall)
	return min(mono, wall) >= behind && max(mono, wall) <= ahead
}

// agrees reports whether an event that Redis' clock dates so, and that arrives at `at`, is
// recent. The margin is the last part of the token's life, in which it is never handed out: an
// error of half of that is harmless. The tolerance does not grow with the age of the anchor.
func (a anchor) agrees(redis time.Time, at instant, margin time.Duration) bool {
	return a.foretells(redis, at, -min(sameClock, margin/2), min(mostAhead, margin/2))
}

// since is how long before `at` Redis' clock read that time, by whichever of our clocks has
// moved further.
func (a anchor) since(redis time.Time, at instant) time.Duration {
	return at.since(a.at) - redis.Sub(a.redis)
}

// redisAt is the time of Redis' clock at that moment, as this anchor foretells it: it is not later, if
// the clock was not set.
func (a anchor) redisAt(at instant) time.Time { return a.redis.Add(at.since(a.at)) }
