package clients

import (
	"cmp"
	"math"
	"time"

	"golang.org/x/time/rate"
)

// pace is a client's rate and how much of it is used up. All tables share that of a client whose rate
// stays, so it is the one thing of a Table that changes. It is safe for concurrent use.
type pace struct {
	perSecond float64
	limiter   *rate.Limiter
}

// newPace goes on with the pace before, which may be nil, if the rate is the same.
func newPace(perSecond float64, before *pace) *pace {
	perSecond = cmp.Or(perSecond, DefaultRate)
	if before != nil && before.perSecond == perSecond {
		return before
	}
	burst := max(1, int(math.Ceil(perSecond)))
	return &pace{perSecond, rate.NewLimiter(rate.Limit(perSecond), burst)}
}

// admit counts a request. Of one too many it says how long until there is room for another.
func (p *pace) admit(now time.Time) (wait time.Duration, ok bool) {
	if p.limiter.AllowN(now, 1) {
		return 0, true
	}
	missing := max(0, 1-p.limiter.TokensAt(now))
	seconds := min(missing/p.perSecond, longestWait.Seconds())
	return time.Duration(seconds * float64(time.Second)), false
}

// longestWait is what a client is told at most.
const longestWait = time.Hour
