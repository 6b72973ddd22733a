package tokencache

import (
	"errors"
	"time"
)

// What is in this file makes the difference between a fleet that asks and one
// that hammers: a fill always leaves a reason why the next need not come yet.

// hold is what the last fill left behind: no other starts before it is over. A
// fill without one would follow at once, as often as somebody calls Get.
type hold struct {
	from instant
	wait time.Duration
	err  error // for a Get without a copy; nil if there is no reason to fail it
}

// shortHold is how long a process without a copy answers a failure from memory
// before it looks whether somebody has mended it.
const shortHold = 5 * time.Second

func (h hold) rest(at instant) time.Duration { return max(0, h.wait-at.since(h.from)) }

// holdFor keeps the next fill away for a while. The error is what a Get without
// a copy is told meanwhile.
func (s *Source) holdFor(wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = s.holdOf(wait, err)
	s.settle()
}

// holdOf ends a hold where the copy reaches its next phase, if that is sooner: an
// urgent copy may be replaced around Redis, and without one a fill has to see
// whether somebody else has another. The caller holds s.mu.
func (s *Source) holdOf(wait time.Duration, err error) hold {
	at := now()
	if c := s.usable(); c != nil {
		wait = min(wait, c.window.untilNext(c.remainingAt(at)))
	}
	return hold{from: at, wait: wait, err: err}
}

// excuseHold has the hold fail nobody: a fill goes around what it was left for.
func (s *Source) excuseHold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold.err = nil
}

// settle brings quietUntil up to date. The caller holds s.mu.
func (s *Source) settle() {
	if s.fill != nil {
		return // it says so itself when it ends
	}
	at := now()
	s.quietUntil.Store(int64(at.mono + s.hold.rest(at)))
}

// keepOff keeps this process from asking for a while, which may still read what
// others have got.
func (s *Source) keepOff(wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ownHold = hold{from: now(), wait: wait, err: err}
}

// keptOff returns how much longer this process shall not ask, and why. Refresh
// may, unless what it got before was rejected.
func (f *fill) keptOff() (time.Duration, error) {
	f.src.mu.Lock()
	defer f.src.mu.Unlock()
	h := f.src.ownHold
	if f.why == fillForced && !errors.Is(h.err, ErrRejected) {
		return 0, nil
	}
	return h.rest(now()), h.err
}

// oneMoreFailure counts calls in a row that only this process knows to have
// failed.
func (s *Source) oneMoreFailure() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures++
	return s.failures
}

func (s *Source) forgetFailures() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = 0
	if !errors.Is(s.ownHold.err, ErrRejected) { // what has just been got may be rejected by now
		s.ownHold = hold{}
	}
}

// troubled counts looks and writes in a row that Redis did not allow.
func (s *Source) troubled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles++
	return s.troubles
}

func (s *Source) untroubled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles = 0
}

// sawLockHeld notes that the lock was in other hands, and what was known then.
func (s *Source) sawLockHeld(v *view) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lockSeen = v.news()
}

// tookLock reports a takeover: the lock has come to us, and whoever had it left
// no more than there was.
func (s *Source) tookLock(v *view) {
	s.mu.Lock()
	takeover := s.lockSeen != "" && s.lockSeen == v.news()
	s.lockSeen = ""
	s.mu.Unlock()
	if takeover {
		s.observe(Event{Kind: EventTakeover})
	}
}

// wakeIn starts a fill in a while, unless something else does before. The caller
// holds s.mu.
func (s *Source) wakeIn(wait time.Duration) {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(wait, s.awake)
}

// awake is the timer's refill: if it comes too early while the Cache runs, it sets the
// timer again.
func (s *Source) awake() {
	s.refill()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.schedule()
}
