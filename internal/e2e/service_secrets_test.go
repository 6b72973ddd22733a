//go:build unix

package e2e

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// TestServiceTellsNoSecret searches all that a service says at debug, but for tokens that it hands out to those
// who may have them: its log, metrics, status and page, every kind of refusal, and complaints about its file.
func TestServiceTellsNoSecret(t *testing.T) {
	t.Parallel()
	w := newSite(t, 3, 2*time.Hour)
	w.write("other", "secret-of-the-other-client")
	good := w.configuration("    - {name: other, secret_file: other, credentials: [app-0], may: [get]}\n")
	w.write("service.yaml", good)
	w.issuer.App(appID(2)).SetFault(feishutest.WrongSecret())
	r := w.start("service.yaml", "--log-level", "debug")
	r.awaitReady()
	for i := range 2 {
		r.token(credentialName(i))
	}
	var said strings.Builder
	ask := func(method, path, authorization, kind, body string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, r.tokens+path, strings.NewReader(body))
		require.NoError(t, err)
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		if kind != "" {
			req.Header.Set("Content-Type", kind)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		said.Write(text)
		require.NoError(t, res.Header.Write(&said))
		return res.StatusCode
	}
	const form, json, mine = "application/x-www-form-urlencoded", "application/json", "Bearer " + clientSecret
	token := r.token("app-0").Token
	assert.Equal(t, 401, ask("GET", "/v1/tokens/app-0", "", "", ""))
	assert.Equal(t, 401, ask("GET", "/v1/tokens/app-0", "Bearer "+appSecret(0), "", ""))
	assert.Equal(t, 401, ask("GET", "/v1/tokens/app-0?access_token="+clientSecret, "Bearer "+token, "", ""))
	assert.Equal(t, 403, ask("GET", "/v1/tokens/"+clientSecret, mine, "", ""))
	assert.Equal(t, 403, ask("GET", "/v1/tokens/app-1", "Bearer secret-of-the-other-client", "", ""))
	assert.Equal(t, 400, ask("GET", "/v1/tokens/app-0?kind="+clientSecret, mine, "", ""))
	assert.Equal(t, 502, ask("GET", "/v1/tokens/app-2", mine, "", ""))
	assert.Equal(t, 403, ask("POST", "/v1/tokens/app-0/reject", "Bearer secret-of-the-other-client", json, `{"access_token":"`+token+`"}`))
	assert.Equal(t, 400, ask("POST", "/v1/tokens/app-0/reject", mine, json, `{"access_token":`+token))
	assert.Equal(t, 200, ask("POST", "/v1/tokens/app-0/reject", mine, json, `{"access_token":"`+token+`"}`))
	assert.Equal(t, 401, ask("POST", "/oauth2/token", "", form, "grant_type=password&password="+clientSecret))
	assert.Equal(t, 401, ask("POST", "/oauth2/token", "", form, "grant_type=client_credentials&client_id=other&client_secret="+url.QueryEscape(clientSecret)))
	assert.Equal(t, 403, ask("POST", "/oauth2/token", "", form, "grant_type=client_credentials&scope="+url.QueryEscape(token)+"&client_id=billing&client_secret="+url.QueryEscape(clientSecret)))
	assert.Equal(t, 404, ask("GET", "/"+clientSecret, mine, "", ""))

	w.write("app-1", "another-secret-of-app-1") // which the issuer refuses
	require.Eventually(t, func() bool {
		_, body := r.get(r.status+"/readyz", "")
		return strings.Contains(body, "warning: app-1 as it is in the file is not in use")
	}, 20*time.Second, 50*time.Millisecond)
	w.write("service.yaml", strings.Replace(good, "app_secret_file: app-0", "app_secret: "+appSecret(0), 1)+"    - {name: x, secret: "+clientSecret+"}\n")
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { return !r.loaded().OK }, 10*time.Second, 20*time.Millisecond)
	for _, path := range []string{"/", "/readyz", "/readyz?credential=app-2", "/healthz", "/metrics", "/api/status"} {
		_, body := r.get(r.status+path, "")
		said.WriteString(body)
	}
	check := w.launch("service.yaml", "--check")
	assert.Error(t, check.cmd.Wait())
	said.WriteString(check.stderr.String())
	said.WriteString(r.stderr.String())

	all := said.String()
	assert.Contains(t, all, "level=DEBUG")
	assert.Contains(t, all, "credentials[0].app_secret")
	secrets := []string{clientSecret, "secret-of-the-other-client", "another-secret-of-app-1"}
	for i := range 3 {
		secrets = append(secrets, appSecret(i))
	}
	for _, pair := range w.issuer.Pairs() {
		secrets = append(secrets, pair.App, pair.Tenant)
	}
	assert.Greater(t, len(secrets), 9)
	for _, secret := range secrets {
		if at := strings.Index(all, secret); at >= 0 {
			t.Errorf("it tells %q: %s", secret, all[max(0, at-200):min(len(all), at+200)])
		}
	}
}
