package main

import (
	"bytes"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestTokenAndNewlineAndNothingElse(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	got := town.run(t, "token")
	require.Equal(t, exitOK, got.code, got.stderr)
	assert.Empty(t, got.stderr)
	pair := town.issuer.Pairs()[0]
	assert.Equal(t, pair.App+"\n", got.stdout)

	got = town.run(t, "token", "--kind", "tenant")
	assert.Equal(t, result{exitOK, pair.Tenant + "\n", ""}, got)
	assert.Equal(t, 1, town.issuer.Stats().Calls, "the second one read what the first one stored")
}

func TestPrefixesAreApart(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	require.Equal(t, exitOK, town.with("ONETOKEN_PREFIX", "blue").run(t, "token").code)
	for _, key := range town.redis.Keys() {
		assert.True(t, strings.HasPrefix(key, "blue:"), key)
	}
}

func TestWrongSecret(t *testing.T) {
	t.Parallel()
	const wrong = "wr/ng+s=cret~77"
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			town := newTown(t)
			got := town.with("FEISHU_APP_SECRET", wrong).run(t, "token", "--log-level", "debug", "--log-format", format)
			assert.Equal(t, exitRefused, got.code)
			assert.Empty(t, got.stdout)
			assert.Contains(t, got.stderr, "code 10014")
			assert.Contains(t, got.stderr, "app secret invalid")
			assert.Contains(t, got.stderr, "log id ")
			assert.Contains(t, got.stderr, "check FEISHU_APP_ID and FEISHU_APP_SECRET")
			for _, secret := range []string{wrong, testSecret, testPassword} {
				assert.NotContains(t, got.stderr, secret)
				assert.NotContains(t, got.stderr, base64.StdEncoding.EncodeToString([]byte(secret)))
				assert.NotContains(t, got.stderr, base64.RawURLEncoding.EncodeToString([]byte(secret)))
				assert.NotContains(t, got.stderr, url.QueryEscape(secret))
				assert.NotContains(t, got.stderr, url.PathEscape(secret))
			}
			again := town.with("FEISHU_APP_SECRET", wrong).run(t, "token")
			assert.Equal(t, exitRefused, again.code)
			assert.NotContains(t, got.stderr, "remembered")
			assert.Regexp(t, `remembered from an earlier call, the issuer is asked again in (59s|1m\d*s), with another id or secret at once; once that is mended, onetoken refresh asks at once\n$`, again.stderr)
			assert.Equal(t, 1, town.issuer.Stats().Refused, "the fleet shares the refusal")
		})
	}
}

func TestRedisDown(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.redis.Close()
	got := town.run(t, "token")
	assert.Equal(t, exitOK, got.code, got.stderr)
	assert.Equal(t, town.issuer.Pairs()[0].App+"\n", got.stdout)
	assert.Equal(t, 1, strings.Count(got.stderr, "\n"), "one line: %s", got.stderr)
	assert.Contains(t, got.stderr, "not shared")
	assert.Contains(t, got.stderr, "REDIS_URL")
	assert.NotContains(t, got.stderr, testPassword)
}

func TestRedisRefusesThePassword(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	got := town.with("REDIS_URL", "redis://:another-password@"+town.redis.Addr()).run(t, "token", "--log-level", "debug")
	assert.Equal(t, exitOK, got.code)
	assert.Contains(t, got.stderr, "WRONGPASS")
	assert.NotContains(t, got.stderr, "another-password")
}

// What to do comes first, whichever side speaks TLS.
func TestTLSOnOneSide(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	open := httptest.NewServer(http.NotFoundHandler())
	defer open.Close()
	town := newTown(t)
	url := filepath.Join(t.TempDir(), "url")
	require.NoError(t, os.WriteFile(url, []byte("rediss://"+town.redis.Addr()), 0o600))
	const needs, begin = "rediss:// needs a port that speaks TLS, check that of REDIS_URL", "if the port speaks TLS, begin REDIS_URL with rediss://: redis "
	for name, c := range map[string]struct {
		world world
		says  string
	}{
		"the client":            {town.with("REDIS_URL", "rediss://"+town.redis.Addr()), needs + ": redis "},
		"the client, by a file": {town.with("REDIS_URL", "", "REDIS_URL_FILE", url), needs + "_FILE: redis "},
		"the client, to HTTP":   {town.with("REDIS_URL", "rediss://"+open.Listener.Addr().String()), needs + ": redis "},
		"the server":            {town.with("REDIS_URL", "redis://"+secure.Listener.Addr().String()), begin},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.world.run(t, "status")
			assert.Equal(t, exitFailed, got.code, got.stderr)
			assert.Equal(t, 1, strings.Count(got.stderr, "\n"), "one line: %s", got.stderr)
			assert.True(t, strings.HasPrefix(got.stderr, "onetoken: "+c.says), got.stderr)
		})
	}
	// Nobody listens there: that is not about TLS.
	got := town.with("REDIS_URL", "rediss://"+nobody(t)).run(t, "status")
	assert.True(t, strings.HasPrefix(got.stderr, "onetoken: redis unreachable: "), got.stderr)
	assert.NotContains(t, got.stderr, "TLS")
}

