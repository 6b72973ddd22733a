package tokencache

import (
	"context"
	"errors"
	"time"

	"github.com/onetoken-go/onetoken/lock"
)

// fill is one attempt to get a usable token, or a better one: look, decide, do, and look again. It
// belongs to no caller, has its own time, and goes on when all who waited for its round have left.
// It decides by values alone: see decide.go.
type fill struct {
	*engine
	round

	// Only the fill's goroutine touches these.
	waited     bool          // for a holder of the lock: what it leaves is the answer to this fill too
	subscribed bool          // events are heard by now, or not to be had: a look since then decides
	nextLook   time.Duration // the safety poll
	started    instant       // when its minute began
	freeSince  instant       // since when it has had nothing to sit out
}

// start begins a fill as soon as the others leave it a place. Its round is the state's from now on.
// The caller holds state.mu and has seen that there is none.
func (e *engine) start(why *purpose) error {
	if !e.work.begin() {
		return ErrClosed
	}
	f := &fill{engine: e, round: newRound(why, e.state.usable(), e.state.shelf.heard), nextLook: firstPoll}
	e.state.round = &f.round
	e.state.life.reporting++
	e.state.settle()
	if e.fills.enter(&f.place, f.rank(rankNobody), func() { go f.main() }) {
		go f.main()
	}
	return nil
}

// main runs the fill in its own goroutine. Whatever happens to it, those who
// wait are told.
func (f *fill) main() {
	defer f.finish(&f.round)
	defer f.survive()
	f.err = f.run(f.ownTime())
	if !f.notifier.hears(&f.listener) { // not now: callers wait, and so does a fleet that starts together
		time.AfterFunc(f.state.pacer.jitter.upTo(coldSpread), f.listen)
	}
	if f.err != nil && f.state.broken() != nil {
		f.err = ErrClosed
	}
}

// finish takes a round's leave from everybody.
func (e *engine) finish(r *round) {
	defer e.work.end()
	e.state.do(func() {
		r.cutShort(nil)
		e.state.round = nil
		e.state.changed.ring() // nobody sleeps any more
		e.listener.again()
		e.state.settle()
		e.state.schedule()
	})
	close(r.done)
	e.fills.leave(&r.place)
	e.state.observe(Event{Kind: EventFill, Duration: now().since(r.began), Err: r.err})
	e.state.reported()
}

// survive ends a fill early that a hook of the client's has panicked in, or ended by Goexit.
func (f *fill) survive() {
	if p := recover(); p != nil {
		f.panicked(f.store.keys.id, p)
		f.err = errAborted
	}
	if errors.Is(f.err, errAborted) {
		f.state.holdFor(minHold, f.err)
	}
}

// ownTime is a ctx that ends with the fill. It has nothing of any caller's, whose ctx may be
// used for something else once the caller has returned.
func (f *fill) ownTime() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	ctx, stop := context.WithTimeoutCause(ctx, roundTimeout, errTimedOut)
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	f.started = now()
	f.cancel = func(err error) {
		cancel(err)
		stop()
	}
	if broken := f.state.life.broken; broken != nil { // before there was anything to cancel
		f.cancel(broken)
	}
	return ctx
}

// run is the life of a fill.
func (f *fill) run(ctx context.Context) error {
	if err := f.sitOutHold(ctx); err != nil {
		return err
	}
	f.subscribed = f.notifier.hears(&f.listener)
	f.freeSince = now()
	for !f.wasTold() {
		changed := f.state.changes() // before the look: what happens after it must not be missed
		v, err := f.link.look(ctx, f.situation().mayLockAtOnce())
		if err != nil {
			return f.withoutRedis(ctx, err)
		}
		if over, err := f.act(ctx, v, changed); over {
			return err
		}
	}
	return nil
}

// sitOutHold waits for the end of the last fill's hold, if this one has to: whoever begins another
// has seen that there is none, or may pass it.
func (f *fill) sitOutHold(ctx context.Context) error {
	if f.why != fillForCaller {
		return nil
	}
	var h hold
	var changed <-chan struct{}
	f.state.do(func() { h, changed = f.state.pacer.hold, f.state.changed.next() })
	if h.err == nil {
		return nil // somebody had a copy then
	}
	return f.sleep(ctx, h.rest(now()), changed)
}

// wasTold reports whether an event has brought a token since the fill began, which then needs no
// look. The event has set the hold for the next fill.
func (f *fill) wasTold() bool {
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	return !f.why.insists && f.state.shelf.heard != f.heardBefore && f.state.usable() != nil
}

// act does what follows from a look. If the fill is not over then, it looks again.
func (f *fill) act(ctx context.Context, v *view, changed <-chan struct{}) (over bool, err error) {
	if v.claim != nil { // there was nothing else, to put back or to note
		f.tookLock(v)
		return true, f.askAtOnce(ctx, v)
	}
	f.courier.putBack(ctx, v)
	f.refresh.note(v)
	a := f.decide(v)
	if a.next != tryLock {
		return f.follow(ctx, a, v, changed)
	}
	lease, err := f.link.acquire(ctx)
	if errors.Is(err, lock.ErrHeld) {
		return f.follow(ctx, f.situation().behindHolder(v, false), v, changed)
	}
	if err != nil {
		return true, f.withoutRedis(ctx, err)
	}
	f.tookLock(v)
	return f.lookAndAsk(ctx, lease)
}

