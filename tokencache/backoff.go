package tokencache

import (
	"cmp"
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
	switch e.Class {
	case ClassPermanent:
		return backoff{time.Minute, maxHold}
	case ClassRateLimited:
		if e.RetryAfter > 0 { // told: no doubling
			return backoff{e.RetryAfter, e.RetryAfter}.within(minHold, maxHold)
		}
		return backoff{time.Second, time.Minute}
	case ClassQuota:
		wait := cmp.Or(e.RetryAfter, maxHold)
		return backoff{wait, wait}.within(minHold, maxHold)
	case ClassUnknown:
		return backoff{5 * time.Second, time.Minute}
	default:
		return backoff{minHold, 30 * time.Second}
	}
}

// redisBackoff paces what is tried again while Redis is in trouble.
var redisBackoff = backoff{250 * time.Millisecond, 5 * time.Second}

func (b backoff) within(low, high time.Duration) backoff {
	return backoff{min(high, max(low, b.base)), min(high, max(low, b.limit))}
}

// after returns the wait after so many attempts in a row, up to a fifth longer
// by the draw from [0, 1).
func (b backoff) after(attempts int, draw float64) time.Duration {
	wait := float64(b.base) * math.Exp2(float64(min(30, max(0, attempts-1))))
	return time.Duration(min(wait, float64(b.limit)) * (1 + draw/5))
}
