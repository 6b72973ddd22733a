package tokencache

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"
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
	s := f.situation()
	a, turn := s.aroundRedis(f.config.NoDirect, cause), noTurn
	if a.next == goAround {
		turn = f.takeDirectTurn(s)
	}
	var changed <-chan struct{}
	f.state.do(func() { // before the hold is there that resume ends
		changed = f.state.changed.next()
		f.cause = cause
	})
	f.link.redisTrouble(cause, s.afterTrouble(a, turn != noTurn))
	if a.why != nil {
		f.state.holdFor(a.hold, a.why)
	}
	switch {
	case a.next != goAround:
		return a.err
	case turn == noTurn && f.wasTold(): // meanwhile
		return nil
	case turn == noTurn:
		return cause
	}
	if err := f.awaitTurn(ctx, turn, cause, changed); err != nil {
		if f.wasTold() { // meanwhile
			return nil
		}
		return err
	}
	return f.askDirectly(ctx, cause)
}

// directTurn is when a fill may call the issuer directly.
type directTurn struct {
	reserved *rate.Reservation // nil: at once
	wait     time.Duration
}

// noTurn is no turn: there is none while waiting is of use.
var noTurn = directTurn{wait: -1}

// takeDirectTurn takes the fill's turn. Who has one keeps its place: those who wait are served in their
// order, and 64 of them for 4 s at the default rate.
func (f *fill) takeDirectTurn(s situation) directTurn {
	if f.directCalls.Allow() || s.ownTurn {
		return directTurn{}
	}
	patience := s.patienceForTurn()
	if patience <= 0 {
		return noTurn
	}
	reserved := f.directCalls.Reserve()
	wait := reserved.Delay()
	if wait > patience {
		reserved.Cancel()
		return noTurn
	}
	return directTurn{reserved, wait}
}

// awaitTurn returns nil when it is the fill's turn; cause if it is of no use any more, as when an event
// brings a token; errRedisBack if a silent Redis answers meanwhile.
func (f *fill) awaitTurn(ctx context.Context, turn directTurn, cause error, changed <-chan struct{}) error {
	if turn.reserved == nil {
		return nil
	}
	timer := time.NewTimer(turn.wait)
	defer timer.Stop()
	for !f.wasTold() {
		select {
		case <-timer.C:
			return nil
		case <-changed:
			changed = f.state.changes()
			// Nobody would begin another fill for Refresh.
			if !f.why.insists && isSilence(cause) && f.breaker.allow() {
				turn.reserved.Cancel()
				return errRedisBack
			}
			continue
		case <-ctx.Done():
		case <-f.state.life.gone:
		}
		break
	}
	turn.reserved.Cancel()
	return cause
}

// askDirectly asks the issuer around Redis. The lock only saves calls; a token got
// without it is as good as any.
func (f *fill) askDirectly(ctx context.Context, cause error) error {
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
