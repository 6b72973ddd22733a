package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/examples/internal/embedded"
	"github.com/onetoken-go/onetoken/examples/internal/refresher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// anywhere has the service listen where there is room.
var anywhere = []string{"127.0.0.1:8082", "127.0.0.1:0"}

// getenv is an environment: that of the tests' user does not matter.
func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// These have no Node: internal/acceptance has, and the SDK, and runs bot.mjs by it.

func TestOnTheEmbeddedDefault(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out bytes.Buffer
	require.NoError(t, embedded.Feishu(getenv(nil), func(getenv func(string) string) error {
		return run(t.Context(), getenv, &out, func(_ context.Context, at refresher.Place) error {
			assert.Equal(t, "A tenant of cli_test", tenantBy(t, at, "cli_test"))
			return nil
		}, anywhere...)
	}))
	assert.Regexp(t, `^\$ BASE_URL=http://\S+ APP_ID=cli_test APP_SECRET_FILE=\S+ node bot.mjs\n\(not run: there is no node here\)\n$`, out.String())
}

// The gateway calls the API that the environment names. The bot never sees a token, and notices no revocation.
func TestUsesTheEnvironment(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	issuer := feishutest.New(feishutest.Config{AppID: "cli_mine", AppSecret: "the-apps-own-secret"})
	server := httptest.NewServer(issuer)
	defer server.Close()
	env := map[string]string{
		"REDIS_URL":     "redis://" + miniredis.RunT(t).Addr(),
		"FEISHU_APP_ID": "cli_mine", "FEISHU_APP_SECRET": "the-apps-own-secret", "FEISHU_BASE_URL": server.URL,
	}
	require.NoError(t, run(t.Context(), getenv(env), io.Discard, func(_ context.Context, at refresher.Place) error {
		assert.Equal(t, "A tenant of cli_mine", tenantBy(t, at, "cli_mine"))
		require.True(t, issuer.App("cli_mine").Revoke())
		assert.Equal(t, "A tenant of cli_mine", tenantBy(t, at, "cli_mine"))
		assert.Equal(t, 2, issuer.Stats().Calls)
		return nil
	}, anywhere...))
}

func TestComplaintsNameTheKey(t *testing.T) {
	err := run(t.Context(), getenv(map[string]string{"FEISHU_APP_ID": "cli_mine"}), io.Discard, nil, anywhere...)
	assert.ErrorContains(t, err, "app_secret_file")
}

// tenantBy does what an SDK does: it gets a token for its secret, and calls an API by it.
func tenantBy(t *testing.T, at refresher.Place, appID string) string {
	t.Helper()
	secret, err := os.ReadFile(filepath.Join(at.Folder, "secrets", "bot"))
	require.NoError(t, err)
	var signedOn struct {
		Token string `json:"tenant_access_token"`
	}
	body := fmt.Sprintf(`{"app_id":%q,"app_secret":%q}`, appID, secret)
	ask(t, http.MethodPost, at.URL["gateway"]+feishutest.TenantTokenPath, "", body, &signedOn)
	assert.True(t, strings.HasPrefix(signedOn.Token, "ot1."), "a stand-in, and no token")
	var answer struct {
		Data struct{ Tenant struct{ Name string } }
	}
	ask(t, http.MethodGet, at.URL["gateway"]+feishutest.QueryPath, signedOn.Token, "", &answer)
	return answer.Data.Tenant.Name
}

func ask(t *testing.T, method, url, token, body string, answer any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.NoError(t, json.NewDecoder(res.Body).Decode(answer))
}
