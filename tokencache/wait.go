package tokencache

import (
	"context"
	"time"
)

// What a fill does when it is not its turn: for want of the issuer's leave, of the
// lock, or of a way to ask.

// The safety poll finds what an event failed to tell.
const firstPoll, lastPoll = 250 * time.Millisecond, 2 * time.Second

// follow does what was decided, other than to ask. Over, or look again.
func (f *fill) follow(ctx context.Context, a action, v *view, changed <-chan struct{}) (over bool, err error) {
	if a.held {
		f.src.mu.Lock()
		f.src.takeover.held(v)
		f.src.mu.Unlock()
	}
	switch a.next {
	case done:
		f.pauseFor(a.hold)
		return true, nil
	case awaitLeave:
		wait := a.wait(f.src.jitter)
		f.src.holdFor(wait, a.why)
		f.tellHeld()
		err = f.sleep(ctx, wait, changed) // as far as its own time goes: the next sits out the rest
		f.freeSince = now()
		return err != nil, err
	case awaitOthers, awaitHolder:
		f.waited = f.waited || a.next == awaitHolder
		if f.subscribe(ctx) {
			return false, nil // the look that decides to wait comes after the subscription
		}
		err = f.sleep(ctx, min(a.wait(f.src.jitter), f.poll()), changed)
		return err != nil, err
	default:
		f.src.holdFor(a.wait(f.src.jitter), a.why)
		return true, a.err
	}
}

// tellHeld has those who wait see whether they have the time to.
func (f *fill) tellHeld() {
	f.src.mu.Lock()
	defer f.src.mu.Unlock()
	f.held.ring()
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
