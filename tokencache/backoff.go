package tokencache

import (
	"math"
	"time"
)

// backoff is a wait that starts at base and doubles up to limit.
type backoff struct{ base, limit time.Duration }

const (
	minHold = 250 * time.Millisecond // of a shared failure
	maxHold = 5 * time.Minute
)

// backoffOf says how long to leave the issuer alone after a failure. The times
// are shared: it is the fleet that waits.
func backoffOf(e *IssuerError) backoff {
	switch {
	case e.Class == ClassPermanent:
		return backoff{time.Minute, maxHold}
	case e.RetryAfter > 0: // told: no doubling
		wait := min(maxHold, max(minHold, e.RetryAfter))
		return backoff{wait, wait}
	}
	switch e.Class {
	case ClassQuota:
		return backoff{maxHold, maxHold}
	case ClassRateLimited:
		return backoff{time.Second, time.Minute}
	case ClassUnknown:
		return backoff{5 * time.Second, time.Minute}
	default:
		return backoff{minHold, 30 * time.Second}
	}
}

// refusalBackoff paces tokens that are rejected as soon as they are issued, after the first.
var refusalBackoff = backoff{minHold, 30 * time.Second}

// A token is fresh, and its rejection about more than that token, below this age, or a
// quarter of its life if that is less: see invalidate.lua.
const longestFresh = time.Minute

func freshFor(life time.Duration) time.Duration { return min(longestFresh, life/4) }

const (
	refusalAdvice = "check that the API accepts this kind of token, and what the app may do"
	aloneAdvice   = "check how this process calls the API, as no other has rejected them; else " + refusalAdvice
)

// redisBackoff paces what is tried again while Redis is in trouble.
var redisBackoff = backoff{250 * time.Millisecond, 5 * time.Second}

// putBackBackoff paces put-backs: a Redis that answers may refuse to write for hours.
var putBackBackoff = backoff{250 * time.Millisecond, 30 * time.Second}

// coldSpread is the time over which the Sources of a process that starts begin
// to fill, and those of processes that start and find a token subscribe.
const coldSpread = 20 * time.Millisecond

// after returns the wait after so many attempts in a row, up to a fifth longer
// by the draw from [0, 1).
func (b backoff) after(attempts int, draw float64) time.Duration {
	wait := float64(b.base) * math.Exp2(float64(min(30, max(0, attempts-1))))
	return time.Duration(min(wait, float64(b.limit)) * (1 + draw/5))
}