// A base URL that is nearly right is told as such, and what to do comes before what else may be.
func TestMistypedBaseURL(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	moved := httptest.NewServer(http.RedirectHandler("https://elsewhere.invalid/", http.StatusMovedPermanently))
	t.Cleanup(moved.Close)
	town := newTown(t)
	at := town.env["FEISHU_BASE_URL"]
	for name, c := range map[string]struct{ base, says string }{
		"http for https":         {"http://" + secure.Listener.Addr().String(), ": see whether FEISHU_BASE_URL has to begin with https://: "},
		"http, sent on":          {moved.URL, ": see whether FEISHU_BASE_URL has to begin with https://: "},
		"https for http":         {strings.Replace(at, "http:", "https:", 1), ": check FEISHU_BASE_URL: is it http:// there?"},
		"a path too much":        {at + "/v3", ": leave the path out of FEISHU_BASE_URL, or check it: /open-apis/"},
		"the path of the API":    {at + "/open-apis", "onetoken: FEISHU_BASE_URL has the path of an API: leave out /open-apis"},
		"a host that nobody has": {"https://open.feishu.invalid", ": check the host in FEISHU_BASE_URL (Feishu: open.feishu.cn, "},
		"a newline":              {at + "\n", "onetoken: FEISHU_BASE_URL: its last character is a newline"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := town.with("FEISHU_BASE_URL", c.base).run(t, "token", "--timeout", "3s")
			assert.NotEqual(t, exitOK, got.code)
			assert.Contains(t, got.stderr, c.says)
		})
	}
}

func TestUnencryptedIssuer(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	w := town.with("FEISHU_BASE_URL", "http://issuer.invalid", "ONETOKEN_PREFIX", "other")
	got := w.run(t, "token", "--log-format", "json")
	assert.Equal(t, exitFailed, got.code)
	for line := range strings.Lines(got.stderr) {
		assert.True(t, strings.HasPrefix(line, "onetoken: "), line)
	}
	assert.Contains(t, got.stderr, "onetoken: warning: the app secret and tokens travel unencrypted: use https (FEISHU_BASE_URL)\n")
	assert.NotContains(t, w.run(t, "token", "--log-level", "error").stderr, "warning")
}

func TestEverythingDown(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.redis.Close()
	got := town.with("FEISHU_BASE_URL", "http://"+nobody(t)).run(t, "token")
	assert.Equal(t, exitFailed, got.code)
	assert.Empty(t, got.stdout)
	assert.Equal(t, 1, strings.Count(got.stderr, "\n"), "one line: %s", got.stderr)
	assert.Contains(t, got.stderr, "check FEISHU_BASE_URL, the proxy and the firewall")
	assert.Contains(t, got.stderr, "check the address and that redis runs (REDIS_URL)")
}

// What answers, but is no issuer, is told as such.
func TestNotTheIssuer(t *testing.T) {
	t.Parallel()
	hello, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer hello.Close()
	go func() {
		for {
			conn, err := hello.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>welcome"))
	}))
	defer web.Close()
	for at, says := range map[string]string{
		hello.Addr().String():        "feishu: no answer: ",
		web.Listener.Addr().String(): "feishu answered: a page of HTML",
	} {
		got := newTown(t).with("FEISHU_BASE_URL", "http://"+at).run(t, "token")
		assert.Equal(t, exitFailed, got.code)
		assert.Contains(t, got.stderr, says)
		assert.Contains(t, got.stderr, "check FEISHU_BASE_URL, the proxy and the firewall")
	}
}

