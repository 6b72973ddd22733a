package tokencache

import (
	"context"
	"errors"
	"time"

	"github.com/onetoken-go/onetoken/lock"
)

// acquire makes one try for the lock.
func (f *fill) acquire(ctx context.Context) (*lock.Lease, error) {
	ctx, cancel := f.patience(ctx)
	defer cancel()
	lease, err := f.src.cache.locker.TryAcquire(ctx, f.src.store.keys.lock(), f.lease(), f.lockAtMost())
	if err == nil || errors.Is(err, lock.ErrHeld) {
		f.src.note((*pacer).redisAnswered)
		return lease, err
	}
	return nil, f.impatient(ctx, whoseError(ctx, err, f.src.store.keys.id))
}

// lease is how long the lock outlives this process.
func (f *fill) lease() time.Duration {
	f.src.mu.Lock()
	defer f.src.mu.Unlock()
	return leaseOf(f.src.credential.Window(), f.src.shelf.lastLife)
}

// lockAtMost bounds what the lock is kept alive for: two calls, and the commands
// around them.
func (f *fill) lockAtMost() time.Duration {
	return 2*f.src.cache.config.FetchTimeout + 4*f.src.cache.config.RedisTimeout
}

// underLock goes on with the lock in hand: look again, ask, publish. From here on Close
// does not interrupt the fill: what was asked for is published, and the lock released.
// Again means that somebody left a failure in the meantime.
func (f *fill) underLock(ctx context.Context, lease *lock.Lease) (again bool, err error) {
	over := context.Cause(ctx)
	ctx = context.WithoutCancel(ctx)
	defer f.leave(ctx, lease)
	if over != nil { // while the lock was on its way
		return false, over
	}

	v, err := f.look(ctx)
	if err != nil {
		return false, f.withoutRedis(ctx, err)
	}
	switch a := f.decide(v); {
	case a.next == done:
		f.pauseFor(a.hold)
		f.left = v.record != nil
		return false, nil
	case v.failure.holds() && !a.passes:
		f.left = true
		return true, nil
	}
	return false, f.ask(ctx, lease, v)
}

// askAtOnce is underLock for a look that took the lock: there was nothing else to find.
func (f *fill) askAtOnce(ctx context.Context, v *view) error {
	over := context.Cause(ctx)
	ctx = context.WithoutCancel(ctx)
	lease := v.claim.Keep(ctx) // before the call: it may take longer than the first lease
	defer f.leave(ctx, lease)
	if over != nil { // while the lock was on its way
		return over
	}
	f.src.note((*pacer).redisAnswered)
	return f.ask(ctx, lease, v)
}

// leave releases the lock, and wakes those who wait for it if there is nothing
// else that would.
func (f *fill) leave(ctx context.Context, lease *lock.Lease) {
	_ = lease.Release(ctx) // if that fails, the lease ends by itself
	if !f.left && f.src.cache.breaker.allow() {
		_ = f.src.store.announce(ctx, eventFree, "")
	}
}

// ask calls the issuer and shares what comes of it.
func (f *fill) ask(ctx context.Context, lease *lock.Lease, v *view) error {
	for again := false; ; again = true {
		got, err := f.src.fetch(ctx, EventCall)
		if isClosed(lease.Lost()) {
			f.src.observe(Event{Kind: EventLeaseLost})
		}
		if err != nil {
			return f.failed(ctx, lease, err)
		}
		err = f.publish(ctx, lease, got, v)
		switch {
		case err == nil: // what becomes of the copy from now on is another fill's business
			f.answered()
			return nil
		case errors.Is(err, ErrRedis): // the token is good, even if Redis is not
			f.src.note((*pacer).answered)
			f.degraded(err)
			return f.keep(got)
		case f.src.closed(): // and yet published
			return ErrClosed
		}
		useless := err
		if v, err = f.look(ctx); err != nil { // others may have done better
			return f.withoutRedis(ctx, err)
		}
		if f.satisfied(v) {
			f.left = true
			return nil
		}
		if again || errors.Is(useless, ErrExpired) { // else rejected since we asked: once more
			return f.failed(ctx, lease, f.unusable(useless))
		}
	}
}

// unusable is the failure of a call that did give a token.
func (f *fill) unusable(why error) *IssuerError {
	return &IssuerError{Issuer: word(f.src.credential.Issuer()), Class: ClassTransient, Message: why.Error(), Err: why}
}

