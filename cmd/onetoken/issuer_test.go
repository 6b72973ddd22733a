package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

var listensOn = regexp.MustCompile(`listens on (http://\S+)\n`)

// startIssuer runs the command and returns its URL, and what stops it.
func startIssuer(t *testing.T, w world, args ...string) (at string, stop func() result) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr output
	done := make(chan int, 1)
	go func() {
		args := append([]string{"issuer", "--listen", "127.0.0.1:0"}, args...)
		done <- run(ctx, args, func(name string) string { return w.env[name] }, strings.NewReader(""), &stdout, &stderr)
	}()
	eventually(t, func() bool { return listensOn.MatchString(stderr.String()) })
	return listensOn.FindStringSubmatch(stderr.String())[1], func() result {
		cancel()
		return result{<-done, stdout.String(), stderr.String()}
	}
}

func TestIssuerAsAProcess(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	at, stop := startIssuer(t, town.world, "--log-level", "info")
	w := town.with("FEISHU_BASE_URL", at)

	got := w.run(t, "token")
	require.Equal(t, exitOK, got.code, got.stderr)
	assert.Equal(t, exitRefused, w.with("FEISHU_APP_SECRET", "wrong").run(t, "token").code)

	res, err := http.Get(at + "/_stats")
	require.NoError(t, err)
	stats, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.JSONEq(t, `{"calls":1,"rotations":1,"refused":1}`, string(stats))

	end := stop()
	assert.Equal(t, exitOK, end.code)
	assert.Empty(t, end.stdout)
	assert.Contains(t, end.stderr, "path=/open-apis/auth/v3/app_access_token/internal")
	assert.NotContains(t, end.stderr, testSecret)
	assert.NotContains(t, end.stderr, strings.TrimSpace(got.stdout))
}

func TestIssuerBeginsInTheMiddleOfALife(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	at, stop := startIssuer(t, town.world, "--remaining", "4567s")
	require.Equal(t, exitOK, town.with("FEISHU_BASE_URL", at).run(t, "token").code)
	for _, key := range town.redis.Keys() {
		if strings.HasSuffix(key, ":token") {
			assert.InDelta(t, 4566, town.redis.TTL(key).Seconds(), 1.5)
		}
	}
	assert.Equal(t, exitOK, stop().code)
}

func TestIssuerNeedsACredential(t *testing.T) {
	t.Parallel()
	got := world{}.run(t, "issuer", "--life", "0s")
	assert.Equal(t, exitUsage, got.code)
	for _, name := range []string{"--life", "FEISHU_APP_ID", "FEISHU_APP_SECRET"} {
		assert.Contains(t, got.stderr, "onetoken: "+name)
	}
	for _, sample := range []string{"FEISHU_APP_ID=cli_try", "FEISHU_APP_SECRET=try-secret"} {
		assert.Contains(t, got.stderr, "any will do, e.g. "+sample)
	}
}

func TestIssuerNamesNoSecret(t *testing.T) {
	t.Parallel()
	w := world{}.with("FEISHU_APP_ID", "looks-like-a-secret", "FEISHU_APP_SECRET", "another")
	_, stop := startIssuer(t, w)
	assert.Regexp(t, `^onetoken: issuer listens on http://\S+\n$`, stop().stderr)

	swapped := w.with("FEISHU_APP_SECRET", "cli_test").run(t, "issuer")
	assert.Equal(t, exitUsage, swapped.code)
	assert.Contains(t, swapped.stderr, "look swapped")
	assert.NotContains(t, swapped.stderr, "looks-like-a-secret")
}

func TestIssuerAddressTaken(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	got := town.run(t, "issuer", "--listen", town.redis.Addr())
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stderr, "--listen")
}

// tryOAuth2 is a world with a client in it.
func tryOAuth2() world {
	return world{}.with("OAUTH2_CLIENT_ID", "try", "OAUTH2_CLIENT_SECRET", testSecret)
}

// postForm returns status and body.
func postForm(t *testing.T, at, id, secret string, form url.Values) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestOAuth2IssuerAsAProcess(t *testing.T) {
	t.Parallel()
	at, stop := startIssuer(t, tryOAuth2(), "--kind", "oauth2", "--life", "20s", "--scopes", "read write", "--no-expires-in", "--log-level", "info")
	status, body := postForm(t, at+"/token", "try", testSecret, url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}})
	require.Equal(t, http.StatusOK, status, body)
	assert.Contains(t, body, `"scope":"read"`)
	assert.NotContains(t, body, "expires_in")
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))

	status, body = postForm(t, at+"/token", "try", testSecret, url.Values{"grant_type": {"client_credentials"}, "scope": {"admin"}})
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, body, "invalid_scope")
	status, _ = postForm(t, at+"/token", "try", "guess", url.Values{"grant_type": {"client_credentials"}})
	assert.Equal(t, http.StatusUnauthorized, status)

	_, body = postForm(t, at+"/_revoke", "", "", nil)
	assert.JSONEq(t, `{"revoked":1}`, body)

	end := stop()
	assert.Equal(t, exitOK, end.code)
	assert.Contains(t, end.stderr, "path=/token")
	assert.Regexp(t, `log_id=\d{14}`, end.stderr)
	for _, secret := range []string{testSecret, url.QueryEscape(testSecret), answer.AccessToken} {
		assert.NotContains(t, end.stderr, secret)
	}
}

