package acceptance_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

// requireEnv set to 1 makes a failure of what is missing, as everywhere in this repository.
const requireEnv = "ONETOKEN_REQUIRE_REDIS"

// call is what call.mjs reads.
type call struct {
	Server     string      `json:"server"`
	Algorithm  string      `json:"algorithm"`
	Client     string      `json:"client"`
	Secret     string      `json:"secret"`
	Auth       string      `json:"auth"`
	Parameters [][2]string `json:"parameters"`
	API        string      `json:"api,omitempty"`
	Token      string      `json:"token,omitempty"`
}

// outcome is what it prints.
type outcome struct {
	Endpoint  string            `json:"endpoint"`
	Token     string            `json:"token"`
	Type      string            `json:"type"`
	Scope     string            `json:"scope"`
	ExpiresIn *float64          `json:"expiresIn"`
	API       map[string]any    `json:"api"`
	Failure   string            `json:"failure"`
	Status    int               `json:"status"`
	Error     string            `json:"error"`
	Challenge map[string]string `json:"challenge"`
	Message   string            `json:"message"`
}

func node(t *testing.T) string {
	t.Helper()
	return nodeWith(t, "node_modules/openid-client")
}

// nodeWith is a Node that is new enough, where that module is installed.
func nodeWith(t *testing.T, module string) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node is not installed: it comes with Debian's nodejs")
	}
	version, err := exec.Command(path, "--version").Output()
	require.NoError(t, err)
	major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 20 {
		missing(t, "node is older than 20, which its clients want")
	}
	if _, err := os.Stat(module); err != nil {
		missing(t, module+` is not installed: "npm ci" in internal/acceptance, and in gateway there, does that`)
	}
	return path
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv(requireEnv) == "1" {
		t.Fatal(what + "; " + requireEnv + "=1 wants it")
	}
	t.Skip(what)
}

func (c call) run(t *testing.T, node string) (o outcome) {
	t.Helper()
	input, err := json.Marshal(c)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), node, "call.mjs")
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	require.NoError(t, json.Unmarshal(out, &o), "%s", out)
	return o
}

