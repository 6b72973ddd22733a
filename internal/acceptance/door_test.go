package acceptance_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

const oneApp, twoApps = "secret:of+one-app,a%b&c", "secret-of-two-apps"

// startService runs a service with two apps, and two clients at its OAuth door.
func startService(t *testing.T) (endpoint string, issuer *feishutest.Issuer) {
	t.Helper()
	issuer = feishutest.New(feishutest.Config{AppID: "cli_a", AppSecret: "secret-a", Apps: []feishutest.AppConfig{{ID: "cli_b", Secret: "secret-b"}}})
	server := httptest.NewServer(issuer)
	t.Cleanup(server.Close)
	s := newService(t)
	for name, content := range map[string]string{
		"a": "secret-a", "b": "secret-b", "one": oneApp, "two": twoApps,
		"onetoken.yaml": fmt.Sprintf(`
redis: {url: "redis://%s"}
credentials:
  - {name: crm, kind: feishu, app_id: cli_a, app_secret_file: a, base_url: "%[2]s"}
  - {name: bot, kind: feishu, app_id: cli_b, app_secret_file: b, base_url: "%[2]s"}
tokens:
  listen: 127.0.0.1:0
  clients:
    - {name: one, secret_file: one, credentials: [crm]}
    - {name: two, secret_file: two, credentials: [crm, bot]}
`, redistest.StartServer(t).Addr(), server.URL),
	} {
		s.write(name, content)
	}
	return s.start("tokens") + "/oauth2/token", issuer
}

// doorCalls are what any client of OAuth 2 has to be told.
var doorCalls = []struct {
	edge, client, secret, scope string
	app                         string // whose token comes
	code                        string // of the refusal; "" for a token
	status                      int
}{
	{edge: "the only one", client: "one", app: "cli_a"},
	{edge: "by name", client: "two", scope: "bot", app: "cli_b"},
	{edge: "the app's", client: "two", scope: "crm:app", app: "cli_a"},
	{edge: "one of two", client: "two", code: "invalid_scope", status: 400},
	{edge: "wrong secret", client: "two", secret: "guess", scope: "crm", code: "invalid_client", status: 401},
	{edge: "another's", client: "one", scope: "bot", code: "access_denied", status: 403},
}

var doorSecrets = map[string]string{"one": oneApp, "two": twoApps}

func TestXOAuth2AtTheDoor(t *testing.T) {
	endpoint, issuer := startService(t)
	for _, c := range doorCalls {
		for name, style := range map[string]oauth2.AuthStyle{"basic": oauth2.AuthStyleInHeader, "body": oauth2.AuthStyleInParams, "either": oauth2.AuthStyleAutoDetect} {
			t.Run(c.edge+", "+name, func(t *testing.T) {
				config := clientcredentials.Config{ClientID: c.client, ClientSecret: c.secret, TokenURL: endpoint, AuthStyle: style}
				if c.secret == "" {
					config.ClientSecret = doorSecrets[c.client]
				}
				if c.scope != "" {
					config.Scopes = []string{c.scope}
				}
				token, err := config.Token(t.Context())
				if c.code != "" {
					refused, ok := errors.AsType[*oauth2.RetrieveError](err)
					require.True(t, ok, "%v", err)
					assert.Equal(t, c.code, refused.ErrorCode)
					assert.Equal(t, c.status, refused.Response.StatusCode)
					return
				}
				require.NoError(t, err)
				assert.True(t, issuer.Valid(token.AccessToken))
				assert.Equal(t, c.app, ownerOf(issuer, token.AccessToken))
				assert.Equal(t, "Bearer", token.TokenType)
				assert.InDelta(t, 2*time.Hour, time.Until(token.Expiry), float64(time.Minute))
			})
		}
	}
}

// ownerOf is the app that a token was given to.
func ownerOf(issuer *feishutest.Issuer, token string) string {
	for _, pair := range issuer.Pairs() {
		if pair.App == token || pair.Tenant == token {
			return pair.AppID
		}
	}
	return ""
}

func TestOpenIDClientAtTheDoor(t *testing.T) {
	node := node(t)
	endpoint, issuer := startService(t)
	for _, c := range doorCalls {
		for _, auth := range []string{"basic", "post"} {
			t.Run(c.edge+", "+auth, func(t *testing.T) {
				call := map[string]string{"endpoint": endpoint, "client": c.client, "secret": c.secret, "auth": auth, "scope": c.scope}
				if c.secret == "" {
					call["secret"] = doorSecrets[c.client]
				}
				input, err := json.Marshal(call)
				require.NoError(t, err)
				cmd := exec.CommandContext(t.Context(), node, "door.mjs")
				cmd.Stdin = bytes.NewReader(input)
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s", out)
				var got struct {
					Token, Type, Failure, Error string
					Status                      int
					ExpiresIn                   float64
				}
				require.NoError(t, json.Unmarshal(out, &got), "%s", out)
				switch {
				case c.status == 401: // it goes by the header of the challenge, and does not look at the body
					assert.Equal(t, "WWWAuthenticateChallengeError", got.Failure, "%s", out)
					assert.Equal(t, c.status, got.Status)
					return
				case c.code != "":
					assert.Equal(t, c.code, got.Error, "%s", out)
					assert.Equal(t, c.status, got.Status)
					return
				}
				require.Empty(t, got.Failure, "%s", out)
				assert.Equal(t, c.app, ownerOf(issuer, got.Token))
				assert.Equal(t, "bearer", strings.ToLower(got.Type))
				assert.Greater(t, got.ExpiresIn, 7000.0)
			})
		}
	}
}
