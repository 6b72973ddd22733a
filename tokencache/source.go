package tokencache

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Source hands out the token of one credential. Make one with [Cache.Source];
// all methods are safe for concurrent use.
type Source struct {
	copy atomic.Pointer[localCopy] // nil while there is none
	*inner
}

// inner is what a Get with a fresh copy does not read. It is elsewhere, so that what
// it does read of thousands of Sources is close together.
type inner struct {
	cache   *Cache
	fetcher Fetcher
	issuer  Issuer
	store   store

	// quietUntil is the monotonic clock's reading before which a Get in the
	// window need not look further: a fill runs, or it is too early for one.
	quietUntil atomic.Int64

	numbers atomic.Uint64 // see rejections

	telling singleflight.Group // rejections on their way to Redis
	gone    chan struct{}      // closed when the Source is

	mu           sync.Mutex // guards below
	broken       error      // ErrClosed, or what is wrong with the Issuer
	fill         *fill      // the one that runs
	hold         hold
	ownHold      hold // keeps this process from asking, not from looking
	rejected     rejections
	lastLife     time.Duration // of the last adopted token
	failures     int           // calls in a row that failed as far as only we know
	troubles     int           // looks in a row that Redis did not allow
	putBacks     int           // attempts in a row
	passedAt     instant       // when Refresh last passed a permanent failure
	changed      chan struct{} // closed and replaced when a waiting fill should look again
	lockSeen     string        // what was known when the lock was last seen in other hands; "": nothing since
	timer        *time.Timer   // the next fill that nobody asks for
	putBackTimer *time.Timer
}

// Get returns a usable token: at once if this process has one, whatever ctx
// says; otherwise it waits for a fill that all callers share, until ctx ends.
// Costs some 30 ns with a copy at hand.
//
// With a client that says ContextTimeoutEnabled, a Get without a copy looks in Redis
// itself, if it has three RedisTimeouts left. That ctx was cancelled meanwhile, or the
// Source closed, is noticed when the look is over: where Redis is silent mostly after one
// RedisTimeout, after three at the latest. A panic in a hook of the client comes out of it.
//
// Without a copy it fails with the *IssuerError of a call that failed while it
// waited, or that still holds the fleet back: at once, if a person has to act
// (ClassPermanent, ClassQuota), or if the hold lasts longer than ctx or 30 s. With
// a [*RedisError] when Redis is in trouble and the issuer may not be asked around
// it; with ErrClosed; or with ctx's error.
func (s *Source) Get(ctx context.Context) (Token, error) {
	at := now()
	c := s.copy.Load()
	if c == nil {
		return s.wait(ctx)
	}
	if at.since(c.from) < c.freshFor() {
		return c.token, nil
	}
	if c.phaseAt(at) == dead {
		return s.wait(ctx)
	}
	if int64(at.mono) >= s.quietUntil.Load() {
		s.refill()
	}
	return c.token, nil
}

// Key names the credential: the id within its keys in Redis, as in [Event] and
// [Status]. It holds no secret.
func (s *Source) Key() string { return s.store.keys.id }

// Peek returns the copy at hand, if there is one that Get would return: no I/O, no
// waiting, and no fill is started. For readiness checks and metrics.
func (s *Source) Peek() (Token, bool) {
	c := s.usable()
	if c == nil {
		return Token{}, false
	}
	return c.token, true
}

// wait joins one fill after another until there is a usable copy, a final error
// or no more time.
func (s *Source) wait(ctx context.Context) (tok Token, err error) {
	start := now()
	defer func() { s.observe(Event{Kind: EventWait, Duration: now().since(start), Err: err}) }()
	for {
		f, isNew, err := s.join(ctx)
		if err != nil {
			return Token{}, err
		}
		if isNew {
			f.lead(ctx)
		}
		if c := s.usable(); c != nil {
			return c.token, nil // whatever ctx says by now
		}
		if err := f.wait(ctx); err != nil {
			return Token{}, err
		}
		if c := s.usable(); c != nil {
			return c.token, nil
		}
		if err := f.final(); err != nil {
			return Token{}, err
		}
	}
}

// gaveUp adds to a context's error what was waited for.
func (s *Source) gaveUp(ctx context.Context) error {
	s.mu.Lock()
	held := s.hold.err
	s.mu.Unlock()
	if held != nil {
		return fmt.Errorf("tokencache: no token of %s yet: %w (before that: %w)", word(s.issuer.App), whyEnded(ctx), held)
	}
	return fmt.Errorf("tokencache: no token of %s yet: %w", word(s.issuer.App), whyEnded(ctx))
}

// whyEnded is the error of a ctx that is over, and its cause if that says more.
func whyEnded(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}

// join returns the running fill, or a new one, which the caller shall lead, for a caller
// without a copy. A hold that would outlast the caller is returned as its error instead.
func (s *Source) join(ctx context.Context) (f *fill, isNew bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return nil, false, s.broken
	}
	if err := s.heldTooLong(ctx); err != nil {
		return nil, false, err
	}
	if s.fill != nil {
		return s.fill, false, nil
	}
	f, err = s.begin(fillForCaller)
	return f, true, err
}

// heldTooLong is the error of the hold, if a caller should not wait for its end.
// The caller holds s.mu.
func (s *Source) heldTooLong(ctx context.Context) error {
	rest := s.hold.rest(now())
	if rest == 0 || s.hold.err == nil || worthWaiting(ctx, s.hold.err, rest) {
		return nil
	}
	return s.hold.err
}

// refill starts a fill in the background, if it is time for one.
func (s *Source) refill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil || s.fill != nil || s.hold.rest(now()) > 0 {
		return
	}
	_, _ = s.start(fillAhead) // refused only when closed
}

// start begins a fill in the background. The caller holds s.mu and has seen that none runs.
func (s *Source) start(why purpose) (*fill, error) {
	f, err := s.begin(why)
	if err != nil {
		return nil, err
	}
	go f.main()
	return f, nil
}

// begin makes a fill. The caller holds s.mu, has seen that none runs, and has this one run.
func (s *Source) begin(why purpose) (*fill, error) {
	if !s.cache.begin() {
		return nil, ErrClosed
	}
	f := newFill(s, why)
	s.fill = f
	s.quietUntil.Store(math.MaxInt64)
	return f, nil
}

// listen has the Source hear of the next token, if it has one. After close nobody may
// listen, and this is the last to try.
func (s *Source) listen() {
	if s.usable() != nil {
		s.cache.notifier.add(s)
	}
	if s.closed() {
		s.cache.notifier.remove(s)
	}
}

// ended takes a fill's leave.
func (s *Source) ended(f *fill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.cutShort(nil)
	s.fill = nil
	s.settle()
	s.schedule()
}

// usable returns the copy if it can be handed out, else nil.
func (s *Source) usable() *localCopy {
	if c := s.copy.Load(); c.usableAt(now()) {
		return c
	}
	return nil
}

// close ends the Source: for good, with err for everyone who still asks.
func (s *Source) close(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = err
		close(s.gone)
	}
	s.copy.Store(nil)
	for _, t := range []*time.Timer{s.timer, s.putBackTimer} {
		if t != nil {
			t.Stop()
		}
	}
	if s.fill != nil {
		s.fill.cutShort(err)
	}
}

func (s *Source) observe(e Event) {
	e.Key = s.store.keys.id
	s.cache.reports.event(e)
}

func (s *Source) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken != nil
}
