package sim

import (
	"math/rand/v2"
	"time"
)

// revokedInARow has the services refuse each token as soon as the issuer has minted it, and
// checks that the fleet then asks for ever fewer: two are asked for at once, as the first may
// have been old, and before each further one there is a pause, twice as long as the last.
func revokedInARow(w *world, f *fault, _ *replica, rng *rand.Rand) effect {
	a, hand, began := w.apps[f.app], newLane(85-f.app), time.Now()
	a.keep(false)
	for time.Since(began) < f.lasts {
		w.revoke(a)
		hand.sleep(between(rng, 10*time.Millisecond, 40*time.Millisecond))
	}
	w.check.rowOf(a, began, time.Now())
	return done
}

// rowOf checks the pace of an app of which every token was refused between the two, if Redis
// was sound meanwhile and nobody asked without need.
func (c *checker) rowOf(a *app, from, to time.Time) {
	if c.w.troubled(everybody, a.index, from.Add(-c.w.s.life), to, (*trouble).breaksRows) {
		return
	}
	minted := 0
	for _, p := range a.issuer.Pairs() {
		if p.Minted.After(from) {
			minted++
		}
	}
	c.w.tally.add("row of refused tokens")
	most := inRow(to.Sub(from))
	if c.w.troubled(everybody, all, from, to, func(t *trouble) bool { return t.builds }) {
		most *= 2 // what one build has got is none to the other, which asks after each pause, too
	}
	if minted > most {
		c.violated("I3", "issuer", "%d tokens of %s were asked for within %v, each after the last was refused: at most %d", minted, a.name, to.Sub(from), most)
	}
}

// breaksRows reports whether the trouble may have Redis forget who was refused what, or a
// replica ask without it.
func (t *trouble) breaksRows() bool {
	return t.redis || t.lost || t.failure || t.gone || t.stopped || t.spent
}

// The pauses of a row.
const shortestRefusal, longestRefusal = 250 * time.Millisecond, 30 * time.Second

// inRow is how many tokens a fleet asks for within that time if all are refused: two, and one
// after each pause. One more may be on its way as the time begins.
func inRow(within time.Duration) int {
	most := 3
	for pause := shortestRefusal; pause <= within; pause = min(2*pause, longestRefusal) {
		within -= pause
		most++
	}
	return most
}
