package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// refresher is the command at work.
type refresher struct {
	t      *testing.T
	at     string
	stderr *output
	stop   func() result
}

func startRefresher(t *testing.T, w world, args ...string) refresher {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr output
	done := make(chan int, 1)
	go func() {
		args := append([]string{"refresher", "--listen", "127.0.0.1:0"}, args...)
		done <- run(ctx, args, func(name string) string { return w.env[name] }, strings.NewReader(""), &stdout, &stderr)
	}()
	eventually(t, func() bool { return listensOn.MatchString(stderr.String()) })
	at := listensOn.FindStringSubmatch(stderr.String())[1]
	r := refresher{t: t, at: at, stderr: &stderr, stop: func() result {
		cancel()
		return result{<-done, stdout.String(), stderr.String()}
	}}
	t.Cleanup(cancel)
	return r
}

// ask is a request without a body.
func (r refresher) ask(method, path string) (status int, body string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.at+path, nil)
	require.NoError(r.t, err)
	res, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	text, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	require.NoError(r.t, res.Body.Close())
	return res.StatusCode, string(text)
}

func (r refresher) status(path string) int {
	r.t.Helper()
	status, _ := r.ask(http.MethodGet, path)
	return status
}

func (r refresher) awaitReady(status int) {
	r.t.Helper()
	// Longer than a failure is answered from memory.
	require.Eventually(r.t, func() bool { return r.status("/readyz") == status }, 20*time.Second, 5*time.Millisecond)
}

// noSecrets checks everything that this process has shown.
func (r refresher) noSecrets(town town) {
	r.t.Helper()
	_, metrics := r.ask(http.MethodGet, "/metrics")
	_, ready := r.ask(http.MethodGet, "/readyz")
	secrets := []string{testSecret, testPassword}
	for _, pair := range town.issuer.Pairs() {
		secrets = append(secrets, pair.App, pair.Tenant)
	}
	for _, secret := range secrets {
		assert.NotContains(r.t, metrics+ready+r.stderr.String(), secret)
	}
}

func TestRefresherGetsATokenThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	r := startRefresher(t, town.world, "--log-level", "debug")
	r.awaitReady(http.StatusOK)
	assert.Equal(t, 1, town.issuer.Stats().Calls)

	_, body := r.ask(http.MethodGet, "/readyz")
	assert.Regexp(t, `^ready: the token lives another 1h59m\d+s\n$`, body)
	_, body = r.ask(http.MethodGet, "/metrics")
	assert.Contains(t, body, "\nonetoken_issuer_calls_total{direct=\"false\",outcome=\"ok\"} 1\n")
	assert.Regexp(t, `\nonetoken_token_remaining_seconds\{id="feishu:cli_test:[0-9a-f]{32}"\} 7[12]\d\d`, body)
	assert.Contains(t, body, "\nonetoken_degraded 0\n")
	assert.Contains(t, body, "\ngo_goroutines ")
	r.noSecrets(town)

	end := r.stop()
	assert.Equal(t, exitOK, end.code)
	assert.Empty(t, end.stdout)
	assert.Regexp(t, `level=INFO msg="new token" id=feishu:cli_test:[0-9a-f]{32} app=cli_test remaining_seconds=7(200|1\d\d)\n`, end.stderr)
	for _, key := range town.redis.Keys() {
		assert.NotContains(t, key, ":lock")
	}
}

func TestRefresherSaysLittleByDefault(t *testing.T) {
	t.Parallel()
	r := startRefresher(t, newTown(t).world)
	r.awaitReady(http.StatusOK)
	assert.Regexp(t, `^onetoken: refresher for app cli_test listens on http://127.0.0.1:\d+\n$`, r.stop().stderr)
}

func TestRefresherPaths(t *testing.T) {
	t.Parallel()
	r := startRefresher(t, newTown(t).world)
	r.awaitReady(http.StatusOK)
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		assert.Equal(t, http.StatusOK, r.status(path))
		status, body := r.ask(http.MethodHead, path)
		assert.Equal(t, http.StatusOK, status)
		assert.Empty(t, body)
		status, _ = r.ask(http.MethodPost, path)
		assert.Equal(t, http.StatusMethodNotAllowed, status)
	}
	for _, path := range []string{"/", "/readyz/", "/metrics/x", "/debug/pprof/"} {
		assert.Equal(t, http.StatusNotFound, r.status(path), path)
	}
}

