//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

const botSecret = "client-secret-of-the-bot"

var gatewayAt = regexp.MustCompile(`gateway: listens on (https?\S+)\n`)

// withGateway is a configuration with a bot that may call the APIs of all apps.
func (w *site) withGateway(listen string, more string) string {
	w.write("bot", botSecret)
	names := make([]string, w.apps)
	for i := range w.apps {
		names[i] = credentialName(i)
	}
	return w.configuration("") + fmt.Sprintf("gateway:\n  listen: %s\n  clients:\n    - {name: bot, secret_file: bot, rate: 100000, credentials: [%s]}\n%s",
		listen, strings.Join(names, ", "), more)
}

// gateway is where the service listens for SDKs.
func (r *running) gateway() string {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return gatewayAt.MatchString(r.stderr.String()) }, 10*time.Second, 10*time.Millisecond)
	return gatewayAt.FindStringSubmatch(r.stderr.String())[1]
}

// called is what an API, or the gateway, answered.
type called struct {
	status int
	body   string
	Code   int    `json:"code"`
	Tenant string `json:"tenant_access_token"`
	Expire int    `json:"expire"`
}

// send is not ok if there was no answer.
func send(client *http.Client, method, url, token string, body io.Reader) (c called, err error) {
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return c, err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		return c, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return c, err
	}
	c.status, c.body = res.StatusCode, string(text)
	return c, json.Unmarshal(text, &c)
}

func signOn(client *http.Client, gateway string, app int, secret string) (called, error) {
	body := fmt.Sprintf(`{"app_id":%q,"app_secret":%q}`, appID(app), secret)
	return send(client, http.MethodPost, gateway+feishutest.TenantTokenPath, "", strings.NewReader(body))
}

const message = `{"receive_id":"oc_1","msg_type":"text","content":"{\"text\":\"hello\"}"}`

func sendMessage(client *http.Client, gateway, token string) (called, error) {
	return send(client, http.MethodPost, gateway+feishutest.MessagesPath, token, strings.NewReader(message))
}

// TestGateway takes a client through its life: it gets a stand-in, calls with it, keeps it over a revocation, and
// loses it with its place in the file. Nothing of what the service says at debug has a secret, a token or a stand-in.
func TestGateway(t *testing.T) {
	t.Parallel()
	w := newSite(t, 2, 2*time.Hour)
	good := w.withGateway("127.0.0.1:0", "")
	w.write("service.yaml", good)
	r := w.start("service.yaml", "--log-level", "debug")
	r.awaitReady()
	at := r.gateway()
	var said strings.Builder
	check := func(c called, err error) called {
		t.Helper()
		require.NoError(t, err)
		said.WriteString(c.body)
		return c
	}
	client := http.DefaultClient
	given := check(signOn(client, at, 0, botSecret))
	require.Equal(t, 0, given.Code, given.body)
	assert.True(t, strings.HasPrefix(given.Tenant, "ot1."))
	assert.Equal(t, 0, check(sendMessage(client, at, given.Tenant)).Code)
	require.True(t, w.issuer.App(appID(0)).Revoke())
	for range 3 {
		assert.Equal(t, 0, check(sendMessage(client, at, given.Tenant)).Code, "a revocation is not the client's business")
	}
	assert.Equal(t, 2, w.issuer.App(appID(0)).Stats().Calls)
	assert.Equal(t, 10014, check(signOn(client, at, 0, appSecret(0))).Code, "the app's own secret is nobody's here")
	assert.Equal(t, 10014, check(signOn(client, at, 0, clientSecret)).Code, "nor is that of a client of the token door")
	assert.Equal(t, 99991661, check(sendMessage(client, at, "")).Code)
	assert.Equal(t, 99991663, check(sendMessage(client, at, given.Tenant+"x")).Code)
	assert.Equal(t, 99991663, check(sendMessage(client, at, clientSecret)).Code)
	assert.Equal(t, 403, check(send(client, http.MethodPost, at+"/callback/ws/endpoint", "", strings.NewReader(fmt.Sprintf(`{"AppID":"app-0","AppSecret":%q}`, botSecret)))).Code)

	_, status := r.get(r.status+"/api/status", "")
	assert.Contains(t, status, `{"name":"bot","door":"gateway","last_seen":`)
	_, metrics := r.get(r.status+"/metrics", "")
	assert.Contains(t, metrics, `onetoken_door_requests_total{code="200",credential="app-0",door="gateway"}`)

	w.write("service.yaml", strings.Replace(good, "- {name: bot, secret_file: bot,", "- {name: bat, secret_file: billing,", 1))
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { return strings.Contains(r.loaded().Error, "secret") }, 10*time.Second, 20*time.Millisecond,
		"two names, one secret: refused")
	assert.Equal(t, 0, check(sendMessage(client, at, given.Tenant)).Code, "a file that is refused takes nothing away")
	w.write("service.yaml", good[:strings.LastIndex(good, "  clients:")]+"  clients: []\n")
	r.reload(true)
	dead := check(sendMessage(client, at, given.Tenant))
	assert.Equal(t, 400, dead.status)
	assert.Equal(t, 99991663, dead.Code)
	assert.Equal(t, 10014, check(signOn(client, at, 0, botSecret)).Code)

	said.WriteString(status + metrics)
	said.WriteString(r.stderr.String())
	all := strings.ReplaceAll(said.String(), `"tenant_access_token":"`+given.Tenant, "") // where it belongs
	assert.Contains(t, all, "level=DEBUG")
	secrets := []string{botSecret, clientSecret, appSecret(0), appSecret(1), given.Tenant}
	for _, pair := range w.issuer.Pairs() {
		secrets = append(secrets, pair.App, pair.Tenant)
	}
	assert.Greater(t, len(secrets), 10)
	for _, secret := range secrets {
		if at := strings.Index(all, secret); at >= 0 {
			t.Errorf("it tells %q: %s", secret, all[max(0, at-200):min(len(all), at+200)])
		}
	}
}
