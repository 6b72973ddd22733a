package tokencache

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/onetoken-go/onetoken/lock"
)

// fill is one attempt to get a usable token, or a better one, shared by all who
// want it and detached from each of them: it has its own time, and goes on when
// everybody has left. Only its first look may be made by the caller that began it.
// One runs per Source and process.
type fill struct {
	src     *Source
	why     *purpose
	cancel  context.CancelCauseFunc // nil until it has a goroutine; guarded by Source.mu
	ready   chan struct{}           // closed with the first usable copy, guarded by Source.mu
	held    bell                    // rung when it begins to wait out a failure; guarded by Source.mu
	done    chan struct{}
	err     error  // before done is closed; errAborted stands if a panic or Goexit cuts it short
	hadCopy bool   // when it began
	ticket  ticket // its place among the Cache's fills, or in the queue for one
	told    uint64 // shelf.heard when it began; guarded by Source.mu
	wanted  bool   // a Get or a Refresh has waited for it; guarded by Source.mu
	cause   error  // of its waiting for a turn to call directly; guarded by Source.mu

	// Only who runs the fill touches these, until done is closed.
	first      *looked       // if its caller has made the first look
	waited     bool          // for a holder of the lock: what it leaves is the answer to this fill too
	subscribed bool          // events are heard by now, or not to be had: a look since then decides
	nextLook   time.Duration // the safety poll
	left       bool          // others will find a token or a failure
	refresh    *refresh      // of a fill that insists, else nil
	began      instant       // when somebody wanted it
	started    instant       // when its minute began
	freeSince  instant       // since when it has had nothing to sit out
}

// fillTimeout bounds one fill, beside the look of its caller and the time before it has a
// place among the Cache's fills; those who still wait then join the next.
const fillTimeout = time.Minute

var (
	errAborted  = errors.New("tokencache: the fill ended early")
	errTimedOut = fmt.Errorf("tokencache: the fill took too long: %w", context.DeadlineExceeded)
)

func newFill(s *Source, why *purpose) *fill {
	f := &fill{
		src: s, why: why, ready: make(chan struct{}), held: newBell(), done: make(chan struct{}),
		err: errAborted, nextLook: firstPoll, began: now(), told: s.shelf.heard, wanted: why.wanted,
	}
	c := s.usable()
	f.hadCopy = c != nil
	if why.insists {
		f.refresh = newRefresh(c)
	}
	return f
}

// wait returns when there is a usable copy, the fill is over, or waiting on is of no
// use: then with an error.
func (f *fill) wait(ctx context.Context) error {
	ready := f.ready
	for {
		held, err := f.src.holdFits(ctx, f)
		if err != nil {
			return err
		}
		select {
		case <-ready:
			if f.src.usable() != nil {
				return nil
			}
			ready = nil // rejected since: only the end will tell
		case <-held:
		case <-f.done:
			return nil
		case <-f.src.gone:
			return nil // the next join says so
		case <-ctx.Done():
			return f.src.gaveUp(ctx)
		}
	}
}

// final is the error of a fill that is over, unless the next may do better: this one
// had no more time or was cut short, was not about getting a token for a Get, or began with
// a copy, and may have ended without Redis for that reason.
func (f *fill) final() error {
	if !isClosed(f.done) {
		return nil
	}
	if errors.Is(f.err, errTimedOut) || errors.Is(f.err, errAborted) || errors.Is(f.err, errRedisBack) || !f.why.forGet {
		return nil
	}
	if !f.why.wanted && errors.Is(f.err, ErrRedis) {
		return nil
	}
	return f.err
}

// want notes that a caller waits for the fill, which goes first from now on. The caller
// holds Source.mu.
func (f *fill) want() {
	f.wanted = true
	f.src.cache.fills.promote(&f.ticket)
}

// main runs the fill in its own goroutine. Whatever happens to it, those who
// wait are told.
func (f *fill) main() {
	defer f.end()
	defer f.contain()
	f.err = f.run(f.ownTime())
	runtime.Gosched() // to subscribe is work, and has whoever waited for the token wait for longer
	f.src.listen()
	if f.err != nil && f.src.closed() {
		f.err = ErrClosed
	}
}

// contain survives a panic in a hook of the client's: the fill has ended early.
func (f *fill) contain() {
	if p := recover(); p != nil {
		f.src.cache.panicked(f.src.store.keys.id, p)
		f.err = errAborted
	}
}

// ownTime is a ctx that ends with the fill. It has nothing of any caller's, whose ctx may be
// used for something else once the caller has returned.
func (f *fill) ownTime() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	ctx, stop := context.WithTimeoutCause(ctx, fillTimeout, errTimedOut)
	f.src.mu.Lock()
	defer f.src.mu.Unlock()
	f.started = now()
	f.cancel = func(err error) {
		cancel(err)
		stop()
	}
	if f.src.broken != nil { // while the caller led
		f.cancel(f.src.broken)
	}
	return ctx
}

