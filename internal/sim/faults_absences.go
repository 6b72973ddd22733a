package sim

import (
	"math/rand/v2"
	"time"
)

// Nobody looks for long: a replica that nobody calls, the whole fleet, or a host that is suspended.
// What is in memory gets old meanwhile, the last look at Redis above all.
var absenceFaults = []kind{
	{
		// With a Refresh of somebody else's in the end, so that there is an event to hear.
		name: "unused replica", family: absences, everyApp: true, shortest: time.Minute, longest: 3 * 24 * time.Hour, lives: 36,
		trouble: trouble{}, begin: unused,
	}, {
		name: "nobody looks", family: absences, everyReplica: true, everyApp: true, shortest: time.Minute, longest: 3 * 24 * time.Hour, lives: 100000,
		trouble: trouble{}, begin: nobodyLooks,
	}, {
		name: "suspended host", family: absences, everyApp: true, onCall: 0.3, shortest: 500 * time.Millisecond, longest: 24 * time.Hour, lives: 12,
		trouble: trouble{stopped: true, gone: true, redis: true, tail: 40 * time.Second, repeats: 2}, begin: suspended,
	},
}

// idle has nobody call Get where the condition is, and nobody run.
func (w *world) idle(replica int) (lift func()) {
	c := &condition{replica: replica, idle: make(chan struct{})}
	end := w.impose(c)
	for _, r := range w.alive() {
		if c.meets(r) {
			r.stopRun()
		}
	}
	return func() {
		end()
		for _, r := range w.alive() {
			if c.meets(r) && w.weather(r).idle == nil {
				r.startRun()
			}
		}
		close(c.idle)
	}
}

func unused(w *world, f *fault, r *replica, rng *rand.Rand) effect {
	if w.s.Profile.longs() && w.s.life > time.Hour && rng.IntN(2) == 0 {
		f.lasts = between(rng, 25*time.Hour, 3*24*time.Hour)
	}
	lift := w.idle(r.index)
	return lasts(func() {
		old := r.lookedAgo(f.app)
		for _, other := range w.alive() {
			if other != r && !other.isGone() {
				w.refreshFor(other, w.apps[f.app])
				break
			}
		}
		if old > 24*time.Hour {
			w.tally.add("last look days old")
		}
		lift()
	})
}

// refreshFor has a replica Refresh on behalf of a fault, which may cost a call.
func (w *world) refreshFor(r *replica, a *app) {
	t := w.trouble(&kind{name: "refreshed for a fault", trouble: trouble{failure: true, repeats: 1}}, r.index, a.index)
	r.refresh(a)
	w.pass(t)
}

func nobodyLooks(w *world, _ *fault, _ *replica, _ *rand.Rand) effect {
	return lasts(w.idle(everybody))
}

// suspended is a pause in which nothing of the host happens, and its monotonic clock stops while
// the wall clock goes on.
func suspended(w *world, f *fault, r *replica, _ *rand.Rand) effect {
	began := time.Now()
	lift := w.impose(&condition{replica: r.index, held: began.Add(f.lasts + time.Millisecond)})
	wake := w.idle(r.index)
	return lasts(func() {
		r.losesTime(time.Since(began))
		lift()
		wake()
	})
}
