package sim

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// What happens to events, or is made up by who may publish and has no secret. Everything works
// without events, so none of it is an excuse for anything.
var newsFaults = []kind{
	{
		name: "late events", family: news, everyApp: true, shortest: time.Second, longest: 4 * time.Hour,
		begin: func(w *world, _ *fault, r *replica, rng *rand.Rand) effect {
			return lasts(w.impose(&condition{replica: r.index, late: spread(rng, 10*time.Millisecond, 10*time.Second)}))
		},
	},
	{name: "held events", family: news, everyApp: true, shortest: 100 * time.Millisecond, longest: 4 * time.Hour, begin: heldEvents},
	{name: "repeated events", family: news, everyReplica: true, everyApp: true, shortest: 1, longest: 1, begin: repeatedEvents},
	{
		name: "reordered events", family: news, everyReplica: true, everyApp: true, shortest: 1, longest: 1,
		begin: reorderedEvents, trouble: trouble{failure: true, repeats: 2}, // each Refresh
	},
	forgery("event with a random seal", randomSeal),
	forgery("event of another credential", ofAnother),
	forgery("event with other times", otherTimes),
	forgery("truncated event", truncated),
	{name: floodName, family: news, everyReplica: true, everyApp: true, shortest: 1, longest: 1, begin: flood},
}

// heldEvents has one replica hear nothing for a while, and then all of it, in any order.
// Whoever has heard it before hears it again.
func heldEvents(w *world, _ *fault, r *replica, rng *rand.Rand) effect {
	from := w.events.count()
	lift := w.impose(&condition{
		replica: r.index,
		on:      func(l *redistest.Link) { l.LoseMessages(true) },
		off:     func(l *redistest.Link) { l.LoseMessages(false) },
	})
	return lasts(func() {
		lift()
		var held []told
		for _, a := range w.apps {
			held = append(held, w.events.of(a, from)...)
		}
		rng.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
		for _, one := range held[:min(len(held), 40)] {
			w.publish(one.app, one.payload)
			w.hand.sleep(spread(rng, time.Microsecond, 100*time.Millisecond))
		}
	})
}

// repeatedEvents has somebody publish what he has heard at any time before: before a restart,
// a failover, a rejection.
func repeatedEvents(w *world, _ *fault, _ *replica, rng *rand.Rand) effect {
	for range 1 + rng.IntN(12) {
		a := w.apps[rng.IntN(len(w.apps))]
		all := w.events.of(a, 0)
		if len(all) == 0 {
			return effect{}
		}
		if rng.IntN(2) == 0 { // the last ones are those that somebody might believe
			all = all[max(0, len(all)-3):]
		}
		w.publish(a, all[rng.IntN(len(all))].payload)
		w.hand.sleep(spread(rng, time.Microsecond, 2*time.Second))
	}
	return done
}

// reorderedEvents has a replica Refresh twice, and what it tells arrive once more, the other way
// round.
func reorderedEvents(w *world, f *fault, r *replica, _ *rand.Rand) effect {
	a, from := w.apps[f.app], w.events.count()
	r.refresh(a)
	r.refresh(a)
	w.hand.sleep(w.s.tripOf(r.index))
	for _, one := range slices.Backward(w.events.of(a, from)) {
		w.publish(a, one.payload)
		w.hand.sleep(time.Millisecond)
	}
	return done
}

func (w *world) publish(a *app, payload string) {
	_ = w.admin.Publish(context.Background(), w.key(a, "events"), payload).Err()
}

// forgery has somebody publish a few events that he has made of what he knows.
func forgery(name string, make func(w *world, a *app, rng *rand.Rand) (payload string)) kind {
	return kind{
		name: name, family: news, everyReplica: true, shortest: 1, longest: 1,
		begin: func(w *world, f *fault, _ *replica, rng *rand.Rand) effect {
			took, a := false, w.apps[f.app]
			for range 1 + rng.IntN(4) {
				if payload := make(w, a, rng); payload != "" {
					took = true
					w.publish(a, payload)
				}
				w.hand.sleep(spread(rng, time.Microsecond, time.Second))
			}
			return effect{took: took}
		},
	}
}

