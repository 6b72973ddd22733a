package service

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/internal/service/page"
	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/internal/watch"
	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
)

// stage is a service in a bubble without files and doors, whose credentials the test plays.
type stage struct {
	*Service
	bubble *redistest.Bubble
	log    *redistest.Output
}

func onStage(t *testing.T, play func(*testing.T, *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st := &stage{log: &redistest.Output{}, bubble: redistest.NewBubble(t)}
		logger := slog.New(slog.NewTextHandler(st.log, nil))
		s := &Service{Options: Options{Logger: logger}, started: time.Now(), early: make(chan struct{}, 1), uses: newUses(logger), metrics: metrics.New(), counts: newCounts()}
		teller := watch.NewTeller()
		s.page = page.New(func(ctx context.Context) page.View { return viewOf(s.Report(ctx)) })
		var err error
		s.cache, err = tokencache.New(st.bubble.Client("a"), tokencache.Config{Logger: logger, Observe: s.observe})
		require.NoError(t, err)
		s.vault = vault.New(vault.Config{Cache: s.cache, Logger: logger, Teller: teller})
		s.pulse.Watches(s.cache, s.vault.Look)
		st.Service = s
		ctx, stop := context.WithCancel(t.Context())
		defer func() {
			stop()
			_ = s.cache.Close()
			synctest.Wait()
		}()
		go func() { _ = s.cache.Run(ctx) }()
		go teller.Run(ctx)
		play(t, st)
	})
}

// app is a credential whose issuer the test plays.
type app struct {
	secret string

	mu    sync.Mutex // guards below once it is asked
	err   error
	calls int
}

// fail has the issuer refuse from now on.
func (a *app) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

func (a *app) Credential() tokencache.Credential {
	c, err := tokencache.NewCredential(tokencache.CredentialConfig{
		Issuer: "test", App: "x", Public: []string{"https://issuer.example"}, Secret: []tokencache.Secret{tokencache.NewSecret(a.secret)},
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
	return tokencache.NewToken(fmt.Sprintf("token-of-%s-%d", a.secret, a.calls), "", 2*time.Hour), nil
}

func (a *app) named(name string) vault.Credential {
	return vault.Credential{Name: name, Kind: "test", App: "x", URL: "https://issuer.example", Fetcher: a, Revision: a.secret, Purpose: "p"}
}

var errRefused = &tokencache.IssuerError{Issuer: "test", Code: 7, Message: "wrong secret", Class: tokencache.ClassPermanent}

// get asks the status listener.
func (s *Service) get(path string) (status int, body string) {
	out := httptest.NewRecorder()
	s.statusHandler().ServeHTTP(out, httptest.NewRequest(http.MethodGet, path, nil))
	return out.Code, out.Body.String()
}
