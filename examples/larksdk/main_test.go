package main

import (
	"bytes"
	"net/http/httptest"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/examples/internal/embedded"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// getenv is an environment: that of the tests' user does not matter.
func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestPrintsTheTenant(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, embedded.Feishu(getenv(nil), func(getenv func(string) string) error {
		return run(t.Context(), getenv, &out)
	}))
	assert.Equal(t, "A tenant of cli_test\n", out.String())
}

// Processes with one environment share a token by its Redis.
func TestUsesTheEnvironment(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{AppID: "cli_mine", AppSecret: "a-secret"})
	server := httptest.NewServer(issuer)
	defer server.Close()
	env := map[string]string{
		"REDIS_URL":     "redis://" + miniredis.RunT(t).Addr(),
		"FEISHU_APP_ID": "cli_mine", "FEISHU_APP_SECRET": "a-secret", "FEISHU_BASE_URL": server.URL + "/",
	}
	for range 2 {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), getenv(env), &out))
		assert.Equal(t, "A tenant of cli_mine\n", out.String())
	}
	assert.Equal(t, 1, issuer.Stats().Calls)
}

func TestHealsFromARevokedTokenWithinTheCall(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	server := httptest.NewServer(issuer)
	defer server.Close()
	client, err := newClient(tokencachetest.New(t), issuer.AppID(), issuer.AppSecret(), server.URL)
	require.NoError(t, err)
	for calls := range 2 {
		var out bytes.Buffer
		require.NoError(t, printTenant(t.Context(), client, &out))
		assert.Equal(t, "A tenant of cli_test\n", out.String())
		assert.Equal(t, 1+calls, issuer.Stats().Calls)
		require.True(t, issuer.App(issuer.AppID()).Revoke())
	}
}

func TestComplaintsNameTheVariable(t *testing.T) {
	for name, value := range map[string]string{
		"REDIS_URL":         "redis://:hush%zz@127.0.0.1",
		"FEISHU_APP_ID":     "",
		"FEISHU_APP_SECRET": "hush hush",
		"FEISHU_BASE_URL":   "https://me:hush@open.feishu.cn",
	} {
		env := map[string]string{"FEISHU_APP_ID": "cli_mine", "FEISHU_APP_SECRET": "hush-secret"}
		env[name] = value
		err := run(t.Context(), getenv(env), new(bytes.Buffer))
		require.Error(t, err, name)
		assert.ErrorContains(t, err, name)
		assert.NotContains(t, err.Error(), "hush")
	}
}
