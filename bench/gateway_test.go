package bench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

const gatewayConnections = 100

// TestGateway has the same call of an API sent by the gateway, and by an nginx that puts a fixed token in, in turn:
// by 100 connections, each of which asks again as soon as it is answered.
func TestGateway(t *testing.T) {
	nginx, wrk := tool(t, "nginx"), tool(t, "wrk")
	for _, takes := range []time.Duration{0, 20 * time.Millisecond} {
		t.Run(takes.String(), func(t *testing.T) { found.Gateways = append(found.Gateways, measureGateway(t, nginx, wrk, takes)) })
	}
}

// measureGateway has an API that takes so long for each call.
func measureGateway(t *testing.T, nginx, wrk string, takes time.Duration) results.Gateway {
	t.Helper()
	issuer := feishutest.New(feishutest.Config{AppID: benchApp, AppSecret: benchAppSecret})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if takes > 0 && r.URL.Path == feishutest.QueryPath {
			time.Sleep(takes)
		}
		issuer.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	gateway := startService(t, "gateway", api.URL)
	standIn := askForToken(t, gateway, doorSecret)
	proxy := startProxy(t, nginx, api.URL, askForToken(t, api.URL, benchAppSecret))
	out := results.Gateway{Connections: gatewayConnections, APIMillis: float64(takes.Milliseconds())}
	lasts := time.Duration(sized(5000, 300)) * time.Millisecond
	repeat(t, func(int) {
		theirs := storm(t, wrk, proxy, "", lasts)
		ours := storm(t, wrk, gateway, standIn, lasts)
		out.Calls, out.Failed = out.Calls+ours.calls, out.Failed+ours.failed
		assert.Zero(t, theirs.failed, "nginx")
		out.NginxP50.AddTime(theirs.p50, time.Microsecond)
		out.GatewayP50.AddTime(ours.p50, time.Microsecond)
		out.NginxRate.Add(theirs.rate)
		out.GatewayRate.Add(ours.rate)
		out.TimesP50.Add(float64(ours.p50) / float64(theirs.p50))
		out.TimesRate.Add(ours.rate / theirs.rate)
	})
	assert.Zero(t, out.Failed)
	t.Logf("an API that takes %v, %d connections: nginx p50 %.0f µs, %.0f/s; gateway p50 %.0f µs, %.0f/s: p50 %.2f x, rate %.2f x",
		takes, gatewayConnections, out.NginxP50.Median(), out.NginxRate.Median(), out.GatewayP50.Median(), out.GatewayRate.Median(), out.TimesP50.Median(), out.TimesRate.Median())
	return out
}

// tool is a program that the test is about.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("ONETOKEN_REQUIRE_REDIS") == "1" {
		t.Fatalf("%s is not installed, and ONETOKEN_REQUIRE_REDIS=1 wants it", name)
	}
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// stormed is what became of requests.
type stormed struct {
	calls, failed int
	rate          float64 // a second
	p50           time.Duration
}

var (
	wrkTotal  = regexp.MustCompile(`(\d+) requests in`)
	wrkRate   = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkHalf   = regexp.MustCompile(`50%\s+([\d.]+)(us|ms|s)\n`)
	wrkOther  = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
	wrkBroken = regexp.MustCompile(`Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
)

// storm asks by wrk.
func storm(t *testing.T, wrk, url, token string, lasts time.Duration) (s stormed) {
	t.Helper()
	args := []string{"--threads", "1", "--connections", strconv.Itoa(gatewayConnections), "--latency", "--duration", strconv.Itoa(max(1, int(lasts.Seconds()))) + "s"}
	if token != "" {
		args = append(args, "--header", "Authorization: Bearer "+token)
	}
	text, err := exec.CommandContext(t.Context(), wrk, append(args, url+feishutest.QueryPath)...).CombinedOutput()
	require.NoError(t, err, "%s", text)
	number := func(by *regexp.Regexp) float64 {
		match := by.FindSubmatch(text)
		require.NotNil(t, match, "%s", text)
		n, err := strconv.ParseFloat(string(match[1]), 64)
		require.NoError(t, err)
		return n
	}
	s.calls, s.rate = int(number(wrkTotal)), number(wrkRate)
	unit := map[string]time.Duration{"us": time.Microsecond, "ms": time.Millisecond, "s": time.Second}[string(wrkHalf.FindSubmatch(text)[2])]
	s.p50 = time.Duration(number(wrkHalf) * float64(unit))
	if wrkOther.Match(text) {
		s.failed = int(number(wrkOther))
	}
	if match := wrkBroken.FindSubmatch(text); match != nil {
		for _, count := range match[1:] {
			n, err := strconv.Atoi(string(count))
			require.NoError(t, err)
			s.failed += n
		}
	}
	return s
}

// askForToken does so as an SDK does.
func askForToken(t *testing.T, at, secret string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"app_id": benchApp, "app_secret": secret})
	require.NoError(t, err)
	res, err := http.Post(at+feishutest.TenantTokenPath, "application/json; charset=utf-8", bytes.NewReader(body))
	require.NoError(t, err)
	defer res.Body.Close()
	var given struct {
		Tenant string `json:"tenant_access_token"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&given))
	require.NotEmpty(t, given.Tenant)
	return given.Tenant
}

// startProxy has nginx pass requests on with a token, by connections that it keeps.
func startProxy(t *testing.T, nginx, api, token string) (url string) {
	t.Helper()
	return runNginx(t, nginx, fmt.Sprintf(`
	upstream api {
		server %s;
		keepalive 128;
		keepalive_requests 1000000;
	}
	server {
		listen 127.0.0.1:PORT;
		location / {
			proxy_pass http://api;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Authorization "Bearer %s";
		}
	}
`, strings.TrimPrefix(api, "http://"), token), feishutest.QueryPath)
}
