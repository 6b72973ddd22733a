package main

import (
	"bytes"
	"context"
	"maps"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// world is all that a run sees: nothing of who runs the tests.
type world struct {
	env   map[string]string
	stdin string
}

type result struct {
	code           int
	stdout, stderr string
}

func (w world) run(t *testing.T, args ...string) result {
	t.Helper()
	return w.runUntil(t, t.Context(), args...)
}

func (w world) runUntil(t *testing.T, ctx context.Context, args ...string) result {
	t.Helper()
	var stdout, stderr output
	code := run(ctx, args, func(name string) string { return w.env[name] }, strings.NewReader(w.stdin), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// with is w with other variables: pairs of name and value.
func (w world) with(pairs ...string) world {
	env := map[string]string{}
	maps.Copy(env, w.env)
	for i := 0; i < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	return world{env, w.stdin}
}

// output is a buffer that a run and its test may use at once: go-redis logs
// when it likes.
type output struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// town is a world with a Redis and an issuer in it.
type town struct {
	world
	redis  *miniredis.Miniredis
	issuer *feishutest.Issuer
}

const (
	testSecret   = "p/ss+w=rd~42"
	testPassword = "r3dis+p/ss"
	otherSecret  = "secret-of-other" // of cli_other
)

func newTown(t *testing.T) town {
	t.Helper()
	server := miniredis.RunT(t)
	server.RequireAuth(testPassword)
	issuer := feishutest.New(feishutest.Config{AppID: "cli_test", AppSecret: testSecret, Apps: []feishutest.AppConfig{{ID: "cli_other", Secret: otherSecret}}})
	web := httptest.NewServer(issuer)
	t.Cleanup(web.Close)
	return town{redis: server, issuer: issuer, world: world{env: map[string]string{
		"REDIS_URL":         "redis://:r3dis%2Bp%2Fss@" + server.Addr(),
		"FEISHU_APP_ID":     "cli_test",
		"FEISHU_APP_SECRET": testSecret,
		"FEISHU_BASE_URL":   web.URL,
	}}}
}

func TestHelpShowsTheWholeConfiguration(t *testing.T) {
	t.Parallel()
	got := world{}.run(t, "-h")
	assert.Equal(t, exitOK, got.code)
	assert.Empty(t, got.stderr)
	for _, part := range []string{
		"REDIS_URL ", "REDIS_URL_FILE", "FEISHU_APP_ID", "FEISHU_APP_SECRET ", "FEISHU_APP_SECRET_FILE",
		"ONETOKEN_KIND", "OAUTH2_TOKEN_URL", "OAUTH2_CLIENT_ID", "OAUTH2_CLIENT_SECRET ", "OAUTH2_CLIENT_SECRET_FILE", "OAUTH2_AUTH", "OAUTH2_SCOPES",
		"OAUTH2_AUDIENCE", "OAUTH2_RESOURCE", "OAUTH2_PARAMS", "OAUTH2_LIFE", "OAUTH2_MAX_LIFE",
		"FEISHU_BASE_URL", "ONETOKEN_PREFIX", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "TERM", "a rotated secret needs no", "redis://127.0.0.1:6379", "https://open.feishu.cn",
		"cluster=true", "master_name=", "--log-level", "--log-format", "(default warn)",
		"token ", "issuer ", "refresher ", "demo ", "version ", "completion ",
		"0 done, 1 failed, 2 usage or configuration, 3 the issuer refused",
	} {
		assert.Contains(t, got.stdout, part)
	}
}

func TestHelpFitsIn80Columns(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"", "token", "issuer", "demo", "status", "refresh", "invalidate", "refresher", "version"} {
		got := world{}.run(t, append(strings.Fields(command), "-h")...)
		require.Equal(t, exitOK, got.code)
		text, _, _ := strings.Cut(got.stdout, "Flags:") // these are laid out by pflag
		for line := range strings.Lines(text) {
			assert.LessOrEqual(t, len(strings.TrimRight(line, "\n")), 80, line)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	got := world{}.run(t, "--version")
	assert.Equal(t, exitOK, got.code)
	assert.Regexp(t, `^onetoken \S+ \(go1\.\S+, \w+/\w+.*\)\n$`, got.stdout)
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	got := world{}.run(t, "completion", "bash")
	assert.Equal(t, exitOK, got.code)
	assert.Contains(t, got.stdout, "__start_onetoken")

	got = world{}.run(t, "__complete", "token", "--kind", "")
	assert.Equal(t, "app\ntenant", strings.Join(strings.Fields(got.stdout)[:2], "\n"))

	got = world{}.run(t, "__complete", "invalidate", "")
	assert.Equal(t, "-", strings.Fields(got.stdout)[0])
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"unknown command":     {"tokne"},
		"unknown flag":        {"token", "--secret", "x"},
		"argument":            {"token", "please"},
		"no such kind":        {"token", "--kind", "user"},
		"no such level":       {"--log-level", "loud", "token"},
		"no such format":      {"--log-format", "xml", "token"},
		"no duration":         {"token", "--timeout", "soon"},
		"no time":             {"token", "--timeout", "0s"},
		"negative time":       {"token", "--timeout", "-1s"},
		"no time to refresh":  {"refresh", "--timeout", "0s"},
		"status of what":      {"status", "cli_test"},
		"version of what":     {"version", "cli_test"},
		"refresh of what":     {"refresh", "cli_test"},
		"no replicas":         {"demo", "--replicas", "0"},
		"too many replicas":   {"demo", "--replicas", "1001"},
		"short life":          {"demo", "--life", "9s"},
		"fraction of a life":  {"demo", "--life", "12.5s"},
		"no rotation":         {"demo", "--life", "20s", "--for", "20s"},
		"issuer's life":       {"issuer", "--life", "10ms"},
		"issuer's long life":  {"issuer", "--life", "3h"},
		"issuer's window":     {"issuer", "--life", "1m", "--window", "2m"},
		"issuer's remaining":  {"issuer", "--life", "1m", "--remaining", "2m"},
		"remaining in window": {"issuer", "--life", "1m", "--remaining", "14s"},
		"no port":             {"issuer", "--listen", "127.0.0.1"},
		"no such port":        {"issuer", "--listen", "127.0.0.1:99999"},
		"issuer's latency":    {"issuer", "--latency", "-1s"},
		"issuer's kind":       {"issuer", "--kind", "oauth1"},
		"issuer of no app":    {"issuer", "--apps", "0"},
		"another kind's flag": {"issuer", "--scopes", "read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := world{}.with("FEISHU_APP_ID", "cli_test", "FEISHU_APP_SECRET", testSecret).run(t, args...)
			assert.Equal(t, exitUsage, got.code)
			assert.Empty(t, got.stdout)
			assert.Equal(t, 1, strings.Count(got.stderr, "\n"), "one line: %s", got.stderr)
			assert.True(t, strings.HasPrefix(got.stderr, "onetoken: "), got.stderr)
		})
	}
}

func TestAllComplaintsAboutFlagsAtOnce(t *testing.T) {
	t.Parallel()
	got := world{}.run(t, "demo", "--replicas", "-1", "--life", "1s", "--for", "1s")
	assert.Equal(t, exitUsage, got.code)
	for _, flag := range []string{"--replicas", "--life", "--for"} {
		assert.Contains(t, got.stderr, "onetoken: "+flag)
	}
}

// eventually waits for what another goroutine will do soon.
func eventually(t *testing.T, what func() bool) {
	t.Helper()
	require.Eventually(t, what, 5*time.Second, 2*time.Millisecond)
}
