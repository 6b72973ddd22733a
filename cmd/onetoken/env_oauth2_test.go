package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

// login is an OAuth 2 server with one client, which it may refuse.
type login struct {
	mu     sync.Mutex // guards below
	secret string
	forms  []url.Values
	basic  []bool
	heads  int
}

const clientSecret = "p%ss w+rd:42"

func (l *login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Method != http.MethodPost {
		l.heads++
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	_ = r.ParseForm()
	id, secret, basic := r.BasicAuth()
	if basic {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if id != "client-1" || secret != l.secret {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"no such client, or a wrong password"}`)
		return
	}
	l.forms, l.basic = append(l.forms, r.PostForm), append(l.basic, basic)
	_, _ = io.WriteString(w, `{"access_token":"token-1","token_type":"bearer","expires_in":3600}`)
}

// calls are the forms that brought a token, and how many other requests there were.
func (l *login) calls() (forms []url.Values, heads int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.forms, l.heads
}

// newOAuth2Town is a world with a Redis and a login server in it.
func newOAuth2Town(t *testing.T) (world, *login) {
	t.Helper()
	l := &login{secret: clientSecret}
	web := httptest.NewServer(l)
	t.Cleanup(web.Close)
	return world{env: map[string]string{
		"REDIS_URL": "redis://" + miniredis.RunT(t).Addr(), "ONETOKEN_KIND": "oauth2",
		"OAUTH2_TOKEN_URL": web.URL + "/token", "OAUTH2_CLIENT_ID": "client-1", "OAUTH2_CLIENT_SECRET": clientSecret,
	}}, l
}

// Whatever the command, it is about the client of the environment, and tells no secret.
func TestOAuth2Commands(t *testing.T) {
	t.Parallel()
	w, l := newOAuth2Town(t)
	got := w.run(t, "status")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stderr, "no usable token of client-1 at "+w.env["OAUTH2_TOKEN_URL"]+": none is stored")

	assert.Equal(t, result{exitOK, "token-1\n", ""}, w.run(t, "token"))
	assert.Equal(t, result{exitOK, "token-1\n", ""}, w.run(t, "token"))
	forms, _ := l.calls()
	assert.Equal(t, []url.Values{{"grant_type": {"client_credentials"}}}, forms)
	assert.Contains(t, w.run(t, "status").stdout, "client-1")
	assert.Equal(t, exitOK, w.run(t, "status").code)

	var o map[string]any
	require.NoError(t, json.Unmarshal([]byte(w.run(t, "token", "--json").stdout), &o))
	assert.Equal(t, []any{"client-1", "token-1", "token-1", nil}, []any{o["app_id"], o["token"], o["app_access_token"], o["tenant_access_token"]})
	assert.Equal(t, result{exitOK, "token-1\n", ""}, w.run(t, "token", "--kind", "access"))
	require.NoError(t, json.Unmarshal([]byte(w.run(t, "token", "--json", "--kind", "access").stdout), &o))
	assert.Equal(t, []any{"access", "token-1"}, []any{o["kind"], o["token"]})
	got = w.run(t, "token", "--kind", "tenant")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stderr, "the issuer gave no tenant token")

	examined := examine(t, w)
	assert.Equal(t, exitOK, examined.code, examined.stdout)
	assert.Contains(t, examined.of(t, "configuration").Found, "client client-1, issuer "+w.env["OAUTH2_TOKEN_URL"]+", redis")
	assert.Equal(t, checkOK, examined.of(t, "issuer").Status)
	_, heads := l.calls()
	assert.Equal(t, 1, heads)

	assert.Contains(t, w.run(t, "invalidate").stdout, "dropped: ")
	got = w.run(t, "invalidate")
	assert.Contains(t, got.stdout, "client-1 at "+w.env["OAUTH2_TOKEN_URL"])
	assert.Equal(t, exitOK, w.run(t, "refresh").code)
	for _, args := range [][]string{{"token"}, {"status"}, {"status", "--json"}, {"doctor"}, {"refresh"}, {"-h"}} {
		got := w.run(t, args...)
		for _, form := range []string{clientSecret, url.QueryEscape(clientSecret)} {
			assert.NotContains(t, got.stdout+got.stderr, form, args)
		}
	}
}

func TestOAuth2WhatIsAskedFor(t *testing.T) {
	t.Parallel()
	w, l := newOAuth2Town(t)
	w = w.with("OAUTH2_AUTH", "body", "OAUTH2_SCOPES", " b a  b ", "OAUTH2_AUDIENCE", "https://api.example/",
		"OAUTH2_RESOURCE", "urn:b urn:a", "OAUTH2_PARAMS", "x=1%262&y=", "OAUTH2_LIFE", "20m", "OAUTH2_MAX_LIFE", "1h")
	assert.Equal(t, exitUsage, w.with("OAUTH2_LIFE", "2h").run(t, "status").code, "above the longest")
	assert.Equal(t, exitFailed, w.with("OAUTH2_LIFE", "0", "OAUTH2_MAX_LIFE", "0s").run(t, "status").code, "0 is the default")
	assert.Equal(t, result{exitOK, "token-1\n", ""}, w.run(t, "token"))
	forms, _ := l.calls()
	assert.Equal(t, []url.Values{{
		"grant_type": {"client_credentials"}, "client_id": {"client-1"}, "client_secret": {clientSecret}, "scope": {"a b"},
		"audience": {"https://api.example/"}, "resource": {"urn:a", "urn:b"}, "x": {"1&2"}, "y": {""},
	}}, forms)
	assert.Equal(t, []bool{false}, l.basic)

	// Another scope is another record, so that the server is asked.
	require.Equal(t, exitOK, w.with("OAUTH2_SCOPES", "a").run(t, "token").code)
	forms, _ = l.calls()
	assert.Len(t, forms, 2)
	got := w.with("OAUTH2_SCOPES", "c").run(t, "status")
	assert.Equal(t, exitFailed, got.code)
}

// Whoever is asked for otherwise than the fleet is another credential, and hears which variables that
// may come of: the secret is one among them.
func TestOAuth2StatusOfAnotherRequest(t *testing.T) {
	t.Parallel()
	w, _ := newOAuth2Town(t)
	require.Equal(t, exitOK, w.with("OAUTH2_SCOPES", "a").run(t, "token").code)
	const check = "check OAUTH2_SCOPES, OAUTH2_AUDIENCE, OAUTH2_RESOURCE, OAUTH2_PARAMS, OAUTH2_AUTH and OAUTH2_CLIENT_SECRET"
	for name, other := range map[string]world{
		"scope": w.with("OAUTH2_SCOPES", "b"), "audience": w.with("OAUTH2_AUDIENCE", "b"), "secret": w.with("OAUTH2_CLIENT_SECRET", "another"),
	} {
		got := other.run(t, "status")
		assert.Equal(t, exitFailed, got.code, name)
		assert.Contains(t, got.stderr, "no usable token of client-1 at "+w.env["OAUTH2_TOKEN_URL"], name)
		assert.Contains(t, got.stderr, "nothing is stored for it, but of the same client asked for otherwise or with another secret (", name)
		assert.Contains(t, got.stderr, ", fresh): "+check+"; whoever", name)
		assert.NotContains(t, got.stderr, "app", name)
	}
	elsewhere := w.with("OAUTH2_TOKEN_URL", "https://login.example.com/token").run(t, "status").stderr
	assert.Contains(t, elsewhere, "but of the same client at "+w.env["OAUTH2_TOKEN_URL"]+" (")
	assert.Contains(t, elsewhere, ", fresh): check OAUTH2_TOKEN_URL; whoever")
}

func TestOAuth2StatusWithTheIDAlone(t *testing.T) {
	t.Parallel()
	w, _ := newOAuth2Town(t)
	alone := w.with("OAUTH2_CLIENT_SECRET", "")
	assert.Contains(t, alone.run(t, "status").stderr, "no usable token of client-1: there is nothing of it under the prefix onetoken in redis (OAUTH2_CLIENT_ID, ")
	require.Equal(t, exitOK, w.run(t, "token").code)
	assert.Equal(t, exitOK, alone.run(t, "status").code)
}

// Of a record of an older version it is not known where its issuer is.
func TestWhereaboutsUnknown(t *testing.T) {
	t.Parallel()
	for v, want := range map[*variables]string{
		&feishuVariables: "of the same app with another secret or base URL (, ): check FEISHU_APP_SECRET and FEISHU_BASE_URL, which is not set",
		&oauth2Variables: "of the same client asked for otherwise or with another secret or token URL (, ): check OAUTH2_SCOPES, OAUTH2_AUDIENCE, OAUTH2_RESOURCE, OAUTH2_PARAMS, OAUTH2_AUTH, OAUTH2_CLIENT_SECRET and OAUTH2_TOKEN_URL, which is not set",
	} {
		j := judge{variables: *v}
		assert.Contains(t, j.otherwise(tokencache.Status{IssuerURL: "https://here.example"}, []tokencache.Status{{}}), want)
	}
}

// On a busy machine Redis may be too slow for its time-out, and the error says in its middle that the
// issuer was asked directly: what is asked for here is around that.
func TestOAuth2Refused(t *testing.T) {
	t.Parallel()
	w, _ := newOAuth2Town(t)
	got := w.with("OAUTH2_CLIENT_SECRET", "another secret").run(t, "token")
	assert.Equal(t, exitRefused, got.code)
	assert.Empty(t, got.stdout)
	assert.True(t, strings.HasPrefix(got.stderr, "onetoken: oauth2 answered: invalid_client: no such client, or a wrong password (HTTP 401): check OAUTH2_CLIENT_ID and "+
		"OAUTH2_CLIENT_SECRET, whether the secret has expired, and whether the server wants id and secret in the body (OAUTH2_AUTH=body)"), got.stderr)
	assert.True(t, strings.HasSuffix(got.stderr, "; once that is mended, onetoken refresh asks at once\n"), got.stderr)
	assert.Equal(t, 1, strings.Count(got.stderr, "\n"), "one line: %s", got.stderr)

	got = w.with("OAUTH2_CLIENT_SECRET", "another secret", "OAUTH2_AUTH", "body").run(t, "token")
	assert.Contains(t, got.stderr, "whether the server wants id and secret by HTTP Basic (OAUTH2_AUTH=basic)")
	assert.NotContains(t, got.stderr, "OAUTH2_AUTH=body")

	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(clientSecret+"\n"), 0o600))
	w = w.with("OAUTH2_CLIENT_SECRET", "", "OAUTH2_CLIENT_SECRET_FILE", file)
	got = w.run(t, "token")
	assert.Equal(t, exitOK, got.code, got.stderr)
	assert.Equal(t, "token-1\n", got.stdout)
	require.NoError(t, os.WriteFile(file, []byte("another secret"), 0o600))
	assert.Contains(t, w.run(t, "token").stderr, "check OAUTH2_CLIENT_ID and OAUTH2_CLIENT_SECRET_FILE")

	w = w.with("OAUTH2_TOKEN_URL", "http://"+nobody(t)+"/token")
	assert.Contains(t, w.run(t, "token").stderr, "check OAUTH2_TOKEN_URL, the proxy and the firewall")
}

func TestOAuth2ComplaintsByVariable(t *testing.T) {
	t.Parallel()
	const secret = "do-not-show-me"
	complete := world{env: map[string]string{
		"ONETOKEN_KIND": "oauth2", "OAUTH2_TOKEN_URL": "https://login.example.com/token", "OAUTH2_CLIENT_ID": "client-1", "OAUTH2_CLIENT_SECRET": secret,
	}}
	for name, c := range map[string]struct {
		world world
		want  []string // beginnings of lines
	}{
		"nothing set":   {world{env: map[string]string{"ONETOKEN_KIND": "oauth2"}}, []string{"OAUTH2_TOKEN_URL is not set", "OAUTH2_CLIENT_ID is not set", "OAUTH2_CLIENT_SECRET is not set"}},
		"another kind":  {complete.with("ONETOKEN_KIND", secret), []string{"ONETOKEN_KIND is neither feishu nor oauth2", "FEISHU_APP_ID is not set", "FEISHU_APP_SECRET is not set"}},
		"no kind":       {complete.with("ONETOKEN_KIND", ""), []string{"OAUTH2_CLIENT_ID is set, and ONETOKEN_KIND is not", "FEISHU_APP_ID is not set", "FEISHU_APP_SECRET is not set"}},
		"secret twice":  {complete.with("OAUTH2_CLIENT_SECRET_FILE", "/tmp/x"), []string{"OAUTH2_CLIENT_SECRET and OAUTH2_CLIENT_SECRET_FILE are both set"}},
		"a newline":     {complete.with("OAUTH2_CLIENT_SECRET", secret+"\n"), []string{"OAUTH2_CLIENT_SECRET begins or ends with a blank or a newline"}},
		"auth":          {complete.with("OAUTH2_AUTH", secret), []string{"OAUTH2_AUTH is neither basic nor body"}},
		"life":          {complete.with("OAUTH2_LIFE", secret), []string{"OAUTH2_LIFE has to be a duration"}},
		"life below 0":  {complete.with("OAUTH2_LIFE", "-1s"), []string{"OAUTH2_LIFE has to be a duration such as 20m or 1h, or 0"}},
		"a long life":   {complete.with("OAUTH2_LIFE", "721h"), []string{"an OAUTH2_LIFE of 721h0m0s: 0, or 1s to the OAUTH2_MAX_LIFE of 720h0m0s"}},
		"max life":      {complete.with("OAUTH2_MAX_LIFE", "1ms"), []string{"an OAUTH2_MAX_LIFE of 1ms"}},
		"token URL":     {complete.with("OAUTH2_TOKEN_URL", "ftp://"+secret), []string{"OAUTH2_TOKEN_URL has to look like https://login.example.com/oauth2/token"}},
		"scope":         {complete.with("OAUTH2_SCOPES", `a b"`), []string{`OAUTH2_SCOPES[1] has a "`}},
		"resource":      {complete.with("OAUTH2_RESOURCE", "urn:a "+secret+"\u200b"), []string{"OAUTH2_RESOURCE[1]: its last character is an invisible character"}},
		"audience":      {complete.with("OAUTH2_AUDIENCE", secret+"\n"), []string{"OAUTH2_AUDIENCE begins or ends"}},
		"params":        {complete.with("OAUTH2_PARAMS", secret+"=%zz"), []string{"OAUTH2_PARAMS has to look like a=b&c=d"}},
		"params, twice": {complete.with("OAUTH2_PARAMS", "a="+secret+"&a=1"), []string{"OAUTH2_PARAMS has a name twice"}},
		"a grant":       {complete.with("OAUTH2_PARAMS", "grant_type="+secret), []string{"OAUTH2_PARAMS has grant_type, which is always client_credentials: leave it out"}},
		"an assertion":  {complete.with("OAUTH2_PARAMS", "client_assertion="+secret), []string{"OAUTH2_PARAMS has client_assertion: a client shows here who it is by OAUTH2_CLIENT_SECRET alone"}},
		"params again":  {complete.with("OAUTH2_PARAMS", "scope="+secret), []string{"OAUTH2_PARAMS repeats scope: use the variable for it"}},
		"a secret pair": {complete.with("OAUTH2_PARAMS", "password="+secret), []string{"OAUTH2_PARAMS has a name that sounds like that of a secret: all but OAUTH2_CLIENT_SECRET may be seen by anybody"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.world.run(t, "token")
			assert.Equal(t, exitUsage, got.code)
			lines := strings.Split(strings.TrimSuffix(got.stderr, "\n"), "\n")
			require.Len(t, lines, len(c.want), got.stderr)
			for i, want := range c.want {
				assert.True(t, strings.HasPrefix(lines[i], "onetoken: "+want), "%q begins with %q", lines[i], want)
			}
			assert.NotContains(t, got.stderr, secret)
		})
	}
}

// The refresher keeps a client's token fresh, names the client's variables, and follows its secret's
// file: a refused one is mended by it.
func TestOAuth2Refresher(t *testing.T) {
	t.Parallel()
	w, l := newOAuth2Town(t)
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("a-stale-one\n"), 0o600))
	r := startRefresher(t, w.with("OAUTH2_CLIENT_SECRET", "", "OAUTH2_CLIENT_SECRET_FILE", file))
	assert.Contains(t, r.stderr.String(), "refresher for client client-1 listens on")
	eventually(t, func() bool {
		_, body := r.ask(http.MethodGet, "/readyz")
		return strings.Contains(body, "check OAUTH2_CLIENT_ID and OAUTH2_CLIENT_SECRET_FILE")
	})
	require.NoError(t, os.WriteFile(file, []byte(clientSecret+"\n"), 0o600))
	r.awaitReady(http.StatusOK)
	forms, _ := l.calls()
	assert.Len(t, forms, 1)

	require.NoError(t, os.WriteFile(file, []byte("a-newer-one"), 0o600)) // which the server does not know yet
	require.Eventually(t, func() bool {
		_, body := r.ask(http.MethodGet, "/readyz")
		return strings.Contains(body, "warning: what OAUTH2_CLIENT_SECRET_FILE holds is not in use (refused since ")
	}, 20*time.Second, 5*time.Millisecond)
	end := r.stop()
	assert.Equal(t, exitOK, end.code)
	for _, secret := range []string{clientSecret, url.QueryEscape(clientSecret), "a-stale-one", "a-newer-one", "token-1"} {
		assert.NotContains(t, end.stdout+end.stderr, secret)
	}
}
