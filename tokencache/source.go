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
	cache      *Cache
	fetcher    Fetcher
	credential Credential
	store      store
	jitter     *jitter

	// quietUntil is the monotonic clock's reading before which a Get in the
	// window need not look further: a fill runs, or it is too early for one.
	quietUntil atomic.Int64

	telling singleflight.Group // rejections on their way to Redis
	gone    chan struct{}      // closed when the Source is

	mu           sync.Mutex // guards below
	broken       error      // ErrClosed, or what is wrong with the Fetcher
	reporting    int        // how many may still observe: fills, rejections on their way, close
	saidClosed   bool       // EventClosed was told: nobody may begin to observe
	fill         *fill      // the one that runs
	shelf        shelf
	pacer        pacer
	timings      timings
	takeover     takeover
	changed      bell        // rung when a waiting fill should look again
	timer        *time.Timer // the next fill that nobody asks for
	unread       unread      // the last news that a look has to confirm
	answeredAt   instant     // when a look has confirmed such news
	rereadTimer  *time.Timer
	promptTimer  *time.Timer // of the next prompt; nil if none is on its way
	putBackTimer *time.Timer
	asideTimer   *time.Timer // the end of a rejection's wait, if no fill is there by then
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

// ID names the credential, as in [Event] and [Status]: see [Credential.ID]. Empty if the Fetcher
// had none.
func (s *Source) ID() string { return s.store.keys.id }

// Peek returns the copy at hand, if there is one that Get would return, else the zero Token and
// false: no I/O, no waiting, and no fill is started. For readiness checks and metrics.
func (s *Source) Peek() (Token, bool) {
	c := s.usable()
	if c == nil {
		return Token{}, false
	}
	return c.token, true
}

// Close ends the Source: its methods return ErrClosed from now on, and the Cache keeps nothing
// of it. What is in Redis stays. The next call of [Cache.Source] with the same Credential
// makes a new one. A Source that is not closed is closed with its Cache, so there is no need to.
// Always nil; may be repeated.
func (s *Source) Close() error {
	s.cache.letGo(s)
	s.close(ErrClosed)
	s.cache.notifier.remove(s)
	return nil
}

// Closed reports whether the Source is of no use any more, because it was closed or its
// Cache was: then its methods return ErrClosed. No I/O, no waiting.
func (s *Source) Closed() bool { return isClosed(s.gone) }

// wait joins one fill after another until there is a usable copy, a final error
// or no more time.
func (s *Source) wait(ctx context.Context) (tok Token, err error) {
	start := now()
	defer func() { s.observe(Event{Kind: EventWait, Duration: now().since(start), Err: err}) }()
	for {
		f, mayLead, err := s.join(ctx)
		if err != nil {
			return Token{}, err
		}
		if mayLead {
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
	held := s.pacer.hold.err
	if f := s.fill; held == nil && f != nil {
		held = f.cause
		if s.cache.fills.hasQueued(&f.ticket) {
			held = errQueued
		}
	}
	if rest, why := s.pacer.keptOff(false, now()); held == nil && rest > 0 {
		held = why
	}
	s.mu.Unlock()
	if held != nil {
		return fmt.Errorf("tokencache: no token of %s yet: %w (before that: %w)", word(s.credential.App()), whyEnded(ctx), held)
	}
	return fmt.Errorf("tokencache: no token of %s yet: %w", word(s.credential.App()), whyEnded(ctx))
}

var errQueued = errors.New("as many fills as Config.MaxFills allows were under way, and its own had to wait")

// join returns the running fill, or a new one, for a caller without a copy, which shall
// lead it unless it has to queue. A hold that would outlast the caller is returned as its
// error instead.
func (s *Source) join(ctx context.Context) (f *fill, mayLead bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return nil, false, s.broken
	}
	if err := s.heldTooLong(ctx); err != nil {
		return nil, false, err
	}
	if s.fill != nil {
		s.fill.want()
		return s.fill, false, nil
	}
	return s.begin(fillForCaller)
}

// heldTooLong is the error of the hold, if a caller should not wait for its end.
// The caller holds s.mu.
func (s *Source) heldTooLong(ctx context.Context) error {
	h := s.pacer.hold
	rest := h.rest(now())
	if rest == 0 || h.err == nil || worthWaiting(ctx, h.err, rest) {
		return nil
	}
	return h.err
}

// holdFits returns what is closed when f waits out another failure, or the error of the one
// that it waits out, if this caller should not: each has a time of its own.
func (s *Source) holdFits(ctx context.Context, f *fill) (next <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.held.ch, s.heldTooLong(ctx)
}

// refill starts a fill in the background, if it is time for one.
func (s *Source) refill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil || s.fill != nil || s.pacer.hold.rest(now()) > 0 {
		return
	}
	_, _ = s.start(fillAhead) // refused only when closed
}

