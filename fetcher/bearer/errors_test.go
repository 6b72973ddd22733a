package bearer_test

import (
	"context"
	"errors"
	"io"
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

func TestNoTokenOfTheKind(t *testing.T) {
	onlyApp := tokencache.FetchFunc(tokencachetest.NewFetcher("cli_test").Credential(), func(context.Context) (tokencache.Token, error) {
		return tokencache.NewToken("a-1", "", time.Hour), nil
	})
	source := tokencachetest.New(t).Source(onlyApp)
	s := newStage(t, feishutest.Config{}, func(c *bearer.Config) { c.Source = source })
	_, err := s.client.Do(newRequest(t, http.MethodGet, query, nil)) //nolint:bodyclose // there is none
	require.ErrorIs(t, err, bearer.ErrNoToken)
	assert.NotContains(t, err.Error(), "a-1")
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
			AppID: issuer.AppID(), AppSecret: issuer.AppSecret(), Transport: issuer.RoundTripper(),
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

// closes counts how often a body was closed.
type closes struct {
	io.Reader
	times int
}

func (c *closes) Close() error {
	c.times++
	return nil
}
