package bearer_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

func TestWaitsForATokenUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, feishutest.Config{Latency: 5 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		body := &closes{Reader: strings.NewReader("x")}
		start := time.Now()
		_, err := s.client.Do(newRequest(t, http.MethodPost, message, body).WithContext(ctx)) //nolint:bodyclose // there is none
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))
		var timeout interface{ Timeout() bool }
		require.ErrorAs(t, err, &timeout)
		assert.True(t, timeout.Timeout())
		assert.Equal(t, 1, body.times)
		assert.Empty(t, s.sent)
	})
}

func TestErrorsOfTheIssuerReachTheCaller(t *testing.T) {
	s := newStage(t, feishutest.Config{})
	s.issuer.SetAppSecret("another")
	_, err := s.client.Do(newRequest(t, http.MethodGet, query, nil)) //nolint:bodyclose // there is none
	refused, ok := errors.AsType[*tokencache.IssuerError](err)
	require.True(t, ok)
	assert.Equal(t, 10014, refused.Code)
	assert.ErrorContains(t, err, "bearer: no access token: feishu refused")
	assert.Empty(t, s.sent)
}

// No request is sent with an empty Authorization header: an issuer may give one of the two
// tokens, and a Source none.
func TestNoTokenOfTheKind(t *testing.T) {
	for name, c := range map[string]struct {
		app, tenant string
		kind        bearer.Kind
		says        string
	}{
		"tenant of an app token": {"a-1", "", bearer.Tenant, "the issuer gave none of kind tenant, but one of kind app: set Config.Kind"},
		"app of a tenant token":  {"", "t-1", bearer.App, "the issuer gave none of kind app, but one of kind tenant: set Config.Kind"},
		"app":                    {"a-1", "", bearer.App, ""},
		"tenant":                 {"", "t-1", bearer.Tenant, ""},
	} {
		t.Run(name, func(t *testing.T) {
			source := tokencachetest.New(t).Source(tokencache.FetchFunc(tokencachetest.NewFetcher("cli_test").Credential(), func(context.Context) (tokencache.Token, error) {
				return tokencache.NewToken(c.app, c.tenant, time.Hour), nil
			}))
			for _, s := range []bearer.Source{source, gives{tokencache.NewToken(c.app, c.tenant, time.Hour)}} {
				assertNoToken(t, s, c.kind, c.says)
			}
		})
	}
	for _, kind := range []bearer.Kind{bearer.Tenant, bearer.App} {
		assertNoToken(t, gives{}, kind, "the Source gave an empty one")
	}
}

func TestRealTransportsErrorHasNoToken(t *testing.T) {
	bad := tokencache.FetchFunc(tokencachetest.NewFetcher("cli_test").Credential(), func(context.Context) (tokencache.Token, error) {
		return tokencache.NewToken("a-1", "t-hush\nX: y", time.Hour), nil
	})
	source := tokencachetest.New(t).Source(bad)
	s := newStage(t, feishutest.Config{}, func(c *bearer.Config) { c.Source, c.Base = source, &http.Transport{} })
	_, err := s.client.Do(newRequest(t, http.MethodGet, query, nil)) //nolint:bodyclose // there is none
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "t-hush")
}

func TestRedisDownDuringARejection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rdb, server := tokencachetest.NewRedis(t)
		issuer := feishutest.New(feishutest.Config{})
		feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
			AppID: issuer.AppID(), AppSecret: tokencache.NewSecret(issuer.AppSecret()), Transport: issuer.RoundTripper(),
		})
		require.NoError(t, err)
		source := tokencachetest.On(t, rdb).Source(feishu)
		s := newStage(t, feishutest.Config{}, func(c *bearer.Config) { c.Source, c.Base = source, issuer.RoundTripper() })
		s.do(t, newRequest(t, http.MethodGet, query, nil))
		require.True(t, issuer.Revoke(issuer.Pairs()[0].Tenant))
		server.SetError("LOADING Redis is loading the dataset in memory")
		status, _ := s.do(t, newRequest(t, http.MethodGet, query, nil))
		server.SetError("")
		assert.Equal(t, http.StatusOK, status, "asked directly")
		assert.Equal(t, 2, issuer.Stats().Calls)
	})
}

// gives is a Source that is none of tokencache's.
type gives struct{ tok tokencache.Token }

func (g gives) Get(context.Context) (tokencache.Token, error)    { return g.tok, nil }
func (gives) Invalidate(context.Context, tokencache.Token) error { return nil }

// assertNoToken has a request sent unless there is something to say.
func assertNoToken(t *testing.T, source bearer.Source, kind bearer.Kind, says string) {
	t.Helper()
	s := newStage(t, feishutest.Config{}, func(c *bearer.Config) { c.Source, c.Kind = source, kind })
	body := &closes{Reader: strings.NewReader("x")}
	resp, err := s.client.Do(newRequest(t, http.MethodPost, query, body))
	if says == "" {
		require.NoError(t, err)
		_ = resp.Body.Close()
		assert.Len(t, s.sent, 1)
		return
	}
	require.ErrorIs(t, err, bearer.ErrNoToken)
	require.ErrorContains(t, err, says)
	assert.NotContains(t, err.Error(), "-1")
	assert.Empty(t, s.sent)
	assert.Equal(t, 1, body.times, "closed")
}
