package tokencache

import (
	"context"
	"errors"
	"time"
)

// withoutRedis ends a fill that Redis let down: see situation.aroundRedis.
func (f *fill) withoutRedis(ctx context.Context, cause error) error {
	if ctx.Err() != nil { // our own time is up: nothing is wrong with Redis
		return context.Cause(ctx)
	}
	if f.state.broken() != nil || errors.Is(cause, ErrClosed) {
		return ErrClosed
	}
	if e, ok := cause.(*RedisError); ok && e.Trouble == TroublePaused && !f.why.insists && f.breaker.allow() { //nolint:errorlint // it was not asked, and is back
		return errRedisBack
	}
	changed := f.state.changes() // before the hold is there that resume ends
	f.link.redisTrouble(cause, true)
	a := f.situation().aroundRedis(f.config.NoDirect, cause)
	if a.why != nil {
		f.state.holdFor(a.hold, a.why)
	}
	if a.next != goAround {
		return a.err
	}
	if err := f.takeDirectTurn(ctx, cause, changed); err != nil {
		if f.wasTold() { // meanwhile
			return nil
		}
		return err
	}
	return f.askDirectly(ctx, cause)
}

// takeDirectTurn waits for the fill's turn to call the issuer directly, as long as that is of use,
// and returns nil when it has it; cause if not, as when an event brings a token; errRedisBack if a
// silent Redis answers meanwhile. It keeps its place: those who wait for one are served in their
// order, and 64 of them for 4 s at the default rate.
func (f *fill) takeDirectTurn(ctx context.Context, cause error, changed <-chan struct{}) error {
	s := f.situation()
	if f.directCalls.Allow() || s.ownTurn {
		return nil
	}
	patience := s.patienceForTurn()
	if patience <= 0 {
		return cause
	}
	turn := f.directCalls.Reserve()
	wait := turn.Delay()
	if wait > patience {
		turn.Cancel()
		return cause
	}
	f.state.do(func() {
		f.state.pacer.excuse() // whoever comes now shall wait as well
		f.cause = cause
	})
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for !f.wasTold() {
		select {
		case <-timer.C:
			return nil
		case <-changed:
			changed = f.state.changes()
			// Nobody would begin another fill for Refresh.
			if !f.why.insists && (hold{err: cause}).isOfSilence() && f.breaker.allow() {
				turn.Cancel()
				return errRedisBack
			}
			continue
		case <-ctx.Done():
		case <-f.state.life.gone:
		}
		break
	}
	turn.Cancel()
	return cause
}

// askDirectly asks the issuer around Redis. The lock only saves calls; a token got
// without it is as good as any.
func (f *fill) askDirectly(ctx context.Context, cause error) error {
	f.state.do(f.state.pacer.excuse) // whoever comes now shall wait for the answer
	ctx = context.WithoutCancel(ctx)
	got, err := f.asker.fetch(ctx, EventDirectCall)
	f.state.do(func() { f.state.pacer.directCallEnded(err, now()) })
	if err != nil {
		err = &directError{issuerErrorOf(f.store.of, err), cause}
		f.paceFailure(err, 0)
		if f.foundBetter(ctx) { // Redis may be back by now
			return nil
		}
		return err
	}
	return f.keep(got)
}

// keep adopts a token that Redis does not know of, and sees to it that it will.
func (f *fill) keep(got fetched) error {
	a := got.adoption()
	a.unpublished = true
	if f.state.adopt(a) {
		f.state.do(f.state.pacer.issuerAnswered)
		f.courier.later(nil)
		return nil
	}
	err := f.store.of.useless(f.state.whyUseless(got.token.Fingerprint()))
	f.paceFailure(err, 0)
	return err
}
