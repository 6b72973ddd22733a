package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
		"FEISHU_APP_ID": issuer.AppID(), "FEISHU_APP_SECRET": issuer.AppSecret(), "FEISHU_BASE_URL": web.URL,
	}))
	require.NoError(t, err)
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
	assert.Equal(t, http.StatusBadGateway, get().Code, "the one that finds out")
	assert.Equal(t, http.StatusOK, get().Code, "and the next")
	assert.Equal(t, 2, issuer.Stats().Calls)
}

func TestPasswordIsNotQuoted(t *testing.T) {
	_, err := newService(getenv(map[string]string{"REDIS_URL": "redis://:hush%zz@127.0.0.1"}))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hush")
}
