package tokencache

import (
	"context"
	"errors"
	"time"
)

// What a fill does when it is not its turn: for want of the issuer's leave, of the
// lock, or of a way to ask.

const (
	// longestWait is how long a fill waits for the issuer's leave to ask. A
	// longer hold is an error at once.
	longestWait = 30 * time.Second
	// The safety poll finds what an event failed to tell.
	firstPoll, lastPoll = 250 * time.Millisecond, 2 * time.Second
	// takeoverJitter spreads those who wait for the same lock to run out.
	takeoverJitter = 300 * time.Millisecond
	// everybodys is the hold, with all jitter, beyond which a failure marked Local is
	// taken for everybody's: see fail.lua.
	everybodys = 1500 * time.Millisecond
)

// awaitLeave waits until a failure no longer holds the fleet, if that is of use. Over,
// or look again.
func (f *fill) awaitLeave(ctx context.Context, known *failure, changed <-chan struct{}) (over bool, err error) {
	wait := known.hold + f.src.jitter.upTo(takeoverJitter)
	if f.canStop() {
		f.src.holdFor(wait, known.err)
		return true, nil
	}
	theirs := f.waited && !known.err.Local // what became of the call this fill waited for
	if theirs || f.why.insists || !canPass(known.err, known.hold) {
		f.src.holdFor(min(known.hold, shortHold), known.err)
		return true, known.err
	}
	f.src.holdFor(wait, known.err)
	f.tellHeld()
	err = f.sleep(ctx, wait, changed) // as far as its own time goes: the next sits out the rest
	f.freeSince = now()
	return err != nil, err
}

// tellHeld has those who wait see whether they have the time to.
func (f *fill) tellHeld() {
	f.src.mu.Lock()
	defer f.src.mu.Unlock()
	f.held.ring()
}

// awaitOthers waits for the others: this process is kept from asking, they need not be.
// Over, or look again.
func (f *fill) awaitOthers(ctx context.Context, rest time.Duration, why error, changed <-chan struct{}) (over bool, err error) {
	if f.canStop() {
		f.src.holdFor(rest, why)
		return true, nil
	}
	if f.why.insists || !canPass(why, rest) {
		f.src.holdFor(min(rest, shortHold), why)
		return true, why
	}
	if f.subscribe(ctx) {
		return false, nil
	}
	err = f.sleep(ctx, min(rest, f.poll()), changed)
	return err != nil, err
}

// awaitHolder waits for whoever has the lock to leave a token or a failure. Over, or
// look again.
func (f *fill) awaitHolder(ctx context.Context, v *view, changed <-chan struct{}) (over bool, err error) {
	f.src.mu.Lock()
	f.src.takeover.held(v)
	f.src.mu.Unlock()
	if f.canStop() {
		f.src.holdFor(f.untilFree(v), nil)
		return true, nil
	}
	if f.waited = true; f.subscribe(ctx) {
		return false, nil // the look that decides to wait comes after the subscription
	}
	err = f.sleep(ctx, min(f.untilFree(v), f.poll()), changed)
	return err != nil, err
}

// worthWaiting reports whether a caller without a copy should wait for the end of a hold,
// rather than be told its error now.
func worthWaiting(ctx context.Context, err error, rest time.Duration) bool {
	if !canPass(err, rest) {
		return false
	}
	deadline, bounded := ctx.Deadline()
	return !bounded || time.Until(deadline) > rest
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

// subscribe makes sure that events are heard, and reports whether that is news.
// Without events (an ACL may forbid the channel) the safety poll has to do.
func (f *fill) subscribe(ctx context.Context) bool {
	if f.subscribed {
		return false
	}
	f.subscribed = true
	// As long again as it took to lose the lock: the winner's last look before
	// its call must not queue behind the connections of a whole cold fleet.
	if f.sleep(ctx, now().since(f.freeSince), nil) != nil {
		return true // to find out why
	}
	confirmed := f.src.cache.notifier.add(f.src)
	_ = f.sleep(ctx, f.src.cache.config.RedisTimeout, confirmed) // the next look finds out why
	return true
}

// untilFree is when the lock may be free, as far as v can tell.
func (f *fill) untilFree(v *view) time.Duration {
	free := v.lockTTL + time.Millisecond // PTTL is 0 within the last one
	if v.lockTTL < 0 {                   // taken since the look
		free = f.lease()
	}
	spread := takeoverJitter
	if c := f.src.usable(); c != nil { // half of what is left then is for who takes over
		spread = min(spread, max(0, c.remainingAt(now())-c.window.dead-free)/2)
	}
	return free + f.src.jitter.upTo(spread)
}

// poll returns the time until the next look that nobody prompted.
func (f *fill) poll() time.Duration {
	wait := f.nextLook
	f.nextLook = min(lastPoll, 2*wait)
	return wait + f.src.jitter.upTo(wait/2)
}

// sleep returns early at an event. Its error says that there is no more time. Meanwhile
// another fill has the place of this one.
func (f *fill) sleep(ctx context.Context, d time.Duration, changed <-chan struct{}) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	f.src.cache.fills.leave(&f.ticket)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return f.enterAgain(ctx)
}

// keptOff returns how much longer this process shall not ask, and why.
func (f *fill) keptOff() (time.Duration, error) {
	f.src.mu.Lock()
	defer f.src.mu.Unlock()
	return f.src.pacer.keptOff(f.why.insists, now())
}

// enterAgain waits for a place.
func (f *fill) enterAgain(ctx context.Context) error {
	admitted := make(chan struct{})
	f.src.mu.Lock()
	entered := f.src.cache.fills.enter(&f.ticket, f.rank(rankBegun), func() { close(admitted) })
	f.src.mu.Unlock()
	if entered {
		return nil
	}
	select {
	case <-admitted:
		return nil
	case <-ctx.Done():
		f.src.cache.fills.withdraw(&f.ticket)
		return context.Cause(ctx)
	}
}

// rank of a fill that somebody waits for, or else the given one. The caller holds Source.mu.
func (f *fill) rank(unwanted rank) rank {
	if f.wanted {
		return rankCaller
	}
	return unwanted
}
