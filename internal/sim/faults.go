package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// kind of fault. Begin starts it. What it does to those who wait, and what it may cost
// in calls, is said in the trouble.
type kind struct {
	name              string
	family            family
	everyReplica      bool    // is met, not the fault's alone: so what meets Redis or an issuer
	everyApp          bool    // is met: so what meets a process, a link or all of Redis
	onCall            float64 // the share that begins when somebody asks the issuer
	shortest, longest time.Duration
	lives             int // of a token that it lasts at most, if they are more than two
	begin             begin
	trouble           trouble
}

type begin func(w *world, f *fault, r *replica, rng *rand.Rand) effect

// effect of a fault that has begun. The zero effect is none: there was nothing to break.
type effect struct {
	took bool
	end  func()          // nil if it is over already
	over <-chan struct{} // closed when there is nothing left to end, unless it is nil
}

func lasts(end func()) effect { return effect{took: true, end: end} }

var done = effect{took: true}

// trouble is what a fault may be an excuse for, from its begin until a tail after its
// end.
type trouble struct {
	name     string    // of the kind of fault
	from, to time.Time // to is zero while it lasts
	replica  int       // or everybody
	app      int       // or all of them

	stopped   bool          // the replica: its Gets may take any time
	redis     bool          // Redis may not be reached, or not be written, by the replica
	spent     bool          // the replica may have no direct calls left
	issuer    bool          // the issuer may give no token
	gone      bool          // the replica, in the middle of what it did
	failure   bool          // the record of a failure may be lost, passed or wrong, or the lock that lets it be written
	lost      bool          // Redis may have lost data, or have been given wrong data
	kept      bool          // a rejected token may be handed out again
	unsaid    bool          // records may not say what a failure is of
	tail      time.Duration // how long the fleet may be held back when it is over
	builds    bool          // two builds cannot open each other's records
	rotations int           // calls, as repeats, for each rotation meanwhile
	repeats   int           // calls that may return what the issuer has given out before: see vain.go
}

const all = -1

// harmless reports whether it is an excuse for nothing at all.
func (t *trouble) harmless() bool {
	return !t.stopped && !t.redis && !t.spent && !t.issuer && !t.gone && !t.failure && !t.lost && !t.kept && !t.unsaid && !t.builds && t.repeats == 0
}

// overlaps reports whether the trouble, tail included, was there between the two.
func (t *trouble) overlaps(from, to time.Time) bool {
	return !t.from.After(to) && (t.to.IsZero() || !t.to.Add(t.tail).Before(from))
}

// troubled reports whether a trouble of a sort overlaps.
func (w *world) troubled(replica, app int, from, to time.Time, sort func(*trouble) bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.troubles {
		if (t.replica == everybody || replica == everybody || t.replica == replica) &&
			(t.app == all || app == all || t.app == app) && sort(t) && t.overlaps(from, to) {
			return true
		}
	}
	return false
}

// inflict runs one fault from its beginning to its end.
func (w *world) inflict(f *fault, n int) {
	hand := newLane(100 + n)
	hand.sleep(f.at)
	rng := draws(f.draw).sequence(f.kind.name)
	r := w.victim(f, hand, rng)
	w.log.add("fault", "%s: %s, app %s, %v", f.kind.name, r.name, w.apps[f.app].name, f.lasts)
	t := w.trouble(f.kind, r.index, f.app)
	e := f.kind.begin(w, f, r, rng)
	if !e.took {
		w.log.add("fault", "%s has nothing to break", f.kind.name)
		w.noTrouble(t)
		return
	}
	w.tally.add("fault " + f.kind.name)
	if e.end != nil {
		hand.until(e.over, f.lasts)
		e.end()
		w.log.add("fault", "%s is over", f.kind.name)
	}
	w.pass(t)
}

// victim is the replica of a fault: whoever asks the issuer next, if it is to begin
// then; else the one that was drawn, or another that is there.
func (w *world) victim(f *fault, hand *lane, rng *rand.Rand) *replica {
	r := w.present(f.replica)
	if f.onCall {
		if caller := w.awaitCall(hand); caller != nil {
			r = caller
			hand.sleep(between(rng, 0, w.s.latency*5/4))
		}
	}
	for i := 0; r == nil || r.isGone(); i++ {
		r = w.present((f.replica + i) % w.s.replicas)
		hand.sleep(time.Millisecond)
	}
	return r
}

// trouble begins that of a fault.
func (w *world) trouble(k *kind, replica, app int) *trouble {
	t := k.trouble
	t.name, t.from, t.replica, t.app = k.name, time.Now(), replica, app
	if k.everyReplica {
		t.replica = everybody
	}
	if k.everyApp {
		t.app = all
	}
	w.mu.Lock()
	w.troubles = append(w.troubles, &t)
	w.mu.Unlock()
	return &t
}

// rejectedButKept is a rejection of the token that the issuer hands out again: one call.
func (w *world) rejectedButKept(a *app) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	// And one more, as the event of the rejection may come after that of the token handed
	// out again, which whoever hears it last then drops.
	calls := 2
	if slices.ContainsFunc(w.troubles, func(t *trouble) bool { return t.builds && t.to.IsZero() }) {
		calls *= 2 // each build asks for itself
	}
	w.troubles = append(w.troubles, &trouble{
		name: "rejected but kept", from: now, to: now, replica: everybody, app: a.index, kept: true, repeats: calls,
	})
}

// rejectedOnArrival is an answer that was revoked before it could be published, which holds the
// fleet back as a failure of the issuer does if that happens twice in a row.
func (w *world) rejectedOnArrival(a *app) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubles = append(w.troubles, &trouble{
		name: "rejected when it arrived", from: now, to: now, replica: everybody, app: a.index, issuer: true, tail: transientTail + slack,
	})
}

// pass ends a trouble, but for its tail.
func (w *world) pass(t *trouble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.to = time.Now()
}

// noTrouble takes one back that was none.
func (w *world) noTrouble(t *trouble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubles = slices.DeleteFunc(w.troubles, func(other *trouble) bool { return other == t })
}

// awaitCall waits for somebody to ask the issuer, until a rotation should have come.
func (w *world) awaitCall(hand *lane) *replica {
	c := w.arm()
	defer w.disarm(c)
	return w.isCalled(c, hand)
}

// isCalled waits for what arm has promised.
func (w *world) isCalled(c <-chan *replica, hand *lane) *replica {
	timer := time.NewTimer(hand.after(w.s.life))
	defer timer.Stop()
	select {
	case r := <-c:
		return r
	case <-timer.C:
		return nil
	}
}

// kinds are all there are.
var kinds []kind

func init() {
	for _, some := range [][]kind{processFaults, networkFaults, dataFaults, refusalFaults, issuerFaults, revocationFaults, newsFaults, clockFaults, fieldFaults, absenceFaults, versionFaults} {
		kinds = append(kinds, some...)
	}
	names := map[string]bool{}
	for _, k := range kinds {
		if names[k.name] {
			panic(fmt.Sprintf("two faults are called %q", k.name))
		}
		names[k.name] = true
	}
}

// FaultNames returns the name of every fault there is.
func FaultNames() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}
