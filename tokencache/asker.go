package tokencache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// asker asks the issuer for one credential, and believes no Fetcher.
type asker struct {
	*link
	fetcher Fetcher
}

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
func (a *asker) fetch(ctx context.Context, kind EventKind) (fetched, error) {
	got := fetched{began: now(), number: a.state.nextNumber()}
	tok, err := a.call(ctx)
	if err == nil {
		err = a.check(tok)
	}
	if err != nil {
		refused := issuerErrorOf(a.store.of, err) // of ours by now
		a.state.observe(Event{Kind: kind, Outcome: Outcome(refused.Class.String()), Duration: now().since(got.began), Err: refused})
		return got, refused
	}
	got.token, got.took = tok, now().since(got.began)
	a.state.do(func() { a.state.timings.call = got.took })
	a.state.observe(Event{Kind: kind, Outcome: "ok", Duration: got.took, Remaining: tok.life()})
	return got, nil
}

// call has the Fetcher run aside, and leaves behind one that ignores its context.
func (a *asker) call(ctx context.Context) (Token, error) {
	type result struct {
		tok Token
		err error
	}
	ctx, cancel := context.WithTimeout(ctx, a.config.FetchTimeout)
	defer cancel()
	done := aside(func() result {
		tok, err := a.fetcher.Fetch(ctx)
		if err != nil {
			err = issuerErrorOf(a.store.of, err) // here: its methods are the Fetcher's, too
		}
		return result{tok, err}
	}, func(p any) result {
		if p == nil {
			return result{err: errors.New("the fetcher ended without an answer")}
		}
		a.reports.log(slog.LevelError, "fetcher panicked", whose(a.store.of.ID(), "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))...)
		return result{err: fmt.Errorf("the fetcher panicked with a %T", p)}
	})

	timer := time.NewTimer(a.config.FetchTimeout + fetchGrace)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.tok, r.err
	case <-timer.C:
		return Token{}, a.store.of.transient(fmt.Sprintf("no answer within %v", a.config.FetchTimeout), context.DeadlineExceeded)
	}
}

// fetchGrace is the moment that a Fetcher which heeds its context has to say what it knows.
const fetchGrace = 100 * time.Millisecond

// check refuses a token that cannot be one.
func (a *asker) check(tok Token) error {
	app, tenant := tok.reveal()
	switch size := len(app) + len(tenant); {
	case size == 0:
		return a.store.of.transient("answered with an empty token", nil)
	case size > wire.LongestToken:
		return a.store.of.transient(fmt.Sprintf("answered with a token of %d bytes", size), nil)
	}
	return a.store.of.checkLife(tok.life())
}
