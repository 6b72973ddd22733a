package tokencache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// withoutRedis ends a fill that Redis let down. A copy serves; without one, or
// at the very end of its life, the issuer is asked directly.
func (f *fill) withoutRedis(ctx context.Context, cause error) error {
	if ctx.Err() != nil { // our own time is up: nothing is wrong with Redis
		return context.Cause(ctx)
	}
	if f.src.closed() || errors.Is(cause, ErrClosed) {
		return ErrClosed
	}
	f.degraded(cause)
	c := f.src.usable()
	needed := c == nil || c.phaseAt(now()) <= urgent
	if f.why.tells {
		f.src.note((*pacer).excuse) // a Get may go around Redis
		f.src.putBackLater(cause)
		needed = needed && c != nil // without a copy, whoever wants a token waits for the next fill
	}
	if !needed && !f.why.insists {
		return cause
	}
	if rest, why := f.keptOff(); rest > 0 {
		f.src.holdFor(min(rest, shortHold), why)
		return why
	}
	if f.src.cache.config.NoDirect {
		return cause
	}
	if err := f.takeDirectTurn(ctx, cause); err != nil {
		if f.wasTold() { // meanwhile
			return nil
		}
		return err
	}
	return f.direct(ctx, cause)
}

// degraded notes trouble with Redis and paces what follows.
func (f *fill) degraded(cause error) {
	e := redisErrorOf(cause, f.src.store.keys.id)
	f.src.observe(Event{Kind: EventDegraded, Trouble: e.Trouble, Err: e})
	least := f.src.cache.breaker.retryIn(now())
	row := 0
	// The prober ends this hold if Redis is back before: see resume.
	f.src.pace(func(p *pacer, c *localCopy, at instant) { row = p.redisFailed(e, least, c, at) })
	if row == 1 && e.refused() { // the breaker speaks up for a silent one
		without := 0
		if f.src.usable() == nil {
			without = 1
		}
		f.src.cache.reports.log(slog.LevelWarn, "redis refuses", whose(e.ID, "err", e.Error(), "meanwhile", f.src.cache.meanwhile(without))...)
	}
}

// direct asks the issuer around Redis. The lock only saves calls; a token got
// without it is as good as any.
func (f *fill) direct(ctx context.Context, cause error) error {
	f.src.note((*pacer).excuse) // whoever comes now shall wait for the answer
	ctx = context.WithoutCancel(ctx)
	got, err := f.src.fetch(ctx, EventDirectCall)
	f.src.pace(func(p *pacer, _ *localCopy, at instant) { p.directCallEnded(err, at) })
	if err != nil {
		e := issuerErrorOf(f.src.credential, err)
		err = fmt.Errorf("%w (asked directly, because of %w)", e, cause)
		f.paceFailure(err, 0)
		if f.foundBetter(ctx) { // Redis may be back by now
			return nil
		}
		return err
	}
	f.src.note((*pacer).answered)
	return f.keep(got)
}

// keep adopts a token that Redis does not know of, and sees to it that it will.
func (f *fill) keep(got fetched) error {
	a := got.adoption()
	a.unpublished = true
	if !f.src.adopt(a) {
		if f.src.knowsRejected(got.token.Fingerprint()) {
			return f.unusable(ErrRejected)
		}
		return f.unusable(ErrExpired)
	}
	f.src.putBackLater(nil)
	return nil
}

// putBackLater brings to Redis what it does not know, a token or a rejection, when
// it may be back. Err is that of the last attempt, if there was one.
func (s *Source) putBackLater(err error) {
	e, ok := errors.AsType[*RedisError](err)
	tried := !ok || e.Trouble != TroublePaused
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := s.pacer.putBackIn(tried, s.cache.breaker.retryIn(now()))
	if s.broken != nil {
		return
	}
	if s.putBackTimer != nil {
		s.putBackTimer.Stop()
	}
	s.putBackTimer = time.AfterFunc(wait, s.startPutBack)
}

func (s *Source) startPutBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.copy.Load()
	putBack := c.usableAt(now()) && c.unpublished
	if s.broken != nil || !putBack && len(s.shelf.rejected.pending(now())) == 0 {
		return
	}
	if s.fill != nil { // which will do it, if it reaches Redis; else later
		s.putBackTimer = time.AfterFunc(redisBackoff.base, s.startPutBack)
		return
	}
	_, _ = s.start(fillPutBack)
}

// worthAWrite is how much longer than the stored token one from a direct call must
// live to be put back. A fleet that asked at the same moment has as many tokens as
// replicas. What is stored is rounded down, so each would seem a little better than
// the last.
const worthAWrite = time.Second

// putBack brings a token from a direct call to Redis, once that can be read. It
// has no part in the lock: the merge rule decides, and a tombstone of any age.
//
// Of the token that is stored it has something to tell only if the issuer's word was a
// shorter one.
//
// What is stored had that much left when it was read, up to now, not when it was
// asked for: a Redis that has just come back may have taken a second to answer,
// and the token of everyone whose question was on its way would seem better.
//
// For the same reason v.now is a moment before now, not one before v.at: counted back
// from there, the token would seem younger than it is by the question's way to Redis.
func (f *fill) putBack(ctx context.Context, v *view) {
	c := f.src.usable()
	if c == nil || !c.unpublished {
		f.src.putBackDone(c)
		return
	}
	if r := v.record; r != nil {
		gain := c.remainingAt(now()) - r.remaining
		if c.is(r.fingerprint) {
			gain = -gain
		}
		if gain < worthAWrite {
			f.src.putBackDone(c)
			return
		}
	}
	patient, cancel := f.patience(ctx)
	defer cancel()
	out, stored, err := f.src.store.publish(patient, offer{
		token: c.token, by: f.src.cache.config.Replica, putBack: true, window: f.src.credential.Window(),
		asked: v.now.Add(-now().since(c.from)), elapsed: now().since(c.from), took: f.src.lastCallTook(),
	})
	err = f.impatient(patient, err)
	f.src.observe(Event{Kind: EventPutBack, Outcome: out, Remaining: c.remainingAt(now()), Err: err})
	if err != nil {
		f.src.putBackLater(err)
		return
	}
	f.src.putBackDone(c)
	switch fp := c.token.Fingerprint(); {
	case stored != nil && out != OutcomeKept:
		_ = f.src.store.announceToken(ctx, stored)
	case out == OutcomeRejected && !f.src.knowsRejected(fp):
		f.src.wasRejected(fp) // later than by the event, which was missed
	}
}

// putBackDone says that Redis knows the copy c, if there is one, or a better token.
func (s *Source) putBackDone(c *localCopy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pacer.putBackDone()
	s.shelf.published(c)
}
