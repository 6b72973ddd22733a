package tokencache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// fetched is an answer of the issuer.
type fetched struct {
	token  Token
	began  instant // just before the request
	took   time.Duration
	number uint64 // see rejections
}

func (g fetched) adoption() adoption {
	return adoption{token: g.token, remaining: g.token.life(), at: g.began, asked: g.number, own: true}
}

// fetch makes one call. Its error is an *IssuerError.
func (s *Source) fetch(ctx context.Context, kind EventKind) (fetched, error) {
	got := fetched{began: now(), number: s.nextNumber()}
	tok, err := s.fetchAside(ctx)
	if err == nil {
		err = s.check(tok)
	}
	if err != nil {
		refused := issuerErrorOf(s.credential, err) // of ours by now
		s.observe(Event{Kind: kind, Outcome: Outcome(refused.Class.String()), Duration: now().since(got.began), Err: refused})
		return got, refused
	}
	got.token, got.took = tok, now().since(got.began)
	s.mu.Lock()
	s.timings.call = got.took
	s.mu.Unlock()
	s.observe(Event{Kind: kind, Outcome: "ok", Duration: got.took, Remaining: tok.life()})
	return got, nil
}

// lastCallTook is the time of the call that gave an unpublished copy its token.
func (s *Source) lastCallTook() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.timings.call
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
	defer cancel()
	done := aside(func() result {
		tok, err := s.fetcher.Fetch(ctx)
		if err != nil {
			err = issuerErrorOf(s.credential, err) // here: its methods are the Fetcher's, too
		}
		return result{tok, err}
	}, func(p any) result {
		if p == nil {
			return result{err: errors.New("the fetcher ended without an answer")}
		}
		s.cache.reports.log(slog.LevelError, "fetcher panicked", whose(s.store.keys.id, "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))...)
		return result{err: fmt.Errorf("the fetcher panicked with a %T", p)}
	})

	// A Fetcher that heeds its context has a moment to say what it knows.
	timer := time.NewTimer(timeout + fetchGrace)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.tok, r.err
	case <-timer.C:
		return Token{}, &IssuerError{
			Issuer: s.credential.Issuer(), Class: ClassTransient, Err: context.DeadlineExceeded,
			Message: fmt.Sprintf("no answer within %v", timeout),
		}
	}
}

const fetchGrace = 100 * time.Millisecond

// check believes no Fetcher.
func (s *Source) check(tok Token) error {
	app, tenant := tok.reveal()
	switch {
	case app == "" && tenant == "":
		return &IssuerError{Issuer: s.credential.Issuer(), Class: ClassTransient, Message: "answered with an empty token"}
	case len(app)+len(tenant) > longestToken:
		return &IssuerError{Issuer: s.credential.Issuer(), Class: ClassTransient, Message: fmt.Sprintf("answered with a token of %d bytes", len(app)+len(tenant))}
	}
	return s.credential.checkLife(tok.life())
}
