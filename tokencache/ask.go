package tokencache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/onetoken-go/onetoken/lock"
)

// acquire makes one try for the lock.
func (f *fill) acquire(ctx context.Context) (*lock.Lease, error) {
	lease, err := f.cache.locker.TryAcquire(ctx, f.store.keys.lock, f.lease(), f.holdAtMost())
	if err == nil {
		f.untroubled()
		f.acquired()
		return lease, nil
	}
	if errors.Is(err, lock.ErrHeld) {
		f.untroubled()
		return nil, err
	}
	return nil, redisErrorOf(err, f.store.keys.id)
}

// lease is how long the lock outlives this process.
func (f *fill) lease() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return leaseOf(f.issuer.Window, f.lastLife)
}

// holdAtMost bounds what the lock is kept alive for: two calls, and the commands
// around them.
func (f *fill) holdAtMost() time.Duration {
	return 2*f.cache.config.FetchTimeout + 4*f.cache.config.RedisTimeout
}

// holding goes on with the lock in hand: look again, ask, publish. From here on
// Close does not interrupt the fill: what was asked for is published, and the
// lock released. Again means that somebody left a failure in the meantime.
func (f *fill) holding(ctx context.Context, lease *lock.Lease) (again bool, err error) {
	ctx = context.WithoutCancel(ctx)
	defer f.leave(ctx, lease)

	v, err := f.look(ctx)
	if err != nil {
		return false, f.withoutRedis(ctx, err)
	}
	if f.satisfied(v) {
		f.left = v.record != nil
		return false, nil
	}
	if v.failure.holds() && !f.mayPass(v.failure) {
		f.left = true
		return true, nil
	}
	return false, f.ask(ctx, lease, v)
}

// leave releases the lock, and wakes those who wait for it if there is nothing
// else that would.
func (f *fill) leave(ctx context.Context, lease *lock.Lease) {
	_ = lease.Release(ctx) // if that fails, the lease ends by itself
	if !f.left && f.cache.breaker.retryIn(now()) == 0 {
		_ = f.store.announce(ctx, eventFree, "")
	}
}

// ask calls the issuer and shares what comes of it.
func (f *fill) ask(ctx context.Context, lease *lock.Lease, v *view) error {
	for again := false; ; again = true {
		got, err := f.fetch(ctx, EventCall)
		if lost(lease) {
			f.observe(Event{Kind: EventLeaseLost})
		}
		if err != nil {
			return f.failed(ctx, lease, err)
		}
		out, took, err := f.publish(ctx, got, v.now)
		switch {
		case err != nil: // the token is good, even if Redis is not
			f.degraded(err)
			return f.keep(got)
		case took: // what becomes of it later is another fill's business
			f.answered()
			return nil
		case f.closed(): // and yet published
			return ErrClosed
		}
		why := ErrRejected // by the tombstone, or while the answer was on its way
		if out == outcomeExpired {
			why = ErrExpired
		}
		if v, err = f.look(ctx); err != nil { // others may have done better
			return f.withoutRedis(ctx, err)
		}
		if f.satisfied(v) {
			f.left = true
			return nil
		}
		if again || out == outcomeExpired { // else asked before the rejection: once more
			return f.failed(ctx, lease, f.unusable(why))
		}
	}
}

func lost(lease *lock.Lease) bool {
	select {
	case <-lease.Lost():
		return true
	default:
		return false
	}
}

// unusable is the failure of a call that did give a token.
func (f *fill) unusable(why error) *IssuerError {
	return &IssuerError{Issuer: f.issuer.Name, Class: ClassTransient, Message: why.Error(), Err: why}
}

// publish offers what was got, adopts what is stored then, and tells the fleet.
// Took is whether that gave us a usable copy.
func (f *fill) publish(ctx context.Context, got fetched, asked time.Time) (out outcome, took bool, err error) {
	life := got.token.life()
	out, stored, at, err := f.store.publish(ctx, offer{
		token: got.token, life: life, margin: windowOf(f.issuer.Window, life, false, 0).dead,
		asked: asked, elapsed: now().since(got.began), by: f.cache.config.Replica,
	})
	f.observe(Event{Kind: EventPublish, Outcome: string(out), Remaining: life, Err: err})
	if err != nil || out == outcomeExpired || out == outcomeRejected {
		return out, false, err
	}
	f.left = true
	a := got.adoption() // kept, yet unreadable
	if stored != nil {
		a = adoption{
			token: stored.token, life: stored.life, remaining: stored.remaining, at: at,
			asked: got.number, own: stored.token.Equal(got.token),
		}
	}
	took = f.adopt(a) // first: our own callers need not wait for the event to be sent, nor we be told of it
	if out != outcomeKept {
		_ = f.store.announce(ctx, eventToken, got.token.Fingerprint())
	}
	return out, took, nil
}

