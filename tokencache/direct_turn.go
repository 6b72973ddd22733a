package tokencache

import (
	"context"
	"time"
)

// ownDirectEvery is how often a credential whose last direct call failed may make one,
// whatever the others have left of the Cache's rate.
const ownDirectEvery = time.Minute

// takeDirectTurn reports whether the fill may call the issuer directly, and waits for its
// turn as long as that is of use. It keeps its place: those who wait for one are served in
// their order, and 64 of them for 4 s at the default rate.
func (f *fill) takeDirectTurn(ctx context.Context, cause error) bool {
	calls := f.src.cache.directCalls
	if calls.Allow() || f.src.ownDirectTurn() {
		return true
	}
	patience := f.directPatience()
	if patience <= 0 {
		return false
	}
	turn := calls.Reserve()
	wait := turn.Delay()
	if wait > patience {
		turn.Cancel()
		return false
	}
	f.waitsBecause(cause)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-f.src.gone:
	}
	turn.Cancel()
	return false
}

// waitsBecause has the hold fail nobody, as whoever comes now shall wait as well, and keeps
// the cause for those who give up.
func (f *fill) waitsBecause(cause error) {
	f.src.mu.Lock()
	defer f.src.mu.Unlock()
	f.src.hold.err = nil
	f.cause = cause
}

// directPatience is how long the fill waits for its turn: a caller without a copy for all of
// its time, a copy that nobody has to wait for until it is dead.
func (f *fill) directPatience() time.Duration {
	f.src.mu.Lock()
	wanted := f.wanted
	f.src.mu.Unlock()
	at := now()
	rest := fillTimeout - at.since(f.started)
	if c := f.src.usable(); c != nil && f.why != fillForced {
		return min(rest, c.remainingAt(at)-c.window.dead)
	}
	if !wanted {
		return 0
	}
	return rest
}

// ownDirectTurn reports whether a credential may call directly beside the Cache's rate.
func (s *Source) ownDirectTurn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.directFailed && now().since(s.directAt) >= ownDirectEvery
}

// directCallEnded takes note of a direct call.
func (s *Source) directCallEnded(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.directFailed, s.directAt = err != nil, now()
}
