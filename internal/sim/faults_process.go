package sim

import (
	"math/rand/v2"
	"time"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

var processFaults = []kind{
	{
		name: "crash", family: processes, everyApp: true, onCall: 0.7, shortest: 10 * time.Millisecond, longest: time.Minute,
		begin: crash, trouble: trouble{gone: true, repeats: 1},
	}, {
		name: "pause", family: processes, everyApp: true, onCall: 0.7, shortest: 500 * time.Millisecond, longest: 2 * time.Minute,
		// One more for what it was minting when it was stopped, which the next asks for; or for an answer that
		// was on its way meanwhile, which counts from when it was asked for, so that the token seems to end
		// sooner. And one for what it has got around a Redis that seemed silent, which nobody else knows.
		begin: pause, trouble: trouble{stopped: true, gone: true, redis: true, tail: 40 * time.Second, repeats: 2},
	}, {
		name: "close", family: processes, everyApp: true, onCall: 0.7, shortest: 10 * time.Millisecond, longest: time.Minute,
		begin: closing, trouble: trouble{gone: true, repeats: 1},
	}, {
		name: "refresh", family: processes, everyApp: true, shortest: 1, longest: 1,
		begin: func(w *world, f *fault, r *replica, _ *rand.Rand) effect {
			r.refresh(w.apps[f.app])
			return done
		}, trouble: trouble{failure: true, repeats: 1},
	}, {
		name: "busy", family: processes, everyApp: true, onCall: 0.8, shortest: 500 * time.Millisecond, longest: 5 * time.Second,
		begin: busy, trouble: trouble{},
	},
}

func crash(w *world, _ *fault, r *replica, _ *rand.Rand) effect {
	if !r.crash() {
		return effect{}
	}
	return lasts(func() { w.begin(r.index, r.life+1) })
}

func closing(w *world, _ *fault, r *replica, _ *rand.Rand) effect {
	if !r.close() {
		return effect{}
	}
	return lasts(func() { w.begin(r.index, r.life+1) })
}

// refreshedAlone has somebody Refresh all the time in a replica that does not reach
// Redis: what it asks the issuer for is limited.
func refreshedAlone(w *world, f *fault, r *replica, _ *rand.Rand) effect {
	lift := w.impose(&condition{replica: r.index, on: (*redistest.Link).Down, off: func(l *redistest.Link) { l.Refuse(false) }})
	for began := time.Now(); time.Since(began) < f.lasts && r.pause(10*time.Millisecond); {
		r.refresh(w.apps[f.app])
	}
	lift()
	return done
}

// busy has a caller that calls Get a thousand times a second. What the replica sends
// meanwhile is paced by its holds, not by its callers.
func busy(w *world, f *fault, r *replica, _ *rand.Rand) effect {
	a, before, began := w.apps[f.app], r.link.Count(), time.Now()
	w.gets.Go(func() {
		defer func() { // also if the replica goes
			took := time.Since(began)
			if n := r.link.Count() - before; n > int(busiest*took.Seconds())+3*busiest {
				w.check.violated("I8", r.name, "%d commands within %v of a busy caller", n, took)
			}
		}()
		for time.Since(began) < f.lasts && r.pause(time.Millisecond) {
			_, _ = r.get(a, longPatience)
		}
	})
	return done
}

// busiest is more than a replica sends in a second: a fill of half a dozen commands for
// each of its apps every quarter of it, the shortest hold.
const busiest = 50

// pause is SIGSTOP as far as others can tell: nothing leaves, nothing arrives, and
// all of it does once the process goes on, also what it no longer waits for.
func pause(w *world, f *fault, r *replica, _ *rand.Rand) effect {
	return lasts(w.impose(&condition{replica: r.index, held: time.Now().Add(f.lasts)}))
}

var networkFaults = []kind{
	{
		name: "cut", family: networks, everyApp: true, onCall: 0.5, shortest: 1, longest: 1,
		begin: once((*redistest.Link).Cut), trouble: trouble{redis: true, tail: 10 * time.Second, repeats: 1},
	}, {
		name: "half-open", family: networks, everyApp: true, onCall: 0.5, shortest: time.Second, longest: 2 * time.Minute,
		begin: halfOpen, trouble: trouble{redis: true, tail: 20 * time.Second, repeats: 1},
	}, {
		name: "unreachable", family: networks, everyApp: true, onCall: 0.3, shortest: 100 * time.Millisecond, longest: 10 * time.Minute,
		begin: lasting(
			func(l *redistest.Link) { l.BlackHole(true); l.Silence(true) },
			func(l *redistest.Link) { l.BlackHole(false); l.Silence(false) },
		), trouble: trouble{redis: true, tail: 20 * time.Second, repeats: 1},
	}, {
		name: "refused", family: networks, everyApp: true, onCall: 0.3, shortest: 100 * time.Millisecond, longest: 10 * time.Minute,
		begin:   lasting((*redistest.Link).Down, func(l *redistest.Link) { l.Refuse(false) }),
		trouble: trouble{redis: true, tail: 20 * time.Second, repeats: 1},
	}, {
		name: "refreshed alone", family: networks, everyApp: true, shortest: 2 * time.Second, longest: 8 * time.Second,
		begin: refreshedAlone, trouble: trouble{redis: true, spent: true, failure: true, tail: 20 * time.Second, repeats: directBurst + 8*directRate},
	}, {
		name: "slow", family: networks, everyApp: true, onCall: 0.3, shortest: time.Second, longest: 10 * time.Minute,
		begin: func(w *world, _ *fault, r *replica, rng *rand.Rand) effect {
			return lasts(w.impose(&condition{replica: r.index, slow: spread(rng, 20*time.Millisecond, 3*time.Second)}))
		}, trouble: trouble{redis: true, tail: 20 * time.Second, repeats: 1},
	}, {
		name: "lost replies", family: networks, everyApp: true, onCall: 0.5, shortest: time.Second, longest: 10 * time.Minute,
		begin: loseReplies, trouble: trouble{redis: true, tail: 20 * time.Second, repeats: 2},
	}, {
		name: "lost events", family: networks, everyApp: true, onCall: 0.3, shortest: time.Second, longest: 10 * time.Minute,
		begin: lasting(
			func(l *redistest.Link) { l.LoseMessages(true) },
			func(l *redistest.Link) { l.LoseMessages(false) },
		), trouble: trouble{},
	},
}

// halfOpen leaves connections mute, the subscription too, until somebody notices or
// resets them.
func halfOpen(_ *world, _ *fault, r *replica, _ *rand.Rand) effect {
	r.link.Mute()
	return lasts(r.link.Cut)
}

func once(do func(*redistest.Link)) begin {
	return func(_ *world, _ *fault, r *replica, _ *rand.Rand) effect {
		do(r.link)
		return done
	}
}

// lasting is for one replica; see refusals for what meets all.
func lasting(on, off func(*redistest.Link)) begin {
	return func(w *world, _ *fault, r *replica, _ *rand.Rand) effect {
		return lasts(w.impose(&condition{replica: r.index, on: on, off: off}))
	}
}

// loseReplies loses the next few, whenever they come.
func loseReplies(_ *world, _ *fault, r *replica, rng *rand.Rand) effect {
	left, over := 1+rng.IntN(6), make(chan struct{})
	undo := r.link.DropReplies(left, func(name string, _ []string) bool {
		if name == "HELLO" || name == "CLIENT" {
			return false
		}
		if left--; left == 0 { // guarded by the link
			close(over)
		}
		return true
	})
	return effect{took: true, end: undo, over: over}
}
