package tokencache

import (
	"errors"
	"time"
)

// situation is what a fill decides by, beside a look: all of one moment, and nothing that changes.
type situation struct {
	why     *purpose
	refresh *refresh // of a fill that insists, else nil
	hadCopy bool     // when it began
	waited  bool     // for a holder of the lock: what that leaves is the answer to this fill too

	at         instant
	copy       *localCopy    // that can be handed out; nil if there is none
	keptOff    time.Duration // how much longer this process shall not ask
	keptOffWhy error
	mayPass    bool          // Refresh may go past a permanent failure
	window     time.Duration // the issuer's
	lease      time.Duration // of who has the lock
}

// action is what a fill does after a look.
type action struct {
	next   next
	hold   time.Duration // how long the next fill stays away, or what this one waits for takes
	spread time.Duration // on top, at random
	why    error         // of the hold
	err    error         // of a fill that stops
	held   bool          // the lock is in other hands
	passes bool          // it goes past the failure that holds the others
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
	awaitLeave              // until a failure no longer holds the fleet
	awaitOthers             // this process is kept from asking, they need not be
	awaitHolder             // until whoever has the lock leaves a token or a failure
	tryLock
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
	passes := s.passes(v.failure)
	switch {
	case v.failure.holds() && !passes:
		return s.behindFailure(v.failure)
	case v.locked():
		return s.behindHolder(v, passes)
	case s.keptOff > 0:
		return s.keptFromAsking(passes)
	default:
		return action{next: tryLock, passes: passes}
	}
}

// enough reports whether nothing is left to do, and then how long the next fill may stay away.
func (s situation) enough(v *view) (yes bool, pause time.Duration) {
	c := s.copy
	switch {
	case s.why.insists:
		return c != nil && s.waited && s.refresh.isDoneBy(v), 0
	case c == nil:
		return s.why.tells && !s.hadCopy, 0 // it has told what it had to
	case c.phaseAt(s.at) == fresh || s.why.tells:
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

// passes reports whether Refresh goes past a failure that holds others, once per fill and 5 s.
func (s situation) passes(known *failure) bool {
	return s.why.insists && known.holds() && s.refresh.mayPass(known) && (s.refresh.passing || s.mayPass)
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
	case theirs || s.why.insists || !canPass(known.err, known.hold):
		return action{next: stop, hold: min(known.hold, shortHold), why: known.err, err: known.err}
	default:
		return action{next: awaitLeave, hold: known.hold, spread: takeoverJitter, why: known.err}
	}
}

// keptFromAsking leaves it to the others to ask.
func (s situation) keptFromAsking(passes bool) action {
	switch {
	case s.canStop():
		return action{next: stop, hold: s.keptOff, why: s.keptOffWhy}
	case s.why.insists || !canPass(s.keptOffWhy, s.keptOff):
		return action{next: stop, hold: min(s.keptOff, shortHold), why: s.keptOffWhy, err: s.keptOffWhy, passes: passes}
	default:
		return action{next: awaitOthers, hold: s.keptOff, passes: passes}
	}
}

// behindHolder leaves it to whoever has the lock, until it may be free as far as v can tell.
func (s situation) behindHolder(v *view, passes bool) action {
	a := action{next: awaitHolder, hold: v.lockTTL + time.Millisecond, spread: takeoverJitter, held: true, passes: passes} // PTTL is 0 within the last one
	if v.lockTTL < 0 {                                                                                                     // taken since the look
		a.hold = s.lease
	}
	if s.copy != nil { // half of what is left then is for who takes over
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
	case !s.why.forGet: // Refresh has to know first what there is, a put-back wants no lock
		return false
	case s.waited: // for a call, which mostly left a token: a look alone costs less
		return false
	case s.copy != nil: // what the winner leaves meanwhile saves a call
		return false
	default:
		return s.keptOff == 0
	}
}

// canPass reports whether waiting may help, for those who have the time. What is final for
// a replica that the issuer does not let in need not be for another.
func canPass(err error, rest time.Duration) bool {
	if refused, ok := errors.AsType[*IssuerError](err); ok && (refused.Class == ClassPermanent || refused.Class == ClassQuota) {
		if !refused.Local || rest > everybodys {
			return false
		}
	}
	return rest <= longestWait
}