func TestOpenIDClient(t *testing.T) {
	node := node(t)
	const odd = "p+s w%2F:ü*'"
	issuer := oauth2test.New(oauth2test.Config{Clients: []oauth2test.Client{
		{ID: "any"},
		{ID: "strict", Scopes: []string{"read", "write"}, Audiences: []string{"https://api.test"}, Resources: []string{"https://a.test", "https://b.test"}},
		{ID: "odd:id +", Secret: odd},
		{ID: "barred", Unauthorized: true},
	}})
	server := httptest.NewServer(issuer)
	defer server.Close()
	base := call{Server: server.URL, Algorithm: "oauth2", Client: "any", Secret: "test-secret", Auth: "basic"}
	with := func(change func(*call)) call {
		c := base
		change(&c)
		return c
	}

	t.Run("grants", func(t *testing.T) {
		for _, c := range []struct {
			edge  string
			call  call
			scope string
		}{
			{"basic, found by RFC 8414", base, ""},
			{"basic, found as OpenID Connect is", with(func(c *call) { c.Algorithm = "oidc" }), ""},
			{"body", with(func(c *call) { c.Auth = "post" }), ""},
			{"odd id and secret, basic", with(func(c *call) { c.Client, c.Secret = "odd:id +", odd }), ""},
			{"odd id and secret, body", with(func(c *call) { c.Client, c.Secret, c.Auth = "odd:id +", odd, "post" }), ""},
			{"a scope", with(func(c *call) { c.Parameters = [][2]string{{"scope", "b a"}} }), "b a"},
			{"the scopes of the client", with(func(c *call) { c.Client = "strict" }), "read write"},
			{"audience and resources", with(func(c *call) {
				c.Client = "strict"
				c.Parameters = [][2]string{{"audience", "https://api.test"}, {"resource", "https://a.test"}, {"resource", "https://b.test"}}
			}), "read write"},
		} {
			t.Run(c.edge, func(t *testing.T) {
				o := c.call.run(t, node)
				require.Empty(t, o.Failure, o.Message)
				assert.Equal(t, server.URL+oauth2test.TokenPath, o.Endpoint)
				assert.True(t, issuer.Valid(o.Token))
				assert.Equal(t, "bearer", o.Type)
				assert.Equal(t, c.scope, o.Scope)
				require.NotNil(t, o.ExpiresIn)
				assert.InDelta(t, 3600, *o.ExpiresIn, 5)
				calls := issuer.Calls()
				assert.Equal(t, c.call.Client, calls[len(calls)-1].ClientID)
			})
		}
	})

	t.Run("refusals", func(t *testing.T) {
		for _, c := range []struct {
			edge      string
			call      call
			status    int
			error     string            // in the body
			challenge map[string]string // or in the header
		}{
			{"another secret, basic", with(func(c *call) { c.Secret = "guess" }), 401, "", map[string]string{"scheme": "basic", "realm": "oauth2test", "charset": "UTF-8"}},
			{"another secret, body", with(func(c *call) { c.Secret, c.Auth = "guess", "post" }), 401, "invalid_client", nil},
			{"another scope", with(func(c *call) { c.Client, c.Parameters = "strict", [][2]string{{"scope", "admin"}} }), 400, "invalid_scope", nil},
			{"another resource", with(func(c *call) { c.Client, c.Parameters = "strict", [][2]string{{"resource", "https://c.test"}} }), 400, "invalid_target", nil},
			{"not this grant", with(func(c *call) { c.Client = "barred" }), 400, "unauthorized_client", nil},
		} {
			t.Run(c.edge, func(t *testing.T) {
				o := c.call.run(t, node)
				assert.Equal(t, c.status, o.Status, o.Message)
				assert.Equal(t, c.error, o.Error)
				assert.Equal(t, c.challenge, o.Challenge)
				assert.Empty(t, o.Token)
			})
		}
	})

	t.Run("lives that are not said as usual", func(t *testing.T) {
		issuer.FailNext(1, oauth2test.NoExpiresIn())
		o := base.run(t, node)
		require.Empty(t, o.Failure, o.Message)
		assert.Nil(t, o.ExpiresIn)
		issuer.FailNext(1, oauth2test.ExpiresIn(`"3600"`))
		o = base.run(t, node)
		require.Empty(t, o.Failure, o.Message)
		require.NotNil(t, o.ExpiresIn)
		assert.InDelta(t, 3600, *o.ExpiresIn, 5)
	})

	t.Run("the protected API", func(t *testing.T) {
		good, dead := issuer.Mint("any", "read"), issuer.Mint("any")
		issuer.Revoke(dead.Value)
		api := server.URL + oauth2test.APIPath
		for _, c := range []struct {
			edge      string
			call      call
			status    int
			challenge map[string]string
		}{
			{"with the token that it got", with(func(c *call) { c.API = api }), 200, nil},
			{"with the scope that it wants", with(func(c *call) { c.API, c.Token = api+"?scope=read", good.Value }), 200, nil},
			{"with a revoked token", with(func(c *call) { c.API, c.Token = api, dead.Value }), 401, map[string]string{"scheme": "bearer", "realm": "oauth2test", "error": "invalid_token"}},
			{"without the scope", with(func(c *call) { c.API, c.Token = api+"?scope=write", good.Value }), 403, map[string]string{"scheme": "bearer", "realm": "oauth2test", "error": "insufficient_scope", "scope": "write"}},
		} {
			t.Run(c.edge, func(t *testing.T) {
				o := c.call.run(t, node)
				assert.Equal(t, c.status, o.Status, o.Message)
				assert.Equal(t, c.challenge, o.Challenge)
				if c.status == 200 {
					assert.Equal(t, "any", o.API["client_id"])
					assert.EqualValues(t, len("hello"), o.API["size"])
				}
			})
		}
	})
}
