package tokencache

import (
	"time"
)

// situation is what a fill decides by, beside a look: all of one moment. Deciding changes nothing of it.
type situation struct {
	why      *purpose
	refresh  *refresh      // of a fill that insists, else nil
	waited   bool          // for a holder of the lock: what that leaves is the answer to this fill too
	wanted   bool          // somebody waits for the fill
	timeLeft time.Duration // of its minute

	at          instant
	copy        *localCopy    // that can be handed out; nil if there is none
	keptOff     time.Duration // how much longer this process shall not ask
	keptOffWhy  error
	mayOverride bool          // Refresh may go past a permanent failure
	ownTurn     bool          // the credential may call directly beside the Cache's rate
	window      time.Duration // the issuer's
	lease       time.Duration // of who has the lock
}

// action is what a fill does after a look.
type action struct {
	next      next
	hold      time.Duration // how long the next fill stays away, or what this one waits for takes
	spread    time.Duration // on top, at random
	why       error         // of the hold
	err       error         // of a fill that stops
	lockHeld  bool          // the lock is in other hands
	overrides bool          // it goes past the failure that holds the others
}

// wait is the hold, with a draw of the spread.
func (a action) wait(j *jitter) time.Duration {
	if a.spread == 0 {
		return a.hold
	}
	return a.hold + j.upTo(a.spread)
}

// next is the kind of an action.
type next uint8

const (
	done        next = iota // nothing is left to do
	stop                    // there is no more to be had for now
	sitOut                  // until a failure no longer holds the fleet
	awaitOthers             // this process is kept from asking, they need not be
	awaitHolder             // until whoever has the lock leaves a token or a failure
	tryLock
	goAround // Redis: ask the issuer without the lock
)

const (
	// longestWait is how long a fill waits for the issuer's leave to ask. A
	// longer hold is an error at once.
	longestWait = 30 * time.Second
	// takeoverJitter spreads those who wait for the same lock to run out.
	takeoverJitter = 300 * time.Millisecond
	// everybodys is the hold, with all jitter, beyond which a failure marked Local is
	// taken for everybody's: see fail.lua.
	everybodys = 1500 * time.Millisecond
)

// decide says what a look leads to: the steps of a Get, in this order.
func (s situation) decide(v *view) action {
	if enough, pause := s.enough(v); enough {
		return action{next: done, hold: pause}
	}
	overrides := s.overrides(v.failure)
	switch {
	case v.failure.holds() && !overrides:
		return s.behindFailure(v.failure)
	case v.locked():
		return s.behindHolder(v, overrides)
	case s.keptOff > 0:
		return s.keptFromAsking(overrides)
	default:
		return action{next: tryLock, overrides: overrides}
	}
}

// enough reports whether nothing is left to do, and then how long the next fill may stay away.
func (s situation) enough(v *view) (yes bool, pause time.Duration) {
	c := s.copy
	switch {
	case s.why.insists:
		return c != nil && s.waited && s.refresh.isDoneBy(v), 0
	case c == nil:
		return false, 0
	case c.phaseAt(s.at) == fresh:
		return true, 0
	case v.foreign != "" && c.letsStand(s.at): // whoever stored that would replace ours in turn
		return true, c.remainingAt(s.at) // at most until it is urgent: see pacer.holdFor
	}
	// In its window, but the issuer has just said that there is no other yet.
	pause = pauseOf(s.window, c.token.life())
	if r := v.record; r != nil && c.is(r.fingerprint) && r.checked < pause {
		return true, pause - r.checked
	}
	return false, 0
}

// overrides reports whether Refresh goes past a failure that holds others, once per fill and 5 s.
func (s situation) overrides(known *failure) bool {
	return s.why.insists && known.holds() && s.refresh.mayOverride(known) && (s.refresh.overriding || s.mayOverride)
}

// canStop reports whether the fill can end without having asked: there is a copy, and nobody
// insists.
func (s situation) canStop() bool { return s.copy != nil && !s.why.insists }

