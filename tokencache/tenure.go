package tokencache

import (
	"context"
	"errors"
	"time"

	"github.com/onetoken-go/onetoken/lock"
)

// tenure is what a fill does with the lock in hand: ask the issuer, and share what comes of it. Close
// does not interrupt it: what was asked for is published, and the lock released.
type tenure struct {
	*fill
	lease *lock.Lease
	told  bool // the others: of a token or a failure that they will find
}

// askAtOnce asks and publishes after a look that took the lock: there was nothing else to find.
func (f *fill) askAtOnce(ctx context.Context, v *view) error {
	ended := context.Cause(ctx) // maybe while the lock was on its way
	ctx = context.WithoutCancel(ctx)
	t := &tenure{fill: f, lease: v.claim.Keep(ctx)} // before the call: it may take longer than the first lease
	defer t.release(ctx)
	if ended != nil {
		return ended
	}
	f.state.do(f.state.pacer.redisAnswered)
	return t.ask(ctx, v)
}

// lookAndAsk looks again, as somebody may have left a token or a failure since the lock was free, asks
// and publishes. If the fill is not over then, it has to decide again, without the lock.
func (f *fill) lookAndAsk(ctx context.Context, lease *lock.Lease) (over bool, err error) {
	ended := context.Cause(ctx) // maybe while the lock was on its way
	ctx = context.WithoutCancel(ctx)
	t := &tenure{fill: f, lease: lease}
	defer t.release(ctx)
	if ended != nil {
		return true, ended
	}
	v, err := f.link.look(ctx, false)
	if err != nil {
		return true, f.withoutRedis(ctx, err)
	}
	free := *v
	free.lockTTL = noKey // it is ours
	switch a := f.decide(&free); a.next {
	case done:
		f.pauseFor(a.hold)
		t.told = v.record != nil
		return true, nil
	case tryLock:
		return true, t.ask(ctx, v)
	default:
		t.told = v.failure.holds()
		return false, nil
	}
}

// release gives the lock back, and wakes those who wait for it if there is nothing
// else that would.
func (t *tenure) release(ctx context.Context) {
	_ = t.lease.Release(ctx) // if that fails, the lease ends by itself
	if !t.told && t.breaker.allow() {
		t.link.announceFree(ctx)
	}
}

// ask calls the issuer and shares what comes of it. A Source that is closed by now asks no more.
func (t *tenure) ask(ctx context.Context, v *view) error {
	for again := false; ; again = true {
		if broken := t.state.broken(); broken != nil {
			return broken
		}
		got, err := t.asker.fetch(ctx, EventCall)
		if isClosed(t.lease.Lost()) {
			t.state.observe(Event{Kind: EventLeaseLost})
		}
		if err != nil {
			return t.shareFailure(ctx, err)
		}
		err = t.publish(ctx, got, v)
		switch {
		case err == nil: // what becomes of the copy from now on is another fill's business
			t.paceAnswer()
			return nil
		case errors.Is(err, ErrRedis): // the token is good, even if Redis is not
			t.link.redisTrouble(err, fillsFail)
			return t.keep(got)
		case t.state.broken() != nil: // and yet published
			return ErrClosed
		}
		useless := err
		if v, err = t.link.look(ctx, false); err != nil { // others may have done better
			return t.withoutRedis(ctx, err)
		}
		if enough, pause := t.situation().enough(v); enough {
			t.pauseFor(pause)
			t.told = v.record != nil
			return nil
		}
		if again || errors.Is(useless, ErrExpired) { // else rejected since we asked: once more
			return t.shareFailure(ctx, t.store.of.useless(useless))
		}
	}
}

// publish offers what was got, adopts what is stored then, and tells the fleet.
// Without an error there was a usable copy afterwards. ErrExpired: the call took
// longer than the token lives, or that ends sooner than was known. ErrRejected: it was rejected since
// it was asked for. Else a *RedisError.
func (t *tenure) publish(ctx context.Context, got fetched, v *view) error {
	life, w := got.token.life(), t.store.of.Window()
	margin := windowOf(w, life, false, 0).dead
	instead := v.foreign // it makes way for ours, as we cannot open it
	if c := t.state.usable(); c != nil && c.letsStand(now()) {
		instead = ""
	}
	out, stored, err := t.link.publish(ctx, offer{
		token: got.token, margin: margin, window: w,
		asked: v.now, elapsed: now().since(got.began), took: got.took, by: t.config.Replica,
		lock: t.lease.Value(), instead: instead,
	})
	t.state.observe(Event{Kind: EventPublish, Outcome: out, Remaining: life, Err: err})
	switch {
	case err != nil:
		return err
	case out == OutcomeExpired:
		if life-now().since(got.began) <= margin { // by our clocks, too: it may be the issuer's last word on the copy
			t.state.adopt(got.adoption())
		}
		return ErrExpired
	case out == OutcomeRejected:
		return ErrRejected
	}
	t.told = stored != nil
	a := got.adoption() // if somebody garbled what is stored in this very moment
	if stored != nil {
		a = stored.adoption(got.number)
		a.own = stored.token.Equal(got.token)
	}
	a.replaced = instead != ""
	usable := t.state.adopt(a)         // first: our own callers need not wait for the event to be sent
	if !usable && out == OutcomeKept { // Redis has forgotten that it was rejected: then ours
		usable = t.state.adopt(got.adoption())
	}
	if stored != nil && (out != OutcomeKept || a.own) { // this call stored or confirmed it, even if this process could not adopt it
		t.link.announceToken(ctx, stored)
	}
	if !usable { // rejected while the answer was on its way, or a last word that leaves nothing
		t.told = false // there is nothing to find
		return t.state.whyUseless(got.token.Fingerprint())
	}
	return nil
}

// paceAnswer says when the next fill may come after a good answer: if that left us with a token in its
// window, the issuer has no other yet.
func (t *tenure) paceAnswer() {
	t.state.pace(func(p *pacer, c *localCopy, at instant) {
		p.issuerAnswered()
		pause := time.Duration(0)
		if c != nil && c.phaseAt(at) != fresh {
			pause = pauseOf(t.store.of.Window(), c.token.life())
		}
		p.holdFor(pause, nil, c, at)
	})
}

// shareFailure shares a failure with the fleet, which waits as long as it says. What
// may be this process's own trouble holds the process longer than the others.
func (t *tenure) shareFailure(ctx context.Context, err error) error {
	e := issuerErrorOf(t.store.of, err)
	held, storeErr := t.store.fail(ctx, t.lease.Value(), e, t.state.pacer.jitter.draw(), t.replica())
	if storeErr != nil { // nothing to find: release says so
		held = 0
		t.link.redisTrouble(storeErr, fillsFail)
	} else {
		t.link.announceFree(ctx)
		t.told = true
	}
	t.paceFailure(e, held)
	if storeErr == nil && t.foundBetter(ctx) {
		return nil
	}
	return e
}
