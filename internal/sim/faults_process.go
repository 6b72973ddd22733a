package sim

import (
	"math/rand/v2"
	"time"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

var processFaults = []kind{
	{
		name: "crash", family: processes, onCall: 0.7, shortest: 10 * time.Millisecond, longest: time.Minute,
		begin: crash, trouble: trouble{repeats: 1},
	}, {
		name: "pause", family: processes, onCall: 0.7, shortest: 500 * time.Millisecond, longest: 2 * time.Minute,
		begin: pause, trouble: trouble{stopped: true, redis: true, tail: 40 * time.Second, repeats: 1},
	}, {
		name: "close", family: processes, onCall: 0.7, shortest: 10 * time.Millisecond, longest: time.Minute,
		begin: closing, trouble: trouble{repeats: 1},
	}, {
		name: "refresh", family: processes, shortest: 1, longest: 1,
		begin: func(w *world, f *fault, r *replica, _ *rand.Rand) func() {
			r.refresh(w.apps[f.app])
			return nil
		}, trouble: trouble{repeats: 1},
	},
}

func crash(w *world, _ *fault, r *replica, _ *rand.Rand) func() {
	if !r.crash() {
		return nil
	}
	return func() { w.begin(r.index, r.life+1) }
}

func closing(w *world, _ *fault, r *replica, _ *rand.Rand) func() {
	if !r.close() {
		return nil
	}
	return func() { w.begin(r.index, r.life+1) }
}

// pause is SIGSTOP as far as others can tell: nothing leaves, nothing arrives, and
// all of it does once the process goes on, also what it no longer waits for.
func pause(w *world, f *fault, r *replica, _ *rand.Rand) func() {
	return w.impose(&condition{replica: r.index, held: time.Now().Add(f.lasts)})
}

var networkFaults = []kind{
	{
		name: "cut", family: networks, onCall: 0.5, shortest: 1, longest: 1,
		begin: once((*redistest.Link).Cut), trouble: trouble{redis: true, tail: 10 * time.Second, repeats: 1},
	}, {
		name: "half-open", family: networks, onCall: 0.5, shortest: 1, longest: 1,
		begin: once((*redistest.Link).Mute), trouble: trouble{redis: true, tail: 20 * time.Second, repeats: 1},
	}, {
		name: "unreachable", family: networks, onCall: 0.3, shortest: 100 * time.Millisecond, longest: 10 * time.Minute,
		begin: lasting(
			func(l *redistest.Link) { l.BlackHole(true); l.Silence(true) },
			func(l *redistest.Link) { l.BlackHole(false); l.Silence(false) },
		), trouble: trouble{redis: true, tail: 20 * time.Second, repeats: 1},
	}, {
		name: "refused", family: networks, onCall: 0.3, shortest: 100 * time.Millisecond, longest: 10 * time.Minute,
		begin:   lasting((*redistest.Link).Down, func(l *redistest.Link) { l.Refuse(false) }),
		trouble: trouble{redis: true, tail: 20 * time.Second, repeats: 1},
	}, {
		name: "slow", family: networks, onCall: 0.3, shortest: time.Second, longest: 10 * time.Minute,
		begin: func(w *world, _ *fault, r *replica, rng *rand.Rand) func() {
			return w.impose(&condition{replica: r.index, slow: spread(rng, 20*time.Millisecond, 3*time.Second)})
		}, trouble: trouble{redis: true, tail: 20 * time.Second, repeats: 1},
	}, {
		name: "lost replies", family: networks, onCall: 0.5, shortest: 1, longest: 1,
		begin: func(_ *world, _ *fault, r *replica, rng *rand.Rand) func() {
			r.link.DropReplies(1+rng.IntN(6), nil)
			return nil
		}, trouble: trouble{redis: true, tail: time.Hour, repeats: 2}, // they are lost when they come
	}, {
		name: "lost events", family: networks, onCall: 0.3, shortest: time.Second, longest: 10 * time.Minute,
		begin: lasting(
			func(l *redistest.Link) { l.LoseMessages(true) },
			func(l *redistest.Link) { l.LoseMessages(false) },
		), trouble: trouble{},
	},
}

func once(do func(*redistest.Link)) func(*world, *fault, *replica, *rand.Rand) func() {
	return func(_ *world, _ *fault, r *replica, _ *rand.Rand) func() {
		do(r.link)
		return nil
	}
}

// lasting is for one replica; see refusals for what meets all.
func lasting(on, off func(*redistest.Link)) func(*world, *fault, *replica, *rand.Rand) func() {
	return func(w *world, _ *fault, r *replica, _ *rand.Rand) func() {
		return w.impose(&condition{replica: r.index, on: on, off: off})
	}
}