// redisNow is in whole milliseconds.
func (w *world) redisNow() int64 { return time.Now().Add(w.clock.ahead()).UnixMilli() }

// randomSeal is of the stored token, or of none.
func randomSeal(w *world, a *app, rng *rand.Rand) string {
	fp := w.redis.Server().HGet(w.key(a, "token"), "fingerprint")
	if fp == "" || rng.IntN(3) == 0 {
		fp = fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64())
	}
	now := w.redisNow()
	if rng.IntN(2) == 0 {
		return fmt.Sprintf("I %s %d %s", fp, now, randomText(rng, 28))
	}
	life := w.s.life.Milliseconds()
	return fmt.Sprintf("T %s %d %d %d %d %s", fp, now, now, now+life, life, randomText(rng, 60+rng.IntN(100)))
}

func randomText(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ofAnother was true on another channel.
func ofAnother(w *world, a *app, rng *rand.Rand) string {
	other := w.apps[(a.index+1)%len(w.apps)]
	all := w.events.of(other, 0)
	if len(all) == 0 || other == a {
		return ""
	}
	payload := all[rng.IntN(len(all))].payload
	if strings.HasPrefix(payload, "F") {
		return ""
	}
	return payload
}

// otherTimes makes an old event one of now.
func otherTimes(w *world, a *app, rng *rand.Rand) string {
	all := w.events.of(a, 0)
	if len(all) == 0 {
		return ""
	}
	slices.Reverse(all)
	last := slices.IndexFunc(all, func(one told) bool { return strings.HasPrefix(one.payload, "I ") })
	if last < 0 || rng.IntN(2) == 0 {
		last = rng.IntN(len(all))
	}
	words, now := strings.Split(all[last].payload, " "), w.redisNow()
	switch {
	case words[0] == "T" && len(words) > 6:
		words[2], words[3], words[4] = fmt.Sprint(now), fmt.Sprint(now), fmt.Sprint(now+w.s.life.Milliseconds())
	case words[0] == "I" && len(words) > 3:
		words[2] = fmt.Sprint(now)
	default:
		return ""
	}
	return strings.Join(words, " ")
}

// truncated is what is left of one.
func truncated(w *world, a *app, rng *rand.Rand) string {
	all := w.events.of(a, 0)
	if len(all) == 0 {
		return ""
	}
	payload := all[rng.IntN(len(all))].payload
	return payload[:rng.IntN(len(payload))]
}

const floodName = "flood of events"

// flood is a hundred forged events a second, which are no more reason to look than one.
func flood(w *world, _ *fault, _ *replica, rng *rand.Rand) effect {
	fleet, began := w.alive(), time.Now()
	before := make([]int, len(fleet))
	for i, r := range fleet {
		before[i] = r.prompted()
	}
	const lasts = 3 * time.Second
	for time.Since(began) < lasts {
		a := w.apps[rng.IntN(len(w.apps))]
		w.publish(a, randomSeal(w, a, rng))
		w.hand.sleep(between(rng, 5*time.Millisecond, 15*time.Millisecond))
	}
	w.hand.sleep(lookWithin)
	for i, r := range fleet {
		if r.isGone() || w.troubled(r.index, all, began, time.Now(), func(t *trouble) bool { return !t.harmless() }) {
			continue
		}
		if n := r.prompted() - before[i]; n > flooded {
			w.check.violated("I8", r.name, "%d commands within %v of a flood of events", n, time.Since(began))
		}
	}
	return done
}

// prompted counts the commands that an event may have a replica send: not those that keep a lease,
// which a slow issuer has it send.
func (r *replica) prompted() int { return r.link.Count() - int(r.extends.Load()) }

// flooded is more than a replica sends in the time of a flood: a rotation and four looks of
// each of its apps.
const flooded = 30
