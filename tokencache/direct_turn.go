package tokencache

import (
	"context"
	"errors"
	"time"
)

// errRedisBack ends a fill that need not call directly any more. The next looks at once.
var errRedisBack = errors.New("tokencache: redis is back")

// takeDirectTurn waits for the fill's turn to call the issuer directly, as long as that is
// of use, and returns nil when it has it; cause if not, as when an event brings a token; errRedisBack if a silent Redis answers
// meanwhile. It keeps its place: those who wait for one are served in their order, and 64 of
// them for 4 s at the default rate.
func (f *fill) takeDirectTurn(ctx context.Context, cause error) error {
	calls := f.src.cache.directCalls
	if calls.Allow() || f.src.ownDirectTurn() {
		return nil
	}
	patience := f.directPatience()
	if patience <= 0 {
		return cause
	}
	turn := calls.Reserve()
	wait := turn.Delay()
	if wait > patience {
		turn.Cancel()
		return cause
	}
	changed := f.waitsBecause(cause)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		if f.wasTold() {
			turn.Cancel()
			return cause
		}
		select {
		case <-timer.C:
			return nil
		case <-changed:
			if changed = f.src.changes(); f.mayLookInstead(cause) {
				turn.Cancel()
				return errRedisBack
			}
			continue
		case <-ctx.Done():
		case <-f.src.gone:
		}
		turn.Cancel()
		return cause
	}
}

// mayLookInstead reports whether Redis, silent before, may be asked again. Refresh has
// nobody who would begin another fill.
func (f *fill) mayLookInstead(cause error) bool {
	return !f.why.insists && hold{err: cause}.isOfSilence() && f.src.cache.breaker.allow()
}

// waitsBecause has the hold fail nobody, as whoever comes now shall wait as well, and keeps
// the cause for those who give up. It returns what is closed at the next event, or when Redis
// is back: see resume.
func (f *fill) waitsBecause(cause error) (changed <-chan struct{}) {
	f.src.mu.Lock()
	defer f.src.mu.Unlock()
	f.src.pacer.excuse()
	f.cause = cause
	return f.src.changed.ch
}

// directPatience is how long the fill waits for its turn: a caller without a copy for all of
// its time, a copy that nobody has to wait for until it is dead.
func (f *fill) directPatience() time.Duration {
	f.src.mu.Lock()
	wanted := f.wanted
	f.src.mu.Unlock()
	at := now()
	rest := fillTimeout - at.since(f.started)
	if c := f.src.usable(); c != nil && !f.why.insists {
		return min(rest, c.remainingAt(at)-c.window.dead)
	}
	if !wanted {
		return 0
	}
	return rest
}

// ownDirectTurn reports whether the credential may call directly beside the Cache's rate.
func (s *Source) ownDirectTurn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pacer.mayCallDirectly(now())
}