func TestOAuth2IssuerNeedsACredential(t *testing.T) {
	t.Parallel()
	got := world{}.run(t, "issuer", "--kind", "oauth2", "--life", "0s", "--scopes", `a"b`)
	assert.Equal(t, exitUsage, got.code)
	for _, name := range []string{"--life", "--scopes", "OAUTH2_CLIENT_ID", "OAUTH2_CLIENT_SECRET"} {
		assert.Contains(t, got.stderr, "onetoken: "+name)
	}
	assert.NotContains(t, got.stderr, "FEISHU")

	both := tryOAuth2().with("OAUTH2_CLIENT_SECRET_FILE", "/dev/null").run(t, "issuer", "--kind", "oauth2")
	assert.Equal(t, exitUsage, both.code)
	assert.Contains(t, both.stderr, "OAUTH2_CLIENT_SECRET and OAUTH2_CLIENT_SECRET_FILE are both set")
	assert.Equal(t, 1, strings.Count(both.stderr, "\n"), both.stderr)
}

// A flag of the other kind would do nothing, and nobody would notice.
func TestIssuerFlagsOfTheOtherKind(t *testing.T) {
	t.Parallel()
	w := tryOAuth2().with("FEISHU_APP_ID", "cli_test", "FEISHU_APP_SECRET", testSecret)
	for _, c := range []struct {
		kind, of string
		flags    []string
	}{
		{"oauth2", "feishu", []string{"--window=5m", "--remaining=1h", "--mint-every-call", "--apps=2"}},
		{"feishu", "oauth2", []string{"--scopes=a", "--audiences=a", "--auth=any", "--no-expires-in"}},
	} {
		got := w.run(t, append([]string{"issuer", "--kind", c.kind}, c.flags...)...)
		assert.Equal(t, exitUsage, got.code)
		for _, flag := range c.flags {
			name, _, _ := strings.Cut(flag, "=")
			assert.Contains(t, got.stderr, "onetoken: "+name+" is for --kind "+c.of+": leave it out")
		}
		assert.Equal(t, len(c.flags), strings.Count(got.stderr, "\n"), got.stderr)
	}
}

func TestIssuerOfSeveralApps(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	at, stop := startIssuer(t, town.world, "--apps", "2", "--remaining", "4567s")
	second := town.with("FEISHU_BASE_URL", at, "FEISHU_APP_ID", "cli_test_2")
	first := town.with("FEISHU_BASE_URL", at).run(t, "token")
	other := second.run(t, "token")
	require.Equal(t, exitOK, other.code, other.stderr)
	assert.NotEqual(t, first.stdout, other.stdout)
	assert.Equal(t, exitRefused, second.with("FEISHU_APP_ID", "cli_test_3").run(t, "token").code)

	_, body := postForm(t, at+"/_revoke?app_id=cli_test_2", "", "", nil)
	assert.JSONEq(t, `{"revoked":1}`, body)
	assert.Equal(t, exitOK, stop().code)
}

// -h lists every endpoint and every flag, of both kinds.
func TestIssuerHelpIsWhole(t *testing.T) {
	t.Parallel()
	help := world{}.run(t, "issuer", "-h").stdout
	for _, part := range []string{
		feishutest.TokenPath, feishutest.TenantTokenPath, feishutest.QueryPath, feishutest.MessagesPath, feishutest.FilesPath,
		feishutest.LoginPath, feishutest.StatsPath, feishutest.RevokePath,
		oauth2test.TokenPath, oauth2test.APIPath, oauth2test.MetadataPath, oauth2test.OpenIDPath, oauth2test.KeysPath,
		"--kind", "--listen", "--life", "--latency", "--window", "--remaining", "--mint-every-call", "--apps",
		"--scopes", "--audiences", "--auth", "--no-expires-in",
	} {
		assert.Contains(t, help, part)
	}
}

// The kind of the environment is that of the issuer, unless a flag says otherwise, and each kind has
// bounds of its own.
func TestIssuerKindOfTheEnvironment(t *testing.T) {
	t.Parallel()
	const noID, feishuLife = "OAUTH2_CLIENT_ID is not set", "--life has to be 2h or less: no client of Feishu believes a longer one"
	w := world{env: map[string]string{"ONETOKEN_KIND": "oauth2"}}
	for name, c := range map[string]struct {
		world    world
		args     []string
		says     string
		saysElse bool // that the life is too long
	}{
		"by the environment":  {w, []string{"--life", "720h", "--scopes", "a"}, noID, false},
		"by the flag":         {world{}, []string{"--kind", "oauth2", "--life", "25h"}, noID, false},
		"longer than any":     {w, []string{"--life", "721h"}, "--life has to be 720h or less", true},
		"the flag goes first": {w, []string{"--kind", "feishu", "--life", "3h"}, feishuLife, true},
		"feishu":              {world{}, []string{"--life", "3h"}, feishuLife, true},
	} {
		got := c.world.run(t, append([]string{"issuer"}, c.args...)...)
		assert.Equal(t, exitUsage, got.code, name)
		assert.Contains(t, got.stderr, c.says, name)
		assert.Equal(t, c.saysElse, strings.Contains(got.stderr, "--life"), got.stderr)
		assert.NotContains(t, got.stderr, "is for --kind", name)
	}
}
