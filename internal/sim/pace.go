package sim

import (
	"errors"
	"slices"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// pace is what two rejections of fresh tokens leave: nobody asks for a while. Such a token
// is younger than a quarter of its life, and the pause is 36 s at most.
type pace struct {
	app    *app
	at     time.Time
	longer time.Duration // Redis' clock was set back since
	unsaid bool          // an older version may have written the failure, without saying what it is of
}

const longestPace = 36 * time.Second

// pacing takes note of a pace, and checks that there was reason for it: two tokens at least that
// were fresh when they were rejected. The rejection of the first, which the issuer handed out, maybe
// not for the first time, up to one such time before, is remembered for its pace and twice as long as
// a token is fresh, by Redis' clock, which may have been set back since. Without Redis a process counts each
// answer that it got, also if it is the same token again.
func (c *checker) pacing(r *replica, a *app) {
	now, handedOut := time.Now(), map[string]bool{}
	fresh := min(time.Minute, c.w.s.life/4)
	remembered := c.w.clock.lasts(longestPace+3*fresh, now)
	own := c.w.calls.of(r.index, a.index)
	for _, call := range a.issuer.Calls() {
		if !call.Granted() || now.Sub(call.Answered) >= remembered {
			continue
		}
		what := call.App
		if own[call.Arrived] { // around Redis each answer counts, also if it is the same token again
			what += call.Arrived.String()
		}
		handedOut[what] = true
	}
	if len(handedOut) < 2 && !c.forgot(a, now.Add(-remembered)) && !c.rowDamaged(a, now.Add(-max(remembered, c.w.s.life))) {
		c.violated("I4", r.name, "is paced for %s after a single token", a.name)
	}
	unsaid := c.w.troubled(everybody, all, now.Add(-longWait), now, func(t *trouble) bool { return t.unsaid })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paced = append(c.paced, pace{app: a, at: now, unsaid: unsaid})
}

// rowDamaged reports whether somebody has laid hands on what Redis knows of tokens that were refused
// in a row, since then.
func (c *checker) rowDamaged(a *app, since time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.records[a.index].rowDamaged.After(since)
}

// isPaced reports whether a pace may have kept a Get waiting.
func (c *checker) isPaced(g *got) bool { return c.pacedBy(g, func(pace) bool { return true }) }

// failedByAPace reports whether a Get may have failed because of one.
func (c *checker) failedByAPace(g *got) bool {
	said := errors.Is(g.err, tokencache.ErrRejected)
	_, ofTheIssuer := errors.AsType[*tokencache.IssuerError](g.err)
	return c.pacedBy(g, func(p pace) bool { return said || ofTheIssuer && p.unsaid })
}

func (c *checker) pacedBy(g *got, sort func(pace) bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.paced, func(p pace) bool {
		return p.app == g.app && sort(p) && !p.at.After(g.ended) && p.at.Add(longestPace+p.longer+fromMemory).After(g.began)
	})
}

// pacedUntil is when the last pace is over.
func (c *checker) pacedUntil() (until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.paced {
		if end := p.at.Add(longestPace + p.longer); end.After(until) {
			until = end
		}
	}
	return until
}
