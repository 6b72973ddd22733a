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
	row, last := make([]int, c.w.s.apps), make([]failedCall, c.w.s.apps)
	for _, f := range results {
		i := f.app.index
		if before := last[i]; f.good || before.r == nil || c.shaken(before, f.r.index, f.at) {
			row[i] = 0 // or its record may be lost
		}
		if last[i] = f; f.good {
			continue
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

// shaken reports whether a failure may not have been shared until then: for trouble with
// its record, or with the lock while the call ran, or between Redis and whoever recorded
// it or has to read it.
func (c *checker) shaken(f failedCall, reader int, to time.Time) bool {
	return c.w.troubled(everybody, f.app.index, f.began, to, func(t *trouble) bool {
		mine := t.replica == everybody || t.replica == f.r.index || t.replica == reader
		return t.failure || mine && (t.redis || t.gone)
	})
}

func (c *checker) apart(f failedCall, hold time.Duration) {
	until := f.at.Add(hold)
	for _, call := range c.w.calls.list() {
		if call.app != f.app.index || !call.began.After(f.at) || !call.began.Before(until) {
			continue
		}
		if c.shaken(f, call.replica, call.began) {
			continue
		}
		c.violatedAt(call.began, "I3", f.r.name, "%s failed at %.9f (%s), and r%d called %v later, not %v",
			f.app.name, c.w.log.since(f.at).Seconds(), plain(f.err), call.replica, call.began.Sub(f.at), hold)
		return
	}
}
