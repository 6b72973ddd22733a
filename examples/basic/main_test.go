package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/examples/internal/embedded"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// getenv is the service's environment: that of the tests' user does not matter.
func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestService(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	web := httptest.NewServer(issuer)
	defer web.Close()
	service, err := newService(getenv(map[string]string{
		"REDIS_URL":     "redis://" + miniredis.RunT(t).Addr(),
		"FEISHU_APP_ID": issuer.AppID(), "FEISHU_APP_SECRET": issuer.AppSecret(), "FEISHU_BASE_URL": web.URL + "/",
	}))
	require.NoError(t, err)
	defer service.close()
	get := func() *httptest.ResponseRecorder {
		res := httptest.NewRecorder()
		service.ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/", nil))
		return res
	}

	for range 3 {
		res := get()
		assert.Equal(t, http.StatusOK, res.Code)
		assert.NotEmpty(t, strings.TrimSpace(res.Body.String()))
	}
	assert.Equal(t, 1, issuer.Stats().Calls)

	require.True(t, issuer.Revoke(issuer.Pairs()[0].Tenant))
	assert.Equal(t, http.StatusOK, get().Code, "the one that finds out asks again")
	assert.Equal(t, http.StatusOK, get().Code, "and the next")
	assert.Equal(t, 2, issuer.Stats().Calls)

	service.baseURL += "/nowhere"
	assert.Equal(t, http.StatusBadGateway, get().Code, "no answer of Feishu's")
}

// With nothing in the environment it has a Redis and an issuer all the same.
func TestServiceOnTheEmbeddedDefault(t *testing.T) {
	require.NoError(t, embedded.Feishu(getenv(nil), func(getenv func(string) string) error {
		service, err := newService(getenv)
		require.NoError(t, err)
		defer service.close()
		res := httptest.NewRecorder()
		service.ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/", nil))
		assert.Equal(t, "A tenant of cli_test\n", res.Body.String())
		return nil
	}))
}

func TestPasswordIsNotQuoted(t *testing.T) {
	for url, says := range map[string]string{
		"redis://:hush%zz@127.0.0.1":           "has a user or password with characters",
		"redis://:hush#hush@elsewhere/1":       "has a fragment",
		"redis://127.0.0.1:6379/1?db=1#hush":   "has a fragment",
		"redis://127.0.0.1?db=1;password=hush": "has a ; in its query",
		"unix://run/redis.sock":                "has a host: a socket is unix:///",
		"redis://127.0.0.1/hush":               "has a path that is no database number",
		"redis://:hush@127.0.0.1\n":            "its last character is a newline",
	} {
		_, err := newService(getenv(map[string]string{"REDIS_URL": url, "FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET": "secret"}))
		require.Error(t, err, url)
		assert.ErrorContains(t, err, "REDIS_URL")
		assert.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "hush")
	}
}

func TestVariablesAreNamed(t *testing.T) {
	_, err := newService(getenv(nil))
	assert.ErrorContains(t, err, "FEISHU_APP_ID")
}

func TestEndsWhenAsked(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	err := run(ctx, getenv(map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET": "secret"}), "127.0.0.1:0")
	assert.NoError(t, err)
}