// publish offers what was got, adopts what is stored then, and tells the fleet.
// Without an error there was a usable copy afterwards. ErrExpired: the call took
// longer than the token lives. ErrRejected: it was rejected since it was asked
// for, or of no use any more when it arrived. Else a *RedisError.
func (f *fill) publish(ctx context.Context, lease *lock.Lease, got fetched, v *view) error {
	life, w, instead := got.token.life(), f.src.credential.Window(), f.src.toReplace(v)
	patient, cancel := f.patience(ctx)
	out, stored, err := f.src.store.publish(patient, offer{
		token: got.token, margin: windowOf(w, life, false, 0).dead, window: w,
		asked: v.now, elapsed: now().since(got.began), took: got.took, by: f.src.cache.config.Replica,
		lock: lease.Value(), instead: instead,
	})
	err = f.impatient(patient, err)
	cancel()
	f.src.observe(Event{Kind: EventPublish, Outcome: out, Remaining: life, Err: err})
	switch {
	case err != nil:
		return err
	case out == OutcomeExpired:
		return ErrExpired
	case out == OutcomeRejected:
		return ErrRejected
	}
	f.left = true
	a := got.adoption() // if somebody garbled what is stored in this very moment
	if stored != nil {
		a = stored.adoption(got.number)
		a.own = stored.token.Equal(got.token)
	}
	a.replaced = instead != ""
	took := f.src.adopt(a)           // first: our own callers need not wait for the event to be sent
	if !took && out == OutcomeKept { // Redis has forgotten that it was rejected: then ours
		took = f.src.adopt(got.adoption())
	}
	f.announce(ctx, out, stored, a.own)
	if !took {
		return ErrRejected // while the answer was on its way
	}
	return nil
}

// announce sends the others what is stored after a call, if the call stored it or confirmed it.
// It does so even if this process could not adopt it.
func (f *fill) announce(ctx context.Context, out Outcome, stored *record, ours bool) {
	switch {
	case stored == nil: // damaged at once; waiters look
		_ = f.src.store.announce(ctx, eventFree, "")
	case out != OutcomeKept || ours:
		_ = f.src.store.announceToken(ctx, stored)
	}
}

// toReplace is the record that is to make way for ours, since we could not open it: unless
// the copy at hand lets it stand.
func (s *Source) toReplace(v *view) string {
	if c := s.usable(); c != nil && c.letsStand(now()) {
		return ""
	}
	return v.foreign
}

// answered settles what follows a good answer: if it left us with a token in its
// window, the issuer has no other yet.
func (f *fill) answered() {
	f.src.pace(func(p *pacer, c *localCopy, at instant) {
		p.answered()
		pause := time.Duration(0)
		if c != nil && c.phaseAt(at) != fresh {
			pause = pauseOf(f.src.credential.Window(), c.token.life())
		}
		p.holdFor(pause, nil, c, at)
	})
}

// failed shares a failure with the fleet, which waits as long as it says. What
// may be this process's own trouble holds the process longer than the others.
func (f *fill) failed(ctx context.Context, lease *lock.Lease, err error) error {
	e := issuerErrorOf(f.src.credential, err)
	held, storeErr := f.src.store.fail(ctx, lease.Value(), e, f.src.jitter.draw(), f.src.cache.replica())
	if storeErr != nil { // nothing to find: leave says so
		f.degraded(storeErr)
	} else {
		_ = f.src.store.announce(ctx, eventFree, "")
		f.left = true
	}
	f.paceFailure(e, held)
	if storeErr == nil && f.foundBetter(ctx) {
		return nil
	}
	return e
}

// paceFailure keeps fills off after a call that failed, for which the fleet waits so long: 0 if it
// was not told.
func (f *fill) paceFailure(err error, fleet time.Duration) {
	f.src.pace(func(p *pacer, c *localCopy, at instant) {
		p.failed(err, fleet, c == nil || f.why.insists, c, at)
	})
}

// foundBetter looks once more, for a fill without a copy that failed: a successor may
// have published long since, if the lock was lost, and even if not whoever had a token
// from a direct call.
func (f *fill) foundBetter(ctx context.Context) bool {
	if f.why.insists || f.src.usable() != nil {
		return false
	}
	_, _ = f.look(ctx)
	return f.src.usable() != nil
}
