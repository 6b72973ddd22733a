package tokencache

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

// Source hands out the token of one credential. Make one with [Cache.Source];
// all methods are safe for concurrent use.
type Source struct {
	copy    atomic.Pointer[localCopy] // nil while there is none
	*engine                           // apart, so that the copies of thousands of Sources share cache lines
}

// Get returns a usable token: at once if this process has one, whatever ctx
// says; otherwise it waits for a fill that all callers share, until ctx ends.
// Costs some 30 ns with a copy at hand.
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
		return s.await(ctx)
	}
	if at.since(c.from) < c.freshFor() {
		return c.token, nil
	}
	if c.phaseAt(at) == dead {
		return s.await(ctx)
	}
	if int64(at.mono) >= s.state.quietUntil.Load() {
		s.state.refill()
	}
	return c.token, nil
}

// ID names the credential, as in [Event] and [Status]: see [Credential.ID]. Empty if the Fetcher
// had none.
func (s *Source) ID() string { return s.store.keys.id }

// Peek returns the copy at hand, if there is one that Get would return, else the zero Token and
// false: no I/O, no waiting, and no fill is started. For readiness checks and metrics.
func (s *Source) Peek() (Token, bool) {
	c := s.state.usable()
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
	s.forget(s.store.of, &s.state)
	s.retire(ErrClosed)
	s.notifier.remove(&s.listener)
	return nil
}

// Closed reports whether the Source is of no use any more, because it was closed or its
// Cache was: then its methods return ErrClosed. No I/O, no waiting.
func (s *Source) Closed() bool { return isClosed(s.state.life.gone) }

// await waits for one round after another until there is a usable copy, a final error or no more time.
func (s *Source) await(ctx context.Context) (tok Token, err error) {
	start := now()
	defer func() { s.state.observe(Event{Kind: EventWait, Duration: now().since(start), Err: err}) }()
	for {
		r, err := s.join(ctx, fillForCaller)
		if err != nil {
			return Token{}, err
		}
		err = s.awaitRound(ctx, r)
		if c := s.state.usable(); c != nil {
			return c.token, nil // whatever ctx says by now
		}
		if err == nil {
			err = r.final()
		}
		if err != nil {
			return Token{}, err
		}
	}
}

// join returns the round that runs, or a new one, which a caller waits for. A hold that would
// outlast a caller who does not insist is returned as its error instead.
func (s *Source) join(ctx context.Context, why *purpose) (r *round, err error) {
	st, left := &s.state, timeLeft(ctx)
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.life.broken != nil {
		return nil, st.life.broken
	}
	if err := s.heldTooLong(left); err != nil && !why.insists {
		return nil, err
	}
	if st.round == nil {
		err = s.start(why)
		return st.round, err
	}
	st.round.wanted = true
	s.fills.promote(&st.round.place)
	return st.round, nil
}

// heldTooLong is the error of the hold, if a caller with so much time left should be told that now
// rather than wait for the hold's end. The caller holds state.mu.
func (s *Source) heldTooLong(left time.Duration) error {
	h := s.state.pacer.hold
	rest := h.rest(now())
	if rest == 0 || h.err == nil || left > rest && endsSoon(h.err, rest) {
		return nil
	}
	return h.err
}

// timeLeft is until the deadline of a caller's ctx, which is foreign code: not to be called with a
// mutex.
func timeLeft(ctx context.Context) time.Duration {
	if deadline, bounded := ctx.Deadline(); bounded {
		return time.Until(deadline)
	}
	return math.MaxInt64
}

// awaitRound returns when there is a usable copy, the round is over, or waiting on is of no
// use: then with an error.
func (s *Source) awaitRound(ctx context.Context, r *round) error {
	ready := r.ready
	for {
		var sitsOut <-chan struct{} // closed when the round waits out another failure: each has a time of its own
		var err error
		left := timeLeft(ctx)
		s.state.do(func() { sitsOut, err = r.sitsOut.next(), s.heldTooLong(left) })
		if err != nil {
			return err
		}
		select {
		case <-ready:
			if s.state.usable() != nil {
				return nil
			}
			ready = nil // rejected since: only the end will tell
		case <-sitsOut:
		case <-r.done:
			return nil
		case <-s.state.life.gone:
			return nil // the next join says so
		case <-ctx.Done():
			return s.gaveUp(ctx)
		}
	}
}

// gaveUp adds to a context's error what was waited for.
func (s *Source) gaveUp(ctx context.Context) error {
	s.state.mu.Lock()
	at := now()
	before := s.state.pacer.hold.errLately(at)
	if r := s.state.round; before == nil && r != nil {
		before = r.cause
		if s.fills.hasQueued(&r.place) {
			before = errQueued
		}
	}
	if rest, why := s.state.pacer.keptOff(false, at); before == nil && rest > 0 {
		before = why
	}
	s.state.mu.Unlock()
	err := fmt.Errorf("tokencache: no token of %s yet: %w", word(s.store.of.App()), whyEnded(ctx))
	if before != nil {
		err = fmt.Errorf("%w (before that: %w)", err, before)
	}
	return err
}

var errQueued = errors.New("as many fills as Config.MaxFills allows were under way, and its own had to wait")
