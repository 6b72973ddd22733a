package vault_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/internal/watch"
	"github.com/onetoken-go/onetoken/tokencache"
)

// stage is a Vault that runs in a bubble.
type stage struct {
	*vault.Vault
	t       *testing.T
	cache   *tokencache.Cache
	log     *redistest.Output
	refused atomic.Int32 // how often a secret may have been
}

func inBubble(t *testing.T, play func(*testing.T, *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, log: &redistest.Output{}}
		logger := slog.New(slog.NewTextHandler(s.log, nil))
		cache, err := tokencache.New(redistest.NewBubble(t).Client("a"), tokencache.Config{
			Logger: logger, Observe: func(e tokencache.Event) { s.Observe(e) },
		})
		require.NoError(t, err)
		s.cache = cache
		teller := watch.NewTeller()
		s.Vault = vault.New(vault.Config{Cache: cache, Logger: logger, Teller: teller, Refused: func() { s.refused.Add(1) }})
		ctx, stop := context.WithCancel(t.Context())
		defer func() {
			stop()
			_ = cache.Close()
			synctest.Wait()
		}()
		go teller.Run(ctx)
		go func() { _ = cache.Run(ctx) }()
		play(t, s)
	})
}

// app is a credential whose issuer the test plays.
type app struct {
	id, secret, purpose, way string

	mu    sync.Mutex // guards below once it is asked
	calls int
	err   error
}

// fail has the issuer refuse from now on; nil: grant.
func (a *app) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

func (a *app) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls
}

func (a *app) Credential() tokencache.Credential {
	c, err := tokencache.NewCredential(tokencache.CredentialConfig{
		Issuer: "test", App: a.id, Public: []string{"https://issuer.example"}, Secret: []tokencache.Secret{tokencache.NewSecret(a.secret)},
		Window: 30 * time.Minute,
	})
	if err != nil {
		panic(err)
	}
	return c
}

func (a *app) Fetch(context.Context) (tokencache.Token, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	if a.err != nil {
		return tokencache.Token{}, a.err
	}
	return tokencache.NewToken(fmt.Sprintf("token-of-%s-%s-%d", a.id, a.secret, a.calls), "", 2*time.Hour), nil
}

func (a *app) named(name string) vault.Credential {
	return vault.Credential{
		Name: name, Kind: "test", App: a.id, Fetcher: a,
		Revision: a.id + a.secret + a.purpose + a.way, Purpose: a.id + a.purpose,
		RejectsSecret: func(err error) bool {
			refusal, ok := errors.AsType[*tokencache.IssuerError](err)
			return ok && refusal.Code == errRefused.Code
		},
	}
}

func (s *stage) token(name string) string {
	s.t.Helper()
	e, ok := s.Find(name)
	require.True(s.t, ok, name)
	plan, err := e.Get(s.t.Context())
	require.NoError(s.t, err)
	return plan.Token.AppAccessToken()
}

func (s *stage) entry(name string) *vault.Entry {
	s.t.Helper()
	e, ok := s.Find(name)
	require.True(s.t, ok, name)
	return e
}

var errRefused = &tokencache.IssuerError{Issuer: "test", Code: 7, Message: "wrong secret", Class: tokencache.ClassPermanent}
