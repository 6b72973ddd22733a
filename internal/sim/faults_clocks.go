package sim

import (
	"context"
	"math/rand/v2"
	"time"
)

// Redis' clock is set, or another takes its place. What is left of tokens, locks and failures
// shifts as much, so what is stored may be lost, or be due too early, for each app once: that
// costs a call, and one more if the lock ends while the first is under way.
var clockFaults = []kind{
	{
		name: "clock set ahead", family: clocks, everyReplica: true, everyApp: true, onCall: 0.3, shortest: 1, longest: 1,
		trouble: trouble{lost: true, failure: true, repeats: 2},
		begin: atOnce(func(w *world, _ *app, rng *rand.Rand) bool {
			w.stepClock(drawStep(rng))
			return true
		}),
	}, {
		name: "clock set back", family: clocks, everyReplica: true, everyApp: true, onCall: 0.3, shortest: 1, longest: 1,
		trouble: trouble{lost: true, failure: true, repeats: 2},
		begin: atOnce(func(w *world, _ *app, rng *rand.Rand) bool {
			w.stepClock(-drawStep(rng))
			return true
		}),
	}, {
		name: "clock set to and fro", family: clocks, everyReplica: true, everyApp: true, onCall: 0.3, shortest: 100 * time.Millisecond, longest: 10 * time.Minute,
		trouble: trouble{lost: true, failure: true, repeats: 4},
		begin: func(w *world, _ *fault, _ *replica, rng *rand.Rand) effect {
			d := drawStep(rng)
			if rng.IntN(2) == 0 {
				d = -d
			}
			w.stepClock(d)
			return lasts(func() { w.stepClock(-d) })
		},
	}, {
		name: "failed over to another clock", family: clocks, everyReplica: true, everyApp: true, onCall: 0.3, shortest: 100 * time.Millisecond, longest: 20 * time.Second,
		trouble: trouble{lost: true, failure: true, redis: true, tail: 10 * time.Second, repeats: 2},
		begin:   failedOverToAnotherClock,
	}, {
		name: "events from before a failover", family: clocks, everyReplica: true, everyApp: true, shortest: 100 * time.Millisecond, longest: 4 * time.Hour,
		trouble: trouble{lost: true, failure: true, redis: true, tail: 10 * time.Second, repeats: 2},
		begin:   toldAgainAfterAFailover,
	}, {
		name: "clock set ahead by what events are late", family: clocks, everyReplica: true, everyApp: true, shortest: time.Second, longest: 4 * time.Hour,
		trouble: trouble{lost: true, failure: true, repeats: 2},
		begin: func(w *world, _ *fault, r *replica, rng *rand.Rand) effect {
			d := spread(rng, 100*time.Millisecond, 5*time.Second).Truncate(time.Millisecond)
			w.stepClock(d)
			late := max(0, d+between(rng, -200*time.Millisecond, 2500*time.Millisecond))
			return lasts(w.impose(&condition{replica: everybody, late: late}))
		},
	},
}

// drawStep draws one that clocks make, in whole milliseconds.
func drawStep(rng *rand.Rand) time.Duration {
	return spread(rng, time.Millisecond, time.Hour).Truncate(time.Millisecond)
}

// failedOverToAnotherClock has Redis be as it was a while ago, but with another clock. All
// keys end when they were to by their own.
func failedOverToAnotherClock(w *world, f *fault, _ *replica, rng *rand.Rand) effect {
	ctx := context.Background()
	kept, d := w.snapshot(ctx), drawStep(rng)
	if rng.IntN(2) == 0 {
		d = -d
	}
	return lasts(func() { w.failOver(ctx, kept, d) })
}

// failOver has the successor be as Redis was when the snapshot was made, but for its clock.
func (w *world) failOver(ctx context.Context, kept []keptKey, d time.Duration) {
	w.loses(nil, func() {
		w.redis.Server().FlushAll()
		_ = w.admin.ScriptFlush(ctx).Err()
	})
	if d != 0 {
		w.stepClock(d)
	}
	w.loses(nil, func() { w.restore(ctx, kept) })
	w.cutAll()
}

// toldAgainAfterAFailover has somebody keep events, and tell them once more when Redis has failed
// over: to a successor that lacks the last writes, with the same clock or another. It may be behind
// by as much as one of the events is old, which then seems to be of now.
func toldAgainAfterAFailover(w *world, _ *fault, _ *replica, rng *rand.Rand) effect {
	ctx, from := context.Background(), max(0, w.events.count()-6)
	kept := w.snapshot(ctx)
	return lasts(func() {
		var heard []told
		for _, a := range w.apps {
			heard = append(heard, w.events.of(a, from)...)
		}
		rng.Shuffle(len(heard), func(i, j int) { heard[i], heard[j] = heard[j], heard[i] })
		heard = heard[:min(len(heard), 20)]
		d := time.Duration(0)
		switch rng.IntN(4) {
		case 0:
			d = drawStep(rng)
		case 1:
			d = -drawStep(rng)
		case 2:
			for _, one := range heard {
				if !one.stored.at.IsZero() {
					d = min(0, -time.Since(one.stored.at)+between(rng, -time.Second, 3*time.Second)).Truncate(time.Millisecond)
					break
				}
			}
		}
		w.failOver(ctx, kept, d)
		w.hand.sleep(spread(rng, time.Millisecond, 10*time.Second))
		for _, one := range heard {
			w.publish(one.app, one.payload)
			w.tally.add("event told again after a failover")
			w.hand.sleep(spread(rng, time.Microsecond, 500*time.Millisecond))
		}
	})
}

// keptKey is a key of a snapshot.
type keptKey struct {
	name, text string
	fields     map[string]string
	ends       time.Time // by Redis' clock; zero for never
}

func (w *world) snapshot(ctx context.Context) (kept []keptKey) {
	server, now := w.redis.Server(), time.Now().Add(w.clock.ahead())
	for _, name := range server.Keys() {
		k := keptKey{name: name}
		switch server.Type(name) {
		case "string":
			k.text, _ = server.Get(name)
		case "hash":
			k.fields = w.admin.HGetAll(ctx, name).Val()
		default:
			continue
		}
		if ttl := server.TTL(name); ttl > 0 {
			k.ends = now.Add(ttl)
		}
		kept = append(kept, k)
	}
	return kept
}

func (w *world) restore(ctx context.Context, kept []keptKey) {
	now := time.Now().Add(w.clock.ahead())
	for _, k := range kept {
		rest := k.ends.Sub(now)
		if !k.ends.IsZero() && rest <= 0 {
			continue
		}
		if k.fields != nil {
			_ = w.admin.HSet(ctx, k.name, k.fields).Err()
		} else {
			_ = w.admin.Set(ctx, k.name, k.text, 0).Err()
		}
		if !k.ends.IsZero() {
			w.redis.Server().SetTTL(k.name, rest)
		}
	}
}