// answered settles what follows a good answer: if it left us with a token in its
// window, the issuer has no other yet.
func (f *fill) answered() {
	f.forgetFailures()
	if c := f.usable(); c != nil && c.phaseAt(now()) != fresh {
		f.holdFor(pauseOf(f.issuer.Window, c.life), nil)
	} else {
		f.holdFor(0, nil)
	}
}

// failed shares a failure with the fleet, which waits as long as it says. What
// may be this process's own trouble holds the process longer than the others.
func (f *fill) failed(ctx context.Context, lease *lock.Lease, err error) error {
	e := issuerErrorOf(f.issuer, err)
	held, storeErr := f.store.fail(ctx, lease.Value(), e, f.cache.config.Jitter(), f.cache.config.Replica)
	if storeErr != nil { // nothing to find: leave says so
		f.degraded(storeErr)
	} else {
		_ = f.store.announce(ctx, eventFree, "")
		f.left = true
	}
	wait := held
	if e.Local || wait == 0 {
		wait = max(wait, backoffOf(e).after(f.oneMoreFailure(), f.cache.config.Jitter()))
		f.keepOff(wait, e)
	}
	if !f.content() {
		wait = min(wait, shortHold)
	}
	f.holdFor(wait, e)
	if storeErr == nil && held == 0 && f.foundBetter(ctx) {
		return nil
	}
	return e
}

// foundBetter looks once more, for a fill without a copy that failed when the
// lock was no longer its own: a successor may have published long since.
func (f *fill) foundBetter(ctx context.Context) bool {
	if f.why == fillForced || f.usable() != nil {
		return false
	}
	_, _ = f.look(ctx)
	return f.usable() != nil
}

// keepOff keeps this process from asking for a while, which may still read what
// others have got.
func (s *Source) keepOff(wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alone = hold{from: now(), wait: wait, err: err}
}

// keptOff returns how much longer this process shall not ask, and why. Refresh
// may.
func (f *fill) keptOff() (time.Duration, error) {
	if f.why == fillForced {
		return 0, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.alone.rest(now()), f.alone.err
}

// fetched is an answer of the issuer.
type fetched struct {
	token  Token
	began  instant // just before the request
	number uint64  // see rejections
}

func (g fetched) adoption() adoption {
	life := g.token.life()
	return adoption{token: g.token, life: life, remaining: life, at: g.began, asked: g.number, own: true}
}

// fetch makes one call. Its error is an *IssuerError.
func (s *Source) fetch(ctx context.Context, kind EventKind) (fetched, error) {
	got := fetched{began: now(), number: s.nextNumber()}
	tok, err := s.fetchAside(ctx)
	if err == nil {
		err = s.check(tok)
	}
	if err != nil {
		refused := issuerErrorOf(s.issuer, err)
		s.observe(Event{Kind: kind, Outcome: refused.Class.String(), Duration: now().since(got.began), Err: refused})
		return got, refused
	}
	s.observe(Event{Kind: kind, Outcome: "ok", Duration: now().since(got.began), Remaining: tok.life()})
	got.token = tok
	return got, nil
}

// fetchAside calls in a goroutine of its own: a Fetcher that ignores its context
// is left behind.
func (s *Source) fetchAside(ctx context.Context) (Token, error) {
	type result struct {
		tok Token
		err error
	}
	timeout := s.cache.config.FetchTimeout
	ctx, cancel := context.WithTimeout(ctx, timeout)
	done := make(chan result, 1)
	go func() {
		defer cancel()
		r := result{err: errors.New("the fetcher ended without an answer")} // Goexit
		defer func() {
			if p := recover(); p != nil {
				s.cache.config.Logger.Error("fetcher panicked", "key", s.store.keys.id, "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
				r.err = fmt.Errorf("the fetcher panicked with a %T", p)
			}
			done <- r
		}()
		r.tok, r.err = s.fetcher.Fetch(ctx)
	}()

	// A Fetcher that heeds its context has a moment to say what it knows.
	timer := time.NewTimer(timeout + fetchGrace)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.tok, r.err
	case <-timer.C:
		return Token{}, &IssuerError{
			Issuer: s.issuer.Name, Class: ClassTransient, Err: context.DeadlineExceeded,
			Message: fmt.Sprintf("no answer within %v", timeout),
		}
	}
}

const fetchGrace = 100 * time.Millisecond

// longestToken is the most bytes a token pair may have: a JWT with room to spare.
const longestToken = 32 << 10

// check believes no Fetcher.
func (s *Source) check(tok Token) error {
	app, tenant := tok.reveal()
	switch {
	case app == "":
		return &IssuerError{Issuer: s.issuer.Name, Class: ClassTransient, Message: "answered with an empty token"}
	case len(app)+len(tenant) > longestToken:
		return &IssuerError{Issuer: s.issuer.Name, Class: ClassTransient, Message: fmt.Sprintf("answered with a token of %d bytes", len(app)+len(tenant))}
	}
	return s.issuer.checkLife(tok.life())
}
