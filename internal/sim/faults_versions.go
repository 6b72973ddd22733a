package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Two versions of the software in a fleet, as it is rolled out.
var versionFaults = []kind{
	{
		name: "another build", family: versions, everyReplica: true, everyApp: true, shortest: 10 * time.Second, longest: 12 * time.Hour, lives: 6,
		// Each replica that starts without a copy may find what it cannot open, and each build asks
		// once a rotation.
		trouble: trouble{builds: true, repeats: 2 * mostRolled, rotations: 1}, begin: anotherBuild,
	}, {
		name: "newer fields", family: versions, everyReplica: true, everyApp: true, shortest: time.Second, longest: 12 * time.Hour, lives: 6,
		trouble: trouble{}, begin: func(w *world, _ *fault, _ *replica, _ *rand.Rand) effect {
			return lasts(w.impose(&condition{replica: everybody, newer: true}))
		},
	}, {
		name: "older fields", family: versions, everyReplica: true, everyApp: true, shortest: time.Second, longest: 12 * time.Hour, lives: 6,
		// Nobody knows how old a token is, when the issuer was last asked, or what a failure is of.
		trouble: trouble{lost: true, unsaid: true, repeats: 2}, begin: func(w *world, _ *fault, _ *replica, _ *rand.Rand) effect {
			return lasts(w.impose(&condition{replica: everybody, older: true}))
		},
	}, {
		name: "unknown events", family: versions, everyReplica: true, everyApp: true, shortest: 1, longest: 1, trouble: trouble{}, begin: unknownEvents,
	},
}

// mostRolled is how many replicas are of another build, at the most.
const mostRolled = 3

func anotherBuild(w *world, _ *fault, r *replica, rng *rand.Rand) effect {
	rolled := []int{}
	for n := range 1 + rng.IntN(mostRolled) {
		index := (r.index + n) % w.s.replicas
		if w.buildOf(index) != 0 {
			continue // by another fault
		}
		rolled = append(rolled, index)
		w.roll(index, 1)
	}
	return effect{took: len(rolled) > 0, end: func() {
		for _, index := range rolled {
			w.roll(index, 0)
		}
	}}
}

// versioned has what was just written be as another version would write it.
func (w *world) versioned(a *app, what string) {
	weather, server, key := w.weather(&replica{index: everybody}), w.redis.Server(), w.key(a, what)
	if weather.newer {
		w.tally.add("newer fields of a " + what)
		server.HSet(key, "color", "red", "user_access_token", "u-1", "ends_at_2", "-1")
		if what == "failure" {
			server.HSet(key, "class", "of_a_newer_kind")
		}
	}
	if weather.older {
		w.tally.add("older fields of a " + what)
		for _, field := range map[string][]string{
			"token":   {"checked_at", "stored_at", "fetched_by", "fetched_at", "window", "issuer_url"},
			"failure": {"refused", "issuer_url", "replica_id", "advice", "log_id", "shut_out"},
		}[what] {
			server.HDel(key, field)
		}
	}
}

// unknownEvents are of kinds that nobody knows yet, or say more than anybody understands.
func unknownEvents(w *world, f *fault, _ *replica, rng *rand.Rand) effect {
	a := w.apps[f.app]
	for range 1 + rng.IntN(6) {
		payload := []string{"Q what is this", "", "T2 " + randomText(rng, 60), "I", "Z", fmt.Sprintf("F of %d", rng.IntN(9))}[rng.IntN(6)]
		if all := w.events.of(a, 0); len(all) > 0 && rng.IntN(2) == 0 {
			one := all[len(all)-1]
			payload = one.payload + " of a later version"
			w.events.alias(payload, one)
		}
		_ = w.admin.Publish(context.Background(), w.key(a, "events"), payload).Err()
		w.hand.sleep(spread(rng, time.Microsecond, time.Second))
	}
	return done
}
