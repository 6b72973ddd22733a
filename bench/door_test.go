package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

const (
	doorRate        = 1000 // requests a second
	doorConnections = 16
	doorSecret      = "client-secret-of-the-bench"
)

// TestDoor has the token door of the service and an nginx with a static answer of the same size asked in
// turn, at the same rate: requests are due at fixed times, whether or not others were answered, and each is
// measured from then on.
func TestDoor(t *testing.T) {
	nginx := tool(t, "nginx")
	door := startDoor(t)
	body := door.ask(t)
	static := startNginx(t, nginx, body)
	out := &results.Door{Rate: doorRate, Connections: doorConnections}
	lasts := time.Duration(sized(5000, 300)) * time.Millisecond
	repeat(t, func(int) {
		theirs := pour(t, static, "", lasts)
		ours := pour(t, door.url, doorSecret, lasts)
		assert.Zero(t, theirs.failed, "nginx")
		out.Requests, out.NotGranted = out.Requests+len(ours.took), out.NotGranted+ours.failed
		out.NginxP50.AddTime(quantile(theirs.took, 0.5), time.Microsecond)
		out.NginxP99.AddTime(quantile(theirs.took, 0.99), time.Microsecond)
		out.DoorP50.AddTime(quantile(ours.took, 0.5), time.Microsecond)
		out.DoorP99.AddTime(quantile(ours.took, 0.99), time.Microsecond)
		out.TimesNginx.Add(float64(quantile(ours.took, 0.99)) / float64(quantile(theirs.took, 0.99)))
	})
	assert.Zero(t, out.NotGranted)
	t.Logf("%d requests at %d/s: nginx p50 %.0f p99 %.0f µs, door p50 %.0f p99 %.0f µs: %.2f x",
		out.Requests, doorRate, out.NginxP50.Median(), out.NginxP99.Median(), out.DoorP50.Median(), out.DoorP99.Median(), out.TimesNginx.Median())
	found.Door = out
}

// poured is what became of requests.
type poured struct {
	took   []time.Duration
	failed int
}

// pour asks for a URL at the rate, for so long.
func pour(t *testing.T, url, secret string, lasts time.Duration) poured {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: doorConnections, MaxConnsPerHost: doorConnections}}
	defer client.CloseIdleConnections()
	for range doorConnections { // which are open before
		_ = fetchOnce(t.Context(), client, url, secret)
	}
	n := int(lasts.Seconds() * doorRate)
	took, failed := make([]time.Duration, n), make([]bool, n)
	var asking sync.WaitGroup
	began := time.Now()
	for i := range n {
		due := began.Add(time.Duration(i) * time.Second / doorRate)
		time.Sleep(time.Until(due))
		asking.Go(func() {
			failed[i] = fetchOnce(t.Context(), client, url, secret) != nil
			took[i] = time.Since(due)
		})
	}
	asking.Wait()
	p := poured{took: took}
	for _, is := range failed {
		if is {
			p.failed++
		}
	}
	return p
}

func fetchOnce(ctx context.Context, client *http.Client, url, secret string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d, %w", res.StatusCode, err)
	}
	return nil
}

func quantile(all []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// doorProcess is a service of one app.
type doorProcess struct{ url string }

const benchApp, benchAppSecret = "cli_bench", "secret-of-the-app"

func startDoor(t *testing.T) doorProcess {
	t.Helper()
	issuer := httptest.NewServer(feishutest.New(feishutest.Config{AppID: benchApp, AppSecret: benchAppSecret}))
	t.Cleanup(issuer.Close)
	return doorProcess{startService(t, "tokens", issuer.URL) + "/v1/tokens/crm"}
}

// startService runs a service of one app, whose issuer is at a URL, with one client at one door: tokens or gateway.
func startService(t *testing.T, door, issuer string) (url string) {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "onetoken")
	build := exec.Command("go", "build", "-o", binary, "./cmd/onetoken")
	build.Dir = ".."
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	write("app", benchAppSecret)
	write("client", doorSecret)
	write("onetoken.yaml", fmt.Sprintf(`
redis: {url: "redis://%s"}
credentials:
  - {name: crm, kind: feishu, app_id: %s, app_secret_file: app, base_url: "%s"}
%s:
  listen: 127.0.0.1:0
  clients:
    - {name: bench, secret_file: client, credentials: [crm], rate: 100000}
`, redistest.StartServer(t).Addr(), benchApp, issuer, door))
	var said redistest.Output
	cmd := exec.Command(binary, "refresher", "--config", filepath.Join(dir, "onetoken.yaml"))
	cmd.Env = []string{"HOME=" + dir}
	cmd.Stderr = &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	listens := regexp.MustCompile(door + `: listens on (http\S+)\n`)
	require.Eventually(t, func() bool { return listens.MatchString(said.String()) }, 20*time.Second, 10*time.Millisecond, "%s", &said)
	return listens.FindStringSubmatch(said.String())[1]
}

// ask waits for the first token, and returns an answer.
func (d doorProcess) ask(t *testing.T) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+doorSecret)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode, "%s", body)
	return body
}

// startNginx serves a body, in the way that is nginx' fastest: it comes with the configuration.
func startNginx(t *testing.T, nginx string, body []byte) (url string) {
	t.Helper()
	text := bytes.Repeat([]byte("x"), len(body)) // with nothing that its configuration would take for its own
	return runNginx(t, nginx, fmt.Sprintf(`
	server {
		listen 127.0.0.1:PORT;
		location / {
			default_type application/json;
			add_header Cache-Control no-store;
			return 200 "%s";
		}
	}
`, text), "") + "/"
}

// runNginx runs one with what stands in its http block, where PORT stands for one that is free, until path is answered.
func runNginx(t *testing.T, nginx, block, path string) (url string) {
	t.Helper()
	dir, port := t.TempDir(), strconv.Itoa(redistest.FreePort(t))
	conf := fmt.Sprintf(`
daemon off;
pid %[1]s/pid;
error_log %[1]s/error.log;
worker_processes auto;
events { worker_connections 1024; }
http {
	access_log off;
	keepalive_requests 1000000;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
%[2]s
}
`, dir, strings.ReplaceAll(block, "PORT", port))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o600))
	cmd := exec.Command(nginx, "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))
	var said redistest.Output
	cmd.Stderr = &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	url = "http://127.0.0.1:" + port
	require.Eventually(t, func() bool { return fetchOnce(t.Context(), http.DefaultClient, url+path, "") == nil }, 10*time.Second, 10*time.Millisecond, "%s", &said)
	return url
}