// behindFailure waits until the failure no longer holds the fleet, if that is of use.
func (s situation) behindFailure(known *failure) action {
	theirs := s.waited && !known.err.Local // what became of the call this fill waited for
	switch {
	case s.canStop():
		return action{next: stop, hold: known.hold, spread: takeoverJitter, why: known.err}
	case theirs || s.why.insists || !endsSoon(known.err, known.hold):
		return action{next: stop, hold: min(known.hold, shortHold), why: known.err, err: known.err}
	default:
		return action{next: sitOut, hold: known.hold, spread: takeoverJitter, why: known.err}
	}
}

// keptFromAsking leaves it to the others to ask.
func (s situation) keptFromAsking(overrides bool) action {
	switch {
	case s.canStop():
		return action{next: stop, hold: s.keptOff, why: s.keptOffWhy}
	case s.why.insists || !endsSoon(s.keptOffWhy, s.keptOff):
		return action{next: stop, hold: min(s.keptOff, shortHold), why: s.keptOffWhy, err: s.keptOffWhy, overrides: overrides}
	default:
		return action{next: awaitOthers, hold: s.keptOff, overrides: overrides}
	}
}

// behindHolder leaves it to whoever has the lock, until it may be free as far as v can tell.
func (s situation) behindHolder(v *view, overrides bool) action {
	free := v.lockTTL + time.Millisecond // PTTL is 0 within the last one
	if v.lockTTL < 0 {                   // taken since the look
		free = s.lease
	}
	a := action{next: awaitHolder, hold: free, spread: takeoverJitter, lockHeld: true, overrides: overrides}
	if s.copy != nil { // half of what is left of it is for the process that takes over
		a.spread = min(a.spread, max(0, s.copy.remainingAt(s.at)-s.copy.window.dead-a.hold)/2)
	}
	if s.canStop() {
		a.next = stop
	}
	return a
}

// mayLockAtOnce reports whether a look shall take the lock where there is neither token nor
// failure.
func (s situation) mayLockAtOnce() bool {
	switch {
	case s.why.insists: // Refresh has to know first what there is
		return false
	case s.waited: // for a call, which mostly left a token: a look alone costs less
		return false
	case s.copy != nil: // what the winner leaves meanwhile saves a call
		return false
	default:
		return s.keptOff == 0
	}
}

// aroundRedis says what follows when Redis lets the fill down. A copy serves. Without one, and at the
// very end of its life, the issuer is asked directly.
func (s situation) aroundRedis(noDirect bool, cause error) action {
	needed := s.copy == nil || s.copy.phaseAt(s.at) <= urgent
	switch {
	case !needed && !s.why.insists:
		return action{next: stop, err: cause}
	case s.keptOff > 0:
		return action{next: stop, hold: min(s.keptOff, shortHold), why: s.keptOffWhy, err: s.keptOffWhy}
	case noDirect:
		return action{next: stop, err: cause}
	default:
		return action{next: goAround}
	}
}

// afterTrouble says what a fill that Redis let down leaves to the next ones, by what follows for itself and
// whether it has its turn to ask directly. One without patience for its turn fails no Get that has some.
func (s situation) afterTrouble(a action, hasTurn bool) aftermath {
	if a.next == goAround && (hasTurn || s.patienceForTurn() <= 0) {
		return fillsWait
	}
	return fillsFail
}

// patienceForTurn is how long a fill waits for its turn to ask directly: for a caller without a copy
// as long as it has, with a copy that serves until that is dead.
func (s situation) patienceForTurn() time.Duration {
	switch {
	case s.canStop():
		return min(s.timeLeft, s.copy.remainingAt(s.at)-s.copy.window.dead)
	case s.wanted:
		return s.timeLeft
	default:
		return 0
	}
}

// endsSoon reports whether waiting may help, for those who have the time. What is final for
// a replica that the issuer does not let in need not be for another.
func endsSoon(err error, rest time.Duration) bool {
	if refused := issuerErrorIn(err); refused != nil && refused.Class.NeedsPerson() {
		if !refused.Local || rest > everybodys {
			return false
		}
	}
	return rest <= longestWait
}
