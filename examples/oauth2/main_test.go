package main

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/examples/internal/embedded"
	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// getenv is an environment: that of the tests' user does not matter.
func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// answerTo is what the API says to a request without a body.
func answerTo(client, scope string) string {
	return `200 OK
{"audience":"","client_id":"` + client + `","scope":"` + scope + `","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0}
`
}

func TestPrintsWhatTheAPISays(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, embedded.OAuth2(getenv(map[string]string{"OAUTH2_SCOPES": "orders.read"}), func(getenv func(string) string) error {
		return run(t.Context(), getenv, &out)
	}))
	assert.Equal(t, answerTo("test-client", "orders.read"), out.String())
}

// Processes with one environment share a token by its Redis.
func TestUsesTheEnvironment(t *testing.T) {
	issuer := oauth2test.New(oauth2test.Config{Clients: []oauth2test.Client{{ID: "mine", Secret: "a-secret", Scopes: []string{"read", "write"}}}})
	server := httptest.NewServer(issuer)
	defer server.Close()
	env := map[string]string{
		"REDIS_URL":        "redis://" + miniredis.RunT(t).Addr(),
		"OAUTH2_TOKEN_URL": server.URL + "/token", "OAUTH2_CLIENT_ID": "mine", "OAUTH2_CLIENT_SECRET": "a-secret", "OAUTH2_SCOPES": "read write",
		"API_URL": server.URL + "/api?scope=write",
	}
	for range 2 {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), getenv(env), &out))
		assert.Equal(t, answerTo("mine", "read write"), out.String())
	}
	assert.Equal(t, 1, issuer.Stats().Calls)
}

func TestHealsFromARevokedTokenWithinTheCall(t *testing.T) {
	issuer := oauth2test.New(oauth2test.Config{})
	server := httptest.NewServer(issuer)
	defer server.Close()
	client, err := oauth2cc.New(oauth2cc.Config{
		TokenURL: server.URL + "/token", ClientID: issuer.ClientID(), ClientSecret: tokencache.NewSecret(issuer.ClientSecret()),
	})
	require.NoError(t, err)
	api, err := newClient(tokencachetest.New(t).Source(client), server.URL+"/api")
	require.NoError(t, err)
	for calls := range 2 {
		var out bytes.Buffer
		require.NoError(t, call(t.Context(), api, server.URL+"/api", &out))
		assert.True(t, strings.HasPrefix(out.String(), "200 OK\n"), out.String())
		assert.Equal(t, 1+calls, issuer.Stats().Calls)
		require.Equal(t, 1, issuer.RevokeAll(issuer.ClientID()))
	}
}

func TestComplaintsNameTheVariable(t *testing.T) {
	for name, value := range map[string]string{
		"REDIS_URL":            "redis://:hush%zz@127.0.0.1",
		"OAUTH2_TOKEN_URL":     "",
		"OAUTH2_CLIENT_SECRET": "hush\n",
		"API_URL":              "https://me:hush@api.example.com/orders",
	} {
		env := map[string]string{
			"OAUTH2_TOKEN_URL": "https://login.example.com/token", "OAUTH2_CLIENT_ID": "mine", "OAUTH2_CLIENT_SECRET": "hush-secret", "API_URL": "https://api.example.com/orders",
		}
		env[name] = value
		err := run(t.Context(), getenv(env), new(bytes.Buffer))
		require.Error(t, err, name)
		assert.ErrorContains(t, err, name)
		assert.NotContains(t, err.Error(), "hush")
	}
}
