package sim

import (
	"strings"
	"time"
)

// rejection is what one process has seen of one: at is the last that counts. Within a
// cool-down a further one does not, as the issuer has had its say.
type rejection struct {
	at     time.Time
	cools  time.Time // since then: later than at if that was another's
	cool   time.Duration
	heard  bool       // of others: one that is late starts no cool-down, which the process's own does then
	before *rejection // of the same token, in case that this one did not count in Redis
}

// again returns the next rejection, if there is to be one while r cools.
func (r rejection) again(now time.Time) (next rejection, counts bool) {
	switch {
	case r.at.IsZero():
		return rejection{at: now, cools: now, cool: firstCoolDown}, true
	case now.Sub(r.cools) < r.cool:
		return r, false
	}
	return rejection{at: now, cools: now, cool: min(lastCoolDown, 2*r.cool), before: &r}, true
}

const (
	firstCoolDown = time.Minute
	lastCoolDown  = 30 * time.Minute
)

// sees notes that the process is about to know of a rejection, its own or one that it has heard
// of, and whether that counts.
func (r *replica) sees(app string, heard bool) (counts bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one, counts := r.rejected[app].again(time.Now())
	switch {
	case counts:
		one.heard = heard
	case one.heard && !heard:
		one.cools, one.heard = time.Now(), false
	}
	r.rejected[app] = one
	return counts
}

// seesAgain has the process know no later one than that, since its own did not count. But
// its own cools.
func (r *replica) seesAgain(app string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.rejected[app]
	seen.at = at
	r.rejected[app] = seen
}

// coolsFromNow notes that the process has told Redis of its own rejection, and so has counted it
// and cools since. It may count from when it heard of the one before, or from its own.
func (r *replica) coolsFromNow(app string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.rejected[app]
	if time.Since(seen.cools) > telling {
		seen.cools, seen.cool = time.Now(), min(lastCoolDown, 2*seen.cool)
		r.rejected[app] = seen
	}
}

// telling is the longest that it takes to tell Redis of a rejection.
const telling = 5 * time.Second

// tells notes which token the process is about to tell Redis of.
func (r *replica) tells(a *app, app string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told[a.index] = app
}

// hasTold returns the one of the last time.
func (r *replica) hasTold(a *app) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.told[a.index]
}

// lastBy returns the last that was not later than that.
func (r rejection) lastBy(at time.Time) (rejection, bool) {
	for one := &r; one != nil; one = one.before {
		if !one.at.IsZero() && !one.at.After(at) {
			return *one, true
		}
	}
	return rejection{}, false
}

// hasOnlyHeard reports whether the process has not rejected the token itself.
func (r *replica) hasOnlyHeard(app string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rejected[app].heard
}

// sawRejected returns when the process last saw the token rejected.
func (r *replica) sawRejected(app string) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.rejected[app]
	return seen.at, !seen.at.IsZero()
}

// hears is told of every event that arrives, before the process can know of it: what it may make of
// that is to be known by then.
func (r *replica) hears(channel, payload string) {
	if kind, app, one, genuine := r.decode(channel, payload); genuine && kind == "T" && r.opens(app, one, channel) {
		r.outlasts(app, one)
	}
}

// heard is told of every event that has arrived. One that nobody of the fleet has sent says
// nothing to anybody.
func (r *replica) heard(channel, payload string) {
	kind, app, one, genuine := r.decode(channel, payload)
	label := r.w.appOfChannel(channel).label(app)
	if !genuine {
		r.w.tally.add("hears forged")
		r.w.log.add(r.name, "hears a forged event %s %s", strings.ToValidUTF8(kind, "?"), label)
		return
	}
	r.countHeard(one, payload)
	r.w.log.add(r.name, "hears event %s %s", kind, label)
	if kind == "I" && r.opens(app, one, channel) {
		r.sees(app, true)
	}
}

// decode tells of an event what anybody may read in it, and whether a replica has sent it.
func (r *replica) decode(channel, payload string) (kind, app string, one told, genuine bool) {
	kind, about, _ := strings.Cut(payload, " ")
	fp, _, _ := strings.Cut(about, " ")
	one, genuine = r.w.events.genuine(payload)
	return kind, r.w.appOfChannel(channel).byFingerprint(fp), one, genuine
}

// opens reports whether the process can open what an event says of a token.
func (r *replica) opens(app string, one told, channel string) bool {
	return one.build == r.build && app != "" && !r.isGone() && one.app == r.w.appOfChannel(channel)
}