// cutShort ends the fill's time. The caller holds Source.mu.
func (f *fill) cutShort(err error) {
	if f.cancel != nil {
		f.cancel(err)
	}
}

// end takes the fill's leave from everybody.
func (f *fill) end() {
	defer f.src.cache.end()
	if errors.Is(f.err, errAborted) {
		f.src.holdFor(minHold, f.err)
	}
	f.src.ended(f)
	close(f.done)
	f.src.cache.fills.leave(&f.ticket)
	f.src.observe(Event{Kind: EventFill, Duration: now().since(f.began), Err: f.err})
	f.src.reported()
}

// run is the life of a fill: look, wait for the issuer's leave and for the lock,
// look again, ask.
func (f *fill) run(ctx context.Context) error {
	l := f.first
	if l == nil {
		if err := f.sitOutHold(ctx); err != nil {
			return err
		}
		if f.wasTold() {
			return nil
		}
		l = f.lookFirst(ctx, f.src.tellPending)
	}
	for ; ; l = f.lookNext(ctx) {
		if l.err != nil {
			return f.withoutRedis(ctx, l.err)
		}
		v := l.view
		if v.claim != nil { // there was nothing else, to put back or to note
			f.tookLock(v)
			return f.askAtOnce(ctx, v)
		}
		f.putBack(ctx, v)
		f.refresh.note(v)
		if over, err := f.step(ctx, v, l.changed); over {
			return err
		}
		if f.wasTold() {
			return nil
		}
	}
}

// wasTold reports whether an event has brought a token since the fill began, which then needs no
// look. The event has set the hold for the next fill.
func (f *fill) wasTold() bool {
	f.src.mu.Lock()
	defer f.src.mu.Unlock()
	return f.why.forGet && f.src.shelf.heard != f.told && f.src.usable() != nil
}

// step is what follows a look. Over, or look again.
func (f *fill) step(ctx context.Context, v *view, changed <-chan struct{}) (over bool, err error) {
	a := f.decide(v)
	if a.next != tryLock {
		return f.follow(ctx, a, v, changed)
	}
	lease, err := f.acquire(ctx)
	if errors.Is(err, lock.ErrHeld) {
		return f.follow(ctx, f.situation().behindHolder(v, false), v, changed)
	}
	if err != nil {
		return true, f.withoutRedis(ctx, err)
	}
	f.tookLock(v)
	again, err := f.underLock(ctx, lease)
	return !again, err
}

// situation is the fill's, now.
func (f *fill) situation() situation {
	f.src.mu.Lock()
	defer f.src.mu.Unlock()
	at, window := now(), f.src.credential.Window()
	rest, why := f.src.pacer.keptOff(f.why.insists, at)
	return situation{
		why: f.why, refresh: f.refresh, hadCopy: f.hadCopy, waited: f.waited,
		at: at, copy: f.src.shelf.usable(at), keptOff: rest, keptOffWhy: why, mayPass: f.src.pacer.mayPass(at),
		window: window, lease: leaseOf(window, f.src.shelf.lastLife),
	}
}

// decide goes by the situation, and takes note of a failure that Refresh goes past.
func (f *fill) decide(v *view) action {
	s := f.situation()
	a := s.decide(v)
	if a.passes && !f.refresh.passing {
		f.refresh.passing = true
		f.src.pace(func(p *pacer, _ *localCopy, at instant) { p.passed(at) })
	}
	return a
}

// tookLock has a takeover told of, if it is one.
func (f *fill) tookLock(v *view) {
	f.src.mu.Lock()
	takeover := f.src.takeover.took(v)
	f.src.mu.Unlock()
	if takeover {
		f.src.observe(Event{Kind: EventTakeover})
	}
}

// sitOutHold waits for the end of the last fill's hold, if this one has to.
func (f *fill) sitOutHold(ctx context.Context) error {
	if !f.why.sitsOut {
		return nil
	}
	changed := f.src.changes()
	f.src.mu.Lock()
	h := f.src.pacer.hold
	f.src.mu.Unlock()
	if h.err == nil {
		return nil // somebody had a copy then
	}
	return f.sleep(ctx, h.rest(now()), changed)
}

// satisfied reports whether nothing is left to do, and then says when the next fill
// may come.
func (f *fill) satisfied(v *view) bool {
	enough, pause := f.situation().enough(v)
	if enough {
		f.pauseFor(pause)
	}
	return enough
}

// pauseFor says when the next fill may come, as there is nothing left to do.
func (f *fill) pauseFor(pause time.Duration) {
	f.src.pace(func(p *pacer, c *localCopy, at instant) {
		p.redisAnswered()
		p.holdFor(pause, nil, c, at)
	})
}
