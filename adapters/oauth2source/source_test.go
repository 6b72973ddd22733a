package oauth2source_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/onetoken-go/onetoken/adapters/oauth2source"
	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// source is a Source made of a token or an error.
type source struct {
	mu       sync.Mutex // guards below
	token    tokencache.Token
	err      error
	gets     int
	rejected []tokencache.Token
}

func (s *source) Get(ctx context.Context) (tokencache.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	if s.token.IsZero() && s.err == nil {
		<-ctx.Done()
		return tokencache.Token{}, ctx.Err()
	}
	return s.token, s.err
}

func (s *source) Invalidate(_ context.Context, bad tokencache.Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = append(s.rejected, bad)
	return tokencache.ErrCoolDown
}

func newSource(ctx context.Context, t *testing.T, c oauth2source.Config) *oauth2source.TokenSource {
	t.Helper()
	s, err := oauth2source.New(ctx, c)
	require.NoError(t, err)
	return s
}

func TestToken(t *testing.T) {
	tok := tokencache.NewToken("app-1", "tenant-1", time.Hour)
	got, err := newSource(t.Context(), t, oauth2source.Config{Source: &source{token: tok}}).Token()
	require.NoError(t, err)
	assert.Equal(t, "app-1", got.AccessToken)
	assert.Equal(t, "Bearer", got.TokenType)
	assert.Equal(t, tok.Expiry(), got.Expiry)
	assert.True(t, got.Valid())
	assert.Empty(t, got.RefreshToken)

	c := oauth2source.Config{Source: &source{token: tok}, Text: tokencache.Token.TenantAccessToken}
	got, err = newSource(t.Context(), t, c).Token()
	require.NoError(t, err)
	assert.Equal(t, "tenant-1", got.AccessToken)

	c.Source = &source{token: tokencache.NewToken("app-1", "", time.Hour)}
	_, err = newSource(t.Context(), t, c).Token()
	assert.ErrorContains(t, err, "set Config.Text to one that it has")
}

func TestErrorsAreThoseOfTheSource(t *testing.T) {
	refusal := &tokencache.IssuerError{Issuer: "oauth2", Status: 401, Message: "invalid_client: x"}
	_, err := newSource(t.Context(), t, oauth2source.Config{Source: &source{err: refusal}}).Token()
	require.ErrorIs(t, err, tokencache.ErrIssuer)
	assert.Equal(t, "invalid_client", oauth2cc.ErrorCode(err))
}

// Token waits no longer than its time-out, and than the context lasts that New was given.
func TestWaiting(t *testing.T) {
	for _, c := range []struct{ timeout, ctx, want time.Duration }{
		{0, time.Hour, 30 * time.Second},
		{time.Minute, time.Hour, time.Minute},
		{0, time.Second, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), c.ctx)
			defer cancel()
			began := time.Now()
			_, err := newSource(ctx, t, oauth2source.Config{Source: &source{}, Timeout: c.timeout}).Token()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, c.want, time.Since(began))
		})
	}
}

// A copy is had even when the context has ended.
func TestCopyAfterTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tokens := tokencachetest.New(t).Source(tokencachetest.NewFetcher("client-1"))
	s := newSource(ctx, t, oauth2source.Config{Source: tokens})
	want, err := s.Token()
	require.NoError(t, err)
	cancel()
	got, err := s.Token()
	require.NoError(t, err)
	assert.Equal(t, want.AccessToken, got.AccessToken)
}

func TestInvalidate(t *testing.T) {
	fake := &source{token: tokencache.NewToken("a", "", time.Hour)}
	s := newSource(t.Context(), t, oauth2source.Config{Source: fake})
	tok, err := s.Token()
	require.NoError(t, err)
	require.ErrorIs(t, s.Invalidate(t.Context(), tok), tokencache.ErrCoolDown)
	require.Len(t, fake.rejected, 1)
	assert.True(t, fake.token.Equal(fake.rejected[0]))

	for _, other := range []*oauth2.Token{nil, {}, {AccessToken: "a"}, (&oauth2.Token{}).WithExtra(map[string]any{"onetoken": "a"})} {
		assert.ErrorContains(t, s.Invalidate(t.Context(), other), "not a token of a TokenSource of this package")
	}
	assert.Len(t, fake.rejected, 1)
}

// With Reuse a token seems to end early, so that a ReuseTokenSource comes back in time; and never late.
func TestReuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &source{token: tokencache.NewToken("a", "", time.Hour)}
		s := newSource(t.Context(), t, oauth2source.Config{Source: fake, Reuse: time.Minute})
		reused := oauth2.ReuseTokenSource(nil, s)
		for range 600 { // 10 minutes
			tok, err := reused.Token()
			require.NoError(t, err)
			assert.True(t, tok.Valid())
			time.Sleep(time.Second)
		}
		assert.Equal(t, 10, fake.gets)

		time.Sleep(49 * time.Minute) // a minute is left
		tok, err := s.Token()
		require.NoError(t, err)
		assert.Equal(t, time.Minute, time.Until(tok.Expiry), "its end")
	})
}

// api takes one token and no other.
type api struct {
	mu    sync.Mutex // guards below
	valid string
	calls int
}

func (a *api) accept(valid string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.valid = valid
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	if r.Header.Get("Authorization") != "Bearer "+a.valid {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// What the package comment says of golang.org/x/oauth2's own clients, on a login server, a Cache and an
// API: both work, one of them does not see a rejection.
func TestClients(t *testing.T) {
	minted := 0
	business := &api{}
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		minted++
		business.accept(fmt.Sprintf("token-%d", minted))
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"bearer","expires_in":3600}`, minted)
	}))
	defer login.Close()
	server := httptest.NewServer(business)
	defer server.Close()
	fetcher, err := oauth2cc.New(oauth2cc.Config{TokenURL: login.URL, ClientID: "client-1", ClientSecret: tokencache.NewSecret("a-secret")})
	require.NoError(t, err)
	s := newSource(t.Context(), t, oauth2source.Config{Source: tokencachetest.New(t).Source(fetcher)})
	plain := &http.Client{Transport: &oauth2.Transport{Source: s}}
	caching := oauth2.NewClient(t.Context(), s)
	status := func(client *http.Client) int {
		t.Helper()
		resp, err := client.Get(server.URL)
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	for range 3 {
		assert.Equal(t, 200, status(plain))
		assert.Equal(t, 200, status(caching))
	}
	assert.Equal(t, 1, minted)

	business.accept("none") // token-1 is revoked
	tok, err := s.Token()
	require.NoError(t, err)
	assert.Equal(t, 401, status(plain))
	require.NoError(t, s.Invalidate(t.Context(), tok))
	assert.Equal(t, 200, status(plain), "with the fleet's next token")
	assert.Equal(t, 401, status(caching), "it keeps its own")
	assert.Equal(t, 200, status(oauth2.NewClient(t.Context(), s)))
	assert.Equal(t, 2, minted)
}

// No way in which values end up in a log shows the token; but that of an oauth2.Token is its own.
func TestNothingPrints(t *testing.T) {
	s := newSource(t.Context(), t, oauth2source.Config{Source: &source{token: tokencache.NewToken("hunter2", "", time.Hour)}})
	_, err := s.Token()
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "v", s)
	text, err := json.Marshal(s) //nolint:staticcheck // that it shows nothing is what is tested
	require.NoError(t, err)
	for _, said := range []string{fmt.Sprintf("%v %+v %#v %s %x", s, s, s, s, s), log.String(), string(text)} {
		assert.NotContains(t, said, "hunter2")
		assert.NotContains(t, said, fmt.Sprintf("%x", "hunter2"))
	}
}