// The fix of a permanent refusal may come in the console.
func TestRefresherStaysAfterARefusal(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.issuer.SetFault(feishutest.WrongSecret())
	r := startRefresher(t, town.world)
	eventually(t, func() bool { return strings.Contains(r.stderr.String(), "asked_again_in") })
	status, body := r.ask(http.MethodGet, "/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Regexp(t, `^not ready: feishu refused: app secret invalid \(code 10014, log id \w+\): check FEISHU_APP_ID and FEISHU_APP_SECRET.*; the issuer is asked again in (59s|1m\d*s)\n$`, body)
	assert.Equal(t, http.StatusOK, r.status("/healthz"))
	r.noSecrets(town)

	town.issuer.SetFault(feishutest.Fault{})
	for _, key := range town.redis.Keys() {
		town.redis.Del(key) // so that nobody has to wait a minute
	}
	r.awaitReady(http.StatusOK)
	end := r.stop()
	assert.Equal(t, exitOK, end.code)
	assert.Equal(t, 1, strings.Count(end.stderr, "no token from the issuer"), end.stderr)
	assert.Regexp(t, `level=WARN msg="no token from the issuer" id=\S+ app=cli_test err="feishu refused: .*" asked_again_in_seconds=(59|6\d|7\d)\S* meanwhile="there is no token"\n`, end.stderr)
}

// With a copy it is ready, whatever Redis does.
func TestRefresherReadyWithoutRedis(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	r := startRefresher(t, town.world)
	r.awaitReady(http.StatusOK)
	town.redis.Close()
	assert.Equal(t, http.StatusOK, r.status("/readyz"))
	assert.Equal(t, exitOK, r.stop().code)

	// So it is with one that did not come from Redis.
	r = startRefresher(t, town.world)
	r.awaitReady(http.StatusOK)
	eventually(t, func() bool {
		_, body := r.ask(http.MethodGet, "/metrics")
		return strings.Contains(body, "\nonetoken_degraded 1\n")
	})
	require.NoError(t, town.redis.Start())
	eventually(t, func() bool {
		_, body := r.ask(http.MethodGet, "/metrics")
		return strings.Contains(body, "\nonetoken_degraded 0\n")
	})
	r.noSecrets(town)
	assert.Equal(t, exitOK, r.stop().code)
}

func TestRefresherWithoutAnything(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.redis.Close()
	r := startRefresher(t, town.with("FEISHU_BASE_URL", "http://"+nobody(t)))
	eventually(t, func() bool {
		_, body := r.ask(http.MethodGet, "/readyz")
		return strings.Contains(body, "FEISHU_BASE_URL") && strings.Contains(body, "REDIS_URL")
	})
	assert.Equal(t, http.StatusServiceUnavailable, r.status("/readyz"))
	assert.Equal(t, http.StatusOK, r.status("/healthz"))
	r.noSecrets(town)
	end := r.stop()
	assert.Equal(t, exitOK, end.code)
	assert.Contains(t, end.stderr, "redis does not answer")
	assert.Contains(t, end.stderr, "no token from the issuer")
}

func TestRefresherOnARedisThatRefuses(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.redis.SetError("OOM command not allowed when used memory > 'maxmemory'.")
	r := startRefresher(t, town.world, "--log-level", "info")
	eventually(t, func() bool { return strings.Contains(r.stderr.String(), "redis refuses") })
	r.awaitReady(http.StatusOK)
	town.redis.SetError("")
	eventually(t, func() bool { return strings.Contains(r.stderr.String(), "redis no longer refuses") })
	r.noSecrets(town)
	assert.Equal(t, exitOK, r.stop().code)
}

func TestRefresherWithoutHTTP(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan result, 1)
	go func() { done <- town.runUntil(t, ctx, "refresher", "--listen", "") }()
	eventually(t, func() bool { return town.issuer.Stats().Calls == 1 })
	stop()
	assert.Equal(t, result{exitOK, "", "onetoken: refresher for app cli_test runs, and serves nothing\n"}, <-done)
}