func TestEveryEventIsLoggedAtDebug(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	got := town.run(t, "token", "--log-level", "debug")
	require.Equal(t, exitOK, got.code)
	assert.Regexp(t, `level=DEBUG msg=cache id=feishu:cli_test:[0-9a-f]{32} app=cli_test kind=call outcome=ok took_seconds=0\.\d+ remaining_seconds=7200\n`, got.stderr)
	assert.Contains(t, got.stderr, "kind=publish outcome=stored")
	assert.NotContains(t, got.stderr, strings.TrimSpace(got.stdout), "the token")

	town.issuer.SetFault(feishutest.Refusal(5000, "internal error"))
	got = town.with("ONETOKEN_PREFIX", "other").run(t, "token", "--log-level", "debug", "--log-format", "json")
	assert.Regexp(t, `"level":"DEBUG","msg":"cache","id":"feishu:cli_test:[0-9a-f]{32}","app":"cli_test","kind":"call","outcome":"transient","took_seconds":0\.\d+,"err":"feishu refused: internal error`, got.stderr)
}

// What go-redis logs is formats with arguments that may be secret.
func TestLogOfRedisClient(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	redisLog{newLogger(&out, "debug", "text")}.Printf(t.Context(), "sentinel: addr=%s, master=%q failed: %s", testPassword, testPassword, testPassword)
	assert.Contains(t, out.String(), `msg="redis client" says="sentinel: addr"`)
	assert.NotContains(t, out.String(), "%")
}

// nobody is an address at which nobody listens, nor can while the test runs: its port is a connection's.
// A port that is merely free may be another test's in the next moment.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	near, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	far, err := listener.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return near.LocalAddr().String()
}

func TestNobody(t *testing.T) {
	t.Parallel()
	at := nobody(t)
	_, err := net.Dial("tcp", at)
	require.Error(t, err)
	_, err = net.Listen("tcp", at)
	require.Error(t, err, "the port is taken")
}

// Either of the two tokens may be missing: an empty line is none.
func TestNoTokenOfAKind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ app, tenant, kind, want, says string }{
		{"a-1", "", "tenant", "", "the issuer gave no tenant token with the app token: ask for --kind app"},
		{"", "t-1", "app", "", "the issuer gave no app token with the tenant token: ask for --kind tenant"},
		{"a-1", "", "app", "a-1", ""},
		{"", "t-1", "tenant", "t-1", ""},
	} {
		got, err := ofKind(tokencache.NewToken(c.app, c.tenant, time.Hour), c.kind)
		assert.Equal(t, c.want, got)
		if c.says == "" {
			assert.NoError(t, err)
		} else {
			assert.EqualError(t, err, c.says)
		}
	}
	town := newTown(t)
	town.issuer.SetFault(feishutest.Answer(200, nil, `{"code":0,"msg":"ok","app_access_token":"a-1","expire":7200}`))
	got := town.run(t, "token", "--kind", "tenant")
	assert.Equal(t, exitFailed, got.code)
	assert.Empty(t, got.stdout)
	assert.Contains(t, got.stderr, "tenant token")
}

// Around Redis a token is good, but not for who asked for one that is shared.
func TestNotAroundRedis(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	got := town.run(t, "token", "--strict")
	assert.Equal(t, result{exitOK, town.issuer.Pairs()[0].App + "\n", ""}, got, "it is shared")
	town.redis.Close()
	for _, args := range [][]string{{"token", "--strict"}, {"token", "--strict", "--json"}} {
		got = town.run(t, args...)
		assert.Equal(t, exitFailed, got.code)
		assert.Empty(t, got.stdout)
		assert.Regexp(t, `^onetoken: the token came straight from the issuer and is not shared, so --strict prints none: redis unreachable: .* \(REDIS_URL\)\n$`, got.stderr)
	}
	assert.Equal(t, exitOK, town.run(t, "token").code)

	calls, forbidden := town.issuer.Stats().Calls, town.with("ONETOKEN_NO_DIRECT", "true")
	for _, args := range [][]string{{"token"}, {"refresh"}, {"doctor"}} {
		got = forbidden.run(t, append(args, "--log-level", "error")...)
		assert.Equal(t, exitFailed, got.code, args)
		assert.Contains(t, got.stdout+got.stderr, "redis unreachable", args)
		assert.NotContains(t, got.stdout, town.issuer.Pairs()[0].App)
	}
	r := startRefresher(t, forbidden)
	eventually(t, func() bool {
		status, body := r.ask(http.MethodGet, "/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "redis unreachable")
	})
	assert.Equal(t, exitOK, r.stop().code)
	assert.Equal(t, calls, town.issuer.Stats().Calls, "nobody has asked")

	for _, command := range []string{"token", "refresh", "refresher", "status", "invalidate", "doctor"} {
		got = town.with("ONETOKEN_NO_DIRECT", testSecret).run(t, command)
		assert.Equal(t, exitUsage, got.code)
		assert.Equal(t, "onetoken: ONETOKEN_NO_DIRECT is neither true nor false\n", got.stderr, command)
	}
}
