package sim

import (
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// rejection is what one process has seen of one: at is the last that counts. Within a
// cool-down a further one does not, as the issuer has had its say.
type rejection struct {
	at   time.Time
	cool time.Duration
	void bool // it was none
}

// again returns the next rejection, if there is to be one while r cools.
func (r rejection) again(now time.Time) (next rejection, counts bool) {
	switch {
	case r.at.IsZero():
		return rejection{at: now, cool: firstCoolDown}, true
	case now.Sub(r.at) < r.cool:
		return r, false
	}
	return rejection{at: now, cool: min(lastCoolDown, 2*r.cool)}, true
}

const (
	firstCoolDown = time.Minute
	lastCoolDown  = 30 * time.Minute
)

// sees notes that the process is about to know of a rejection.
func (r *replica) sees(app string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejected[app], _ = r.rejected[app].again(time.Now())
}

// unsees is for a rejection that was none: somebody else had told of it before, and the
// issuer has handed the token out again since.
func (r *replica) unsees(app string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.rejected[app]
	seen.void = true
	r.rejected[app] = seen
}

// unseesLast is unsees for a rejection that Redis hears of late, without those who told.
func (r *replica) unseesLast(a *app) {
	pairs := a.issuer.Pairs()
	for i := range pairs {
		app := pairs[len(pairs)-1-i].App
		if _, seen := r.sawRejected(app); seen {
			r.unsees(app)
			return
		}
	}
}

// sawRejected returns when the process last saw the token rejected.
func (r *replica) sawRejected(app string) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.rejected[app]
	return seen.at, !seen.at.IsZero() && !seen.void
}

// heard is told of every event that has arrived.
func (r *replica) heard(channel, kind, fp string) {
	a := r.w.apps[0]
	for _, other := range r.w.apps {
		if r.sources[other.index] != nil && channel == "onetoken:{"+r.sources[other.index].Key()+"}:events" {
			a = other
		}
	}
	app := a.byFingerprint(fp)
	r.w.log.add(r.name, "hears event %s %s", kind, a.label(app))
	if kind == "I" && app != "" && !r.isGone() {
		r.sees(app)
	}
}

// byFingerprint finds the token of an event.
func (a *app) byFingerprint(fp string) string {
	if fp == "" {
		return ""
	}
	for _, p := range a.issuer.Pairs() {
		if tokencache.NewToken(p.App, p.Tenant, time.Hour).Fingerprint() == fp {
			return p.App
		}
	}
	return ""
}

// handedOutAgain reports whether the issuer has answered with a token since.
func (a *app) handedOutAgain(app string, since time.Time) bool {
	for _, c := range a.issuer.Calls() {
		if c.App == app && !c.Answered.Before(since) {
			return true
		}
	}
	return false
}