// decide goes by the situation, and takes note of a failure that Refresh goes past.
func (f *fill) decide(v *view) action {
	a := f.situation().decide(v)
	if a.overrides && a.next == tryLock && !f.refresh.overriding {
		f.refresh.overriding = true
		f.state.pace(func(p *pacer, _ *localCopy, at instant) { p.overrode(at) })
	}
	return a
}

// situation is the fill's, now.
func (f *fill) situation() situation {
	st := &f.state
	st.mu.Lock()
	defer st.mu.Unlock()
	at, window := now(), f.store.of.Window()
	rest, why := st.pacer.keptOff(f.why.insists, at)
	return situation{
		why: f.why, refresh: f.refresh, waited: f.waited, wanted: f.wanted, timeLeft: roundTimeout - at.since(f.started),
		at: at, copy: st.shelf.usable(at), keptOff: rest, keptOffWhy: why, mayOverride: st.pacer.mayOverride(at), ownTurn: st.pacer.mayCallDirectly(at),
		window: window, lease: leaseOf(window, st.shelf.lastLife),
	}
}

// tookLock has a takeover told of, if it is one.
func (f *fill) tookLock(v *view) {
	f.state.do(func() {
		if f.state.takeover.took(v) {
			f.state.observe(Event{Kind: EventTakeover})
		}
	})
}

// follow does what was decided, other than to ask. If the fill is not over then, it looks again.
func (f *fill) follow(ctx context.Context, a action, v *view, changed <-chan struct{}) (over bool, err error) {
	if a.lockHeld {
		f.state.do(func() { f.state.takeover.inOtherHands(v) })
	}
	switch a.next {
	case done:
		f.pauseFor(a.hold)
		return true, nil
	case sitOut:
		wait := a.wait(f.state.pacer.jitter)
		f.state.holdFor(wait, a.why)
		f.state.do(f.sitsOut.ring)        // those who wait see whether they have the time
		err = f.sleep(ctx, wait, changed) // as far as its own time goes: the next sits out the rest
		f.freeSince = now()
		return err != nil, err
	case awaitOthers, awaitHolder:
		f.waited = f.waited || a.next == awaitHolder
		if f.subscribe(ctx) {
			return false, nil // the look that decides to wait comes after the subscription
		}
		err = f.sleep(ctx, min(a.wait(f.state.pacer.jitter), f.poll()), changed)
		return err != nil, err
	default: // stop
		f.state.holdFor(a.wait(f.state.pacer.jitter), a.why)
		return true, a.err
	}
}

// pauseFor says when the next fill may come, as there is nothing left to do.
func (f *fill) pauseFor(pause time.Duration) {
	f.state.pace(func(p *pacer, c *localCopy, at instant) {
		p.redisAnswered()
		p.holdFor(pause, nil, c, at)
	})
}

// subscribe makes sure that events are heard, and reports whether that is news.
// Without events (an ACL may forbid the channel) the safety poll has to do.
func (f *fill) subscribe(ctx context.Context) bool {
	if f.subscribed {
		return false
	}
	f.subscribed = true
	// It waits as long again as it took to lose the lock, so that the winner's last look before its call
	// does not queue behind the subscriptions of a whole cold fleet.
	if f.sleep(ctx, now().since(f.freeSince), nil) != nil {
		return true // to find out why
	}
	confirmed := f.notifier.add(&f.listener)
	_ = f.sleep(ctx, f.config.RedisTimeout, confirmed) // the next look finds out why
	return true
}

// The safety poll finds what an event failed to tell.
const firstPoll, lastPoll = 250 * time.Millisecond, 2 * time.Second

// poll returns the time until the next look that nobody prompted.
func (f *fill) poll() time.Duration {
	wait := f.nextLook
	f.nextLook = min(lastPoll, 2*wait)
	return wait + f.state.pacer.jitter.upTo(wait/2)
}

// sleep returns early at an event. Its error says that there is no more time. Meanwhile
// another fill has the place of this one.
func (f *fill) sleep(ctx context.Context, d time.Duration, changed <-chan struct{}) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	f.fills.leave(&f.place)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return f.fills.await(ctx, &f.place, func(admitted func()) bool {
		f.state.mu.Lock()
		defer f.state.mu.Unlock()
		return f.fills.enter(&f.place, f.rank(rankBegun), admitted)
	})
}

// paceFailure keeps fills off after a call that failed, for which the fleet waits so long: 0 if it
// was not told.
func (f *fill) paceFailure(err error, fleet time.Duration) {
	f.state.pace(func(p *pacer, c *localCopy, at instant) {
		p.issuerFailed(err, fleet, c == nil || f.why.insists, c, at)
	})
}

// foundBetter looks once more, for a fill without a copy that failed: a successor may
// have published long since, if the lock was lost, and even if not whoever had a token
// from a direct call.
func (f *fill) foundBetter(ctx context.Context) bool {
	if f.why.insists || f.state.usable() != nil {
		return false
	}
	_, _ = f.link.look(ctx, false)
	return f.state.usable() != nil
}