// start begins a fill in the background. The caller holds s.mu and has seen that none runs.
func (s *Source) start(why *purpose) (*fill, error) {
	f, admitted, err := s.begin(why)
	if admitted {
		go f.main()
	}
	return f, err
}

// begin makes a fill. The caller holds s.mu, has seen that none runs, and has this one run
// if it is admitted; else it runs as soon as others leave it a place.
func (s *Source) begin(why *purpose) (f *fill, admitted bool, err error) {
	if !s.cache.begin() {
		return nil, false, ErrClosed
	}
	f = newFill(s, why)
	s.fill = f
	s.reporting++
	s.quietUntil.Store(math.MaxInt64)
	return f, s.cache.fills.enter(&f.ticket, f.rank(rankAhead), func() { go f.main() }), nil
}

// adopt makes a the copy if the shelf takes it. It reports whether there is a usable copy
// afterwards, this or another.
func (s *Source) adopt(a adoption) (usable bool) {
	t := s.take(a)
	if t.another {
		s.observe(Event{Kind: EventAdopt, Remaining: t.stored.remainingAt(now())})
	}
	return t.usable
}

func (s *Source) take(a adoption) taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takeLocked(a)
}

// takeLocked wakes those who wait for any usable copy. The caller holds s.mu.
func (s *Source) takeLocked(a adoption) taken {
	if s.broken != nil {
		return taken{}
	}
	t := s.shelf.take(a, s.cache.isRun(), now())
	if t.stored != nil && s.fill != nil {
		closeOnce(s.fill.ready)
	}
	return t
}

// listen has the Source hear of the next token, if it has one.
func (s *Source) listen() {
	if s.usable() != nil {
		s.cache.notifier.add(s)
	}
}

// ended takes a fill's leave.
func (s *Source) ended(f *fill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.cutShort(nil)
	s.fill = nil
	s.rereadAgain()
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

// nextNumber is taken by whoever asks a question: see rejections.
func (s *Source) nextNumber() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shelf.nextNumber()
}

// note has the pacer take note of something.
func (s *Source) note(what func(*pacer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what(&s.pacer)
}

// pace is note for what depends on the copy that can be handed out, or changes the hold: Get knows
// afterwards from when on it has to look further.
func (s *Source) pace(what func(p *pacer, c *localCopy, at instant)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := now()
	what(&s.pacer, s.shelf.usable(at), at)
	s.settle()
}

// holdFor keeps the next fill away for a while.
func (s *Source) holdFor(wait time.Duration, err error) {
	s.pace(func(p *pacer, c *localCopy, at instant) { p.holdFor(wait, err, c, at) })
}

// settle brings quietUntil up to date. The caller holds s.mu.
func (s *Source) settle() {
	if s.fill != nil {
		return // it says so itself when it ends
	}
	at := now()
	s.quietUntil.Store(int64(at.mono + s.pacer.hold.rest(at)))
}

// close ends the Source: for good, with err for everyone who still asks.
func (s *Source) close(err error) {
	if f := s.retire(err); f != nil {
		f.err = err
		f.end()
	}
	s.reported()
}

// mayReport reports whether the Source is there to observe something, and then has one more
// observe: see reported.
func (s *Source) mayReport() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.reporting++
	}
	return s.broken == nil
}

// reported has one less observe. The last of a Source that is closed says so.
func (s *Source) reported() {
	s.mu.Lock()
	s.reporting--
	last := s.broken != nil && s.reporting == 0 && !s.saidClosed
	s.saidClosed = s.saidClosed || last
	s.mu.Unlock()
	if last {
		s.observe(Event{Kind: EventClosed})
	}
}

// retire does what close does under the mutex. It returns the fill that waited for a place,
// if one did: it has no goroutine that would end it.
func (s *Source) retire(err error) (queued *fill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reporting++
	if s.broken == nil {
		s.broken = err
		close(s.gone)
	}
	s.copy.Store(nil)
	for _, t := range []*time.Timer{s.timer, s.rereadTimer, s.promptTimer, s.putBackTimer, s.asideTimer} {
		if t != nil {
			t.Stop()
		}
	}
	f := s.fill
	if f == nil {
		return nil
	}
	if f.cancel == nil && s.cache.fills.withdraw(&f.ticket) {
		return f
	}
	f.cutShort(err)
	return nil
}

func (s *Source) observe(e Event) {
	e.ID = s.store.keys.id
	s.cache.reports.event(e)
}

func (s *Source) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken != nil
}