func TestRefresherConfiguration(t *testing.T) {
	t.Parallel()
	got := world{}.with("REDIS_URL", "nonsense").run(t, "refresher", "--listen", "8080")
	assert.Equal(t, exitUsage, got.code)
	for _, name := range []string{"--listen", "REDIS_URL", "FEISHU_APP_ID", "FEISHU_APP_SECRET"} {
		assert.Contains(t, got.stderr, "onetoken: "+name)
	}
	town := newTown(t)
	got = town.run(t, "refresher", "--listen", town.redis.Addr())
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stderr, "--listen")
	assert.Zero(t, town.issuer.Stats().Calls, "nothing was begun")
}

// A client that never finishes its request keeps nobody else from being served.
func TestRefresherCutsSlowClients(t *testing.T) {
	t.Parallel()
	r := startRefresher(t, newTown(t).world)
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.at, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\n")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, r.status("/healthz"))
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(8*time.Second)))
	_, err = io.ReadAll(conn)
	assert.NoError(t, err, "the server ends it")
}

// The call under way is finished: see the help.
func TestRefresherFinishesItsCall(t *testing.T) {
	t.Parallel()
	w, issuer, asked := slowTown(t)
	r := startRefresher(t, w)
	<-asked
	end := r.stop()
	assert.Equal(t, exitOK, end.code)
	assert.Contains(t, end.stderr, "onetoken: finishing what is under way for the others; a second signal stops at once\n")
	got := w.run(t, "token")
	assert.Equal(t, exitOK, got.code)
	assert.Equal(t, 1, issuer.Stats().Calls, "it is in redis")
}

// A call that is refused while the refresher is told to end is still told of.
func TestRefresherTellsARefusalAtTheEnd(t *testing.T) {
	t.Parallel()
	w, issuer, asked := slowTown(t)
	issuer.SetFault(feishutest.WrongSecret())
	r := startRefresher(t, w)
	<-asked
	end := r.stop()
	assert.Equal(t, exitOK, end.code)
	assert.Contains(t, end.stderr, "app secret invalid")
}

// slowTown is a world whose issuer takes its time, so that a test can act in
// the middle of a call: asked has a value for each that has arrived.
func slowTown(t *testing.T) (w world, issuer *feishutest.Issuer, asked <-chan struct{}) {
	t.Helper()
	arrived := make(chan struct{}, 9)
	issuer = feishutest.New(feishutest.Config{
		AppID: "cli_test", AppSecret: testSecret, Latency: 600 * time.Millisecond, OnRequest: func() { arrived <- struct{}{} },
	})
	web := httptest.NewServer(issuer)
	t.Cleanup(web.Close)
	return newTown(t).with("FEISHU_BASE_URL", web.URL), issuer, arrived
}

func TestRefresherCheck(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.issuer.SetFault(feishutest.WrongSecret())
	r := startRefresher(t, town.world)
	_, port, _ := strings.Cut(strings.TrimPrefix(r.at, "http://"), ":")
	eventually(t, func() bool { return r.status("/readyz") == http.StatusServiceUnavailable })
	sick := world{}.run(t, "refresher", "--check", "--listen", "0.0.0.0:"+port)
	assert.Equal(t, exitFailed, sick.code)
	assert.Contains(t, sick.stderr, "onetoken: not ready: ")

	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	wrong := world{}.run(t, "refresher", "--check", "--listen", strings.TrimPrefix(other.URL, "http://"))
	assert.Equal(t, exitFailed, wrong.code)
	assert.Contains(t, wrong.stderr, "is no refresher (HTTP 404)")

	well := startRefresher(t, newTown(t).world)
	well.awaitReady(http.StatusOK)
	got := world{}.run(t, "refresher", "--check", "--listen", strings.TrimPrefix(well.at, "http://"))
	assert.Equal(t, exitOK, got.code)
	assert.Regexp(t, "^ready: .*\n$", got.stdout)
	well.stop()
	gone := world{}.run(t, "refresher", "--check", "--listen", strings.TrimPrefix(well.at, "http://"))
	assert.Equal(t, exitFailed, gone.code)
	assert.Contains(t, gone.stderr, "no refresher answers at")
	zoned := world{}.run(t, "refresher", "--check", "--listen", "[::1%nowhere]:9")
	assert.Contains(t, zoned.stderr, "no refresher answers at [::1%nowhere]:9")
	assert.Equal(t, exitUsage, world{}.run(t, "refresher", "--check", "--listen", "").code)
}
