package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/examples/internal/embedded"
	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// getenv is the service's environment: that of the tests' user does not matter.
func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// start makes a service whose business API is api, or else the issuer's.
func start(t *testing.T, issuer *feishutest.Issuer, api http.Handler) *service {
	t.Helper()
	if api == nil {
		api = issuer
	}
	web := httptest.NewServer(api)
	t.Cleanup(web.Close)
	s, err := newService(t.Context(), getenv(map[string]string{
		"REDIS_URL":     "redis://" + miniredis.RunT(t).Addr(),
		"FEISHU_APP_ID": issuer.AppID(), "FEISHU_APP_SECRET": issuer.AppSecret(), "FEISHU_BASE_URL": web.URL + "/",
	}))
	require.NoError(t, err)
	t.Cleanup(s.close)
	return s
}

func (s *service) get(path string) (int, string) {
	res := httptest.NewRecorder()
	s.routes().ServeHTTP(res, httptest.NewRequest(http.MethodGet, path, nil))
	return res.Code, res.Body.String()
}

func TestHealsFromARevokedTokenWithinTheRequest(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	s := start(t, issuer, nil)
	for range 3 {
		status, body := s.get("/")
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, "A tenant of cli_test\n", body)
	}
	assert.Equal(t, 1, issuer.Stats().Calls)

	require.True(t, issuer.Revoke(issuer.Pairs()[0].Tenant))
	for range 3 {
		status, body := s.get("/")
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, "A tenant of cli_test\n", body)
	}
	assert.Equal(t, 2, issuer.Stats().Calls)
}

// With nothing in the environment it has a Redis and an issuer all the same.
func TestServiceOnTheEmbeddedDefault(t *testing.T) {
	require.NoError(t, embedded.Feishu(getenv(nil), func(getenv func(string) string) error {
		s, err := newService(t.Context(), getenv)
		require.NoError(t, err)
		defer s.close()
		status, body := s.get("/")
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, "A tenant of cli_test\n", body)
		return nil
	}))
}

// gate holds the business API's answers back until n requests are there.
func gate(n int, api http.Handler) http.Handler {
	var mu sync.Mutex
	var all sync.WaitGroup
	all.Add(n)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		first := r.URL.Path == feishutest.QueryPath && n > 0
		if first {
			n--
			all.Done()
		}
		mu.Unlock()
		if first {
			all.Wait()
		}
		api.ServeHTTP(w, r)
	})
}

func TestRejectionsAtOnceCostOneCall(t *testing.T) {
	const requests = 500
	issuer := feishutest.New(feishutest.Config{})
	s := start(t, issuer, gate(requests, issuer))
	_, err := s.tokens.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, issuer.Stats().Calls)
	require.True(t, issuer.Revoke(issuer.Pairs()[0].Tenant))

	var wg sync.WaitGroup
	statuses := make([]int, requests)
	for i := range requests {
		wg.Go(func() { statuses[i], _ = s.get("/") })
	}
	wg.Wait()
	counts := map[int]int{}
	for _, status := range statuses {
		counts[status]++
	}
	assert.Equal(t, map[int]int{http.StatusOK: requests}, counts)
	assert.Equal(t, 2, issuer.Stats().Calls, "one for all of them")
}

func TestHealthAndReadiness(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	s := start(t, issuer, nil)
	status, _ := s.get("/healthz")
	assert.Equal(t, http.StatusOK, status)
	status, _ = s.get("/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Zero(t, issuer.Stats().Calls, "looking asks for nothing")

	_, err := s.tokens.Get(t.Context())
	require.NoError(t, err)
	status, _ = s.get("/readyz")
	assert.Equal(t, http.StatusOK, status)
	status, _ = s.get("/elsewhere")
	assert.Equal(t, http.StatusNotFound, status)
}

func TestTroubleIsABadGateway(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	answer := ""
	s := start(t, issuer, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == feishutest.TokenPath {
			issuer.ServeHTTP(w, r)
			return
		}
		_, _ = io.WriteString(w, answer)
	}))
	for _, answer = range []string{"<html>", "{}", `{"code":1254000,"msg":"no"}`} {
		status, body := s.get("/")
		assert.Equal(t, http.StatusBadGateway, status)
		assert.Equal(t, "Feishu cannot be asked now\n", body)
	}
	s.close()
	status, _ := s.get("/")
	assert.Equal(t, http.StatusBadGateway, status)
}

// door tells when it is closed.
type door struct {
	net.Listener
	once   sync.Once
	closed chan struct{}
}

