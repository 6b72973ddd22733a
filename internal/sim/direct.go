package sim

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// directCall is one that went around Redis, of one process.
type directCall struct {
	app          *app
	r            *replica
	began, ended time.Time
	forced       bool // a Refresh was under way, which passes what this process has been told
	err          *tokencache.IssuerError
}

// The limit of direct calls per process: so many at once, then one each interval. It is
// lower than the default, which one credential does not reach.
const (
	directRate  = 2
	directBurst = directRate
	directEvery = time.Second / directRate
	// ownDirectEvery is how often a credential whose last one failed may make one besides.
	ownDirectEvery = time.Minute
)

// direct takes note of a call around Redis, and checks that nobody makes one who need
// not: with a copy that is not yet urgent, and no Refresh.
func (c *checker) direct(r *replica, a *app, e tokencache.Event) {
	one := directCall{app: a, r: r, began: time.Now().Add(-e.Duration), ended: time.Now()}
	one.forced = r.refreshing.Load() > 0 || r.refreshed.Load() >= one.began.UnixNano() // though nobody waits any more
	_ = errors.As(e.Err, &one.err)
	c.mu.Lock()
	c.directs = append(c.directs, one)
	c.mu.Unlock()

	tok := r.hadAtCall(a) // by now it has what the call brought
	if left := tok.Expiry().Sub(one.began); !tok.IsZero() && left > min(2*time.Minute, c.w.s.span()/2) && !one.forced {
		c.violatedAt(one.began, "I3", r.name, "asked for %s around Redis, though %s lasts for %v", a.name, a.label(tok.AppAccessToken()), left)
	}
}

// limits checks that each process kept to the limit of its direct calls, and to the
// pause after one that failed.
func (c *checker) limits() {
	of := map[*replica][]directCall{}
	var replicas []*replica
	for _, one := range c.directs {
		if of[one.r] == nil {
			replicas = append(replicas, one.r)
		}
		of[one.r] = append(of[one.r], one)
	}
	for _, r := range replicas {
		c.withinLimit(r, of[r])
		for _, a := range c.w.apps {
			c.paused(r, a, of[r])
		}
	}
}

func (c *checker) withinLimit(r *replica, calls []directCall) {
	slices.SortFunc(calls, func(a, b directCall) int { return cmp.Or(a.began.Compare(b.began), a.ended.Compare(b.ended)) })
	left, last := time.Duration(directBurst)*directEvery, time.Time{}
	before := map[*app]directCall{}
	for _, one := range calls {
		previous := before[one.app]
		before[one.app] = one
		mayBesides := previous.err != nil && one.began.Sub(previous.ended) >= ownDirectEvery
		if !last.IsZero() {
			left = min(directBurst*directEvery, left+one.began.Sub(last))
		}
		last = one.began
		if left < directEvery && mayBesides {
			continue
		}
		if left -= directEvery; left < -time.Microsecond { // which the limiter rounds
			c.violatedAt(one.began, "I3", r.name, "made more direct calls than %d and one each %v", directBurst, directEvery)
			return
		}
	}
}

// paused checks the calls of one app, by when they began. A row of failures ends with any good
// call of whoever: the process may have heard of its token.
func (c *checker) paused(r *replica, a *app, calls []directCall) {
	var last directCall
	for _, one := range calls {
		if one.app != a {
			continue
		}
		if last.err != nil && !one.forced && !a.answeredBetween(last.ended, one.began) {
			e := *last.err
			e.Local = false // that is about the others
			if least := leastHold(&e, 1); one.began.Sub(last.ended) < least {
				c.violatedAt(one.began, "I3", r.name, "asked for %s around Redis %v after that had failed (%s), not %v", a.name, one.began.Sub(last.ended), plain(last.err), least)
			}
		}
		last = one
	}
}
