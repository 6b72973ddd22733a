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
		c.violatedAt(call.began, "I3", f.r.name, "%s failed at %.9f (%s), and r%d called %v later, not %v",
			f.app.name, c.w.log.since(f.at).Seconds(), plain(f.err), call.replica, call.began.Sub(f.at), hold)
		return
	}
}