func (d *door) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.Listener.Close()
}

func TestRequestsUnderWayEndBeforeTheService(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	arrived, answer := make(chan struct{}), make(chan struct{})
	s := start(t, issuer, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == feishutest.QueryPath {
			close(arrived)
			<-answer
		}
		issuer.ServeHTTP(w, r)
	}))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d := &door{Listener: listener, closed: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served, got := make(chan error, 1), make(chan string, 1)
	go func() { served <- s.serve(ctx, d) }()
	go func() {
		res, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			got <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		got <- fmt.Sprintf("%d %s", res.StatusCode, body)
	}()
	<-arrived
	stop()
	<-d.closed
	assert.Empty(t, served)
	close(answer)
	assert.Equal(t, "200 A tenant of cli_test\n", <-got)
	assert.NoError(t, <-served)
}

func TestRunsWithASecretInAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("test-secret\n"), 0o600))
	env := map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET_FILE": file, "REDIS_URL": "redis://" + miniredis.RunT(t).Addr(), "LISTEN": "127.0.0.1:0", "FEISHU_BASE_URL": "http://127.0.0.1:1"}
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	assert.NoError(t, run(ctx, getenv(env)))
}

func TestComplaintsNameTheVariable(t *testing.T) {
	good := map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET": "hush"}
	for name, value := range map[string]string{
		"REDIS_URL":              "redis://:hush%zz@127.0.0.1",
		"FEISHU_APP_ID":          "",
		"FEISHU_APP_SECRET":      "hush hush",
		"FEISHU_APP_SECRET_FILE": "hush",
		"FEISHU_BASE_URL":        "https://me:hush@open.feishu.cn",
		"ONETOKEN_PREFIX":        "{hush}",
	} {
		env := maps.Clone(good)
		env[name] = value
		err := run(t.Context(), getenv(env))
		require.Error(t, err)
		assert.ErrorContains(t, err, name)
		assert.NotContains(t, err.Error(), "hush")
	}
	err := run(t.Context(), getenv(map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET_FILE": "hush"}))
	assert.ErrorContains(t, err, "FEISHU_APP_SECRET_FILE cannot be read")
	assert.NotContains(t, err.Error(), "hush")
	for content, says := range map[string]string{
		"":                             "FEISHU_APP_ID, FEISHU_APP_SECRET_FILE or FEISHU_BASE_URL",
		"hush hush":                    "FEISHU_APP_ID, FEISHU_APP_SECRET_FILE or FEISHU_BASE_URL",
		strings.Repeat("h", maxFile+1): "FEISHU_APP_SECRET_FILE cannot be read: it is larger than 64 KiB",
	} {
		file := filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		err := run(t.Context(), getenv(map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET_FILE": file}))
		assert.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "hush")
	}
	good["LISTEN"] = "nowhere"
	assert.Error(t, run(t.Context(), getenv(good)))
}

// A REDIS_URL is read as the command reads it, so that one setting does for both.
func TestRedisURLDropsNothing(t *testing.T) {
	for url, says := range map[string]string{
		"redis://:hush#hush@elsewhere/1":              "REDIS_URL has a fragment",
		"redis://127.0.0.1/1#hush":                    "REDIS_URL has a fragment",
		"redis://127.0.0.1?db=1;dial_timeout=1s":      "REDIS_URL has a ; in its query",
		"unix://run/redis.sock":                       "REDIS_URL has a host: a socket is",
		"redis://127.0.0.1/hush":                      "REDIS_URL has a path that is no database number",
		"redis://127.0.0.1\n":                         "REDIS_URL cannot be read: its last character is a newline",
		" redis://127.0.0.1":                          "REDIS_URL cannot be read: its first character is a space",
		"redis://127.0.0.1?pool_size=1&pool_size=2":   "REDIS_URL has a parameter pool_size=, which is there more than once",
		"redis://127.0.0.1?cluster=true&master_name=": "REDIS_URL asks for Cluster and Sentinel at once",
	} {
		_, err := newService(t.Context(), getenv(map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET": "x", "REDIS_URL": url}))
		require.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "hush")
	}
	s, err := newService(t.Context(), getenv(map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET": "long-enough", "REDIS_URL": "redis://127.0.0.1?cluster=true", "FEISHU_BASE_URL": ""}))
	require.NoError(t, err, "a Cluster will do")
	assert.Equal(t, fetcher.FeishuURL, s.baseURL)
	s.close()
}
