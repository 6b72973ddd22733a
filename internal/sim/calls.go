package sim

import (
	"slices"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// spacing checks the second half of I3: where Redis was sound, failed calls are apart
// by the shared backoff at least.
//
// The backoff is shared from the moment the failure is recorded, and the caller keeps
// the lock until then, so nobody may begin a call from the failure on until the hold
// is over. A failure that may be the replica's own trouble holds the others for a
// second, and is no part of the row that doubles.
func (c *checker) spacing() {
	c.mu.Lock()
	results := slices.Clone(c.failed)
	c.mu.Unlock()
	slices.SortFunc(results, func(a, b failedCall) int { return a.at.Compare(b.at) })
	row := make([]int, c.w.s.apps)
	for _, f := range results {
		i := f.app.index
		if f.good {
			row[i] = 0
			continue
		}
		if c.shaken(f, f.at.Add(-2*time.Minute), f.at) {
			row[i] = 0 // the record of the row may be lost, or its holder
		}
		if !f.err.Local {
			row[i]++
		}
		c.apart(f, leastHold(f.err, row[i]))
	}
}

// leastHold is the shortest hold after so many failures in a row.
func leastHold(e *tokencache.IssuerError, row int) time.Duration {
	base, limit := 250*time.Millisecond, 30*time.Second
	switch {
	case e.Local:
		return time.Second
	case e.Class == tokencache.ClassPermanent:
		base, limit = time.Minute, 5*time.Minute
	case e.RetryAfter > 0:
		return min(5*time.Minute, max(base, e.RetryAfter))
	case e.Class == tokencache.ClassRateLimited:
		base, limit = time.Second, time.Minute
	case e.Class == tokencache.ClassUnknown:
		base, limit = 5*time.Second, time.Minute
	}
	for range row - 1 {
		base *= 2
		if base >= limit {
			return limit
		}
	}
	return base
}

// shaken reports whether there was any trouble but the issuer's own.
func (c *checker) shaken(f failedCall, from, to time.Time) bool {
	return c.w.troubled(everybody, f.app.index, from, to, func(t *trouble) bool { return !t.issuer || t.redis || t.lost })
}

func (c *checker) apart(f failedCall, hold time.Duration) {
	until := f.at.Add(hold)
	for _, call := range c.w.calls.list() {
		if call.app != f.app.index || !call.began.After(f.at) || !call.began.Before(until) {
			continue
		}
		if c.shaken(f, f.at.Add(-2*time.Minute), call.began) {
			return
		}
		c.violated("I3", f.r.name, "%s failed at %.9f (%s), and r%d called %v later, not %v",
			f.app.name, c.w.log.since(f.at).Seconds(), plain(f.err), call.replica, call.began.Sub(f.at), hold)
		return
	}
}

// successes checks the first half of I3.
//
// A call in the window of the last token is a rotation and needs no excuse. One that
// brings a token which the issuer has given out before does, and so does one before
// that window, to an issuer that mints at every call. What a fault may cost in those:
//
//   - crash, close, pause, a lost lock or one that lasts for ever, a spoiled answer:
//     the token was minted for somebody who could not share it; the next asks. 1 each.
//   - lost data: whoever is cold asks, and once more if the loss meets what that one
//     had stored: 2. A shortened record is due early and each in turn may find it so.
//   - a rejection of the token that the issuer is going to hand out again: 1. Those
//     within a cool-down cost nothing.
//   - trouble between one replica and Redis: that one asks by itself, and holds a
//     copy then, so once; and once more for each rotation meanwhile, and for one that
//     is under way when the trouble ends.
//   - trouble of all: the same for each replica. It also holds for those that start
//     meanwhile.
func (c *checker) successes() {
	for _, a := range c.w.apps {
		repeats, minted := 0, 0
		for _, call := range a.issuer.Calls() {
			if call.Minted {
				minted++
			}
			if a.inVain(call, c.w.s.window) {
				repeats++
			}
		}
		allowed := c.allowed(a)
		c.w.log.add("issuer", "%s: %d minted, %d calls in vain, %d of these explained", a.name, minted, repeats, allowed)
		if repeats > allowed {
			c.violated("I3", "issuer", "%s was called in vain %d times, where %d are explained", a.name, repeats, allowed)
		}
	}
}

func (c *checker) allowed(a *app) (allowed int) {
	w := c.w
	c.mu.Lock()
	allowed = c.records[a.index].kept
	c.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.troubles {
		if t.app != all && t.app != a.index {
			continue
		}
		end := t.to.Add(t.tail)
		switch {
		case t.redis:
			n := 1
			if t.replica == everybody {
				n = w.s.replicas
			}
			allowed += n * (t.repeats + 1 + c.mintedBetween(a, t.from, end))
		default:
			allowed += t.repeats
		}
	}
	return allowed
}

func (c *checker) mintedBetween(a *app, from, to time.Time) (n int) {
	for _, p := range a.issuer.Pairs() {
		if !p.Minted.Before(from) && !p.Minted.After(to) {
			n++
		}
	}
	return n
}
