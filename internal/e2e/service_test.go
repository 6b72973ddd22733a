package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// site is where a service runs: an issuer of many apps, a Redis, and the folder of its configuration.
type site struct {
	t      *testing.T
	dir    string
	redis  *redistest.Server
	issuer *feishutest.Issuer
	server *httptest.Server
	apps   int
}

const clientSecret = "client-secret-of-billing"

// newSite has so many apps, whose tokens live so long.
func newSite(t *testing.T, apps int, life time.Duration) *site {
	t.Helper()
	c := feishutest.Config{Life: life}
	for i := range apps {
		c.Apps = append(c.Apps, feishutest.AppConfig{ID: appID(i), Secret: appSecret(i)})
	}
	w := &site{t: t, dir: t.TempDir(), redis: redistest.StartServer(t), issuer: feishutest.New(c), apps: apps}
	w.server = httptest.NewServer(w.issuer)
	t.Cleanup(func() {
		w.server.CloseClientConnections()
		w.server.Close()
	})
	for i := range apps {
		w.write(fmt.Sprintf("app-%d", i), appSecret(i))
	}
	w.write("billing", clientSecret)
	return w
}

func appID(i int) string          { return fmt.Sprintf("cli_%016d", i) }
func appSecret(i int) string      { return fmt.Sprintf("secret-of-app-%d", i) }
func credentialName(i int) string { return fmt.Sprintf("app-%d", i) }

func (w *site) write(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	require.NoError(w.t, os.WriteFile(path+".new", []byte(content), 0o600))
	require.NoError(w.t, os.Rename(path+".new", path))
	return path
}

// configuration is of all apps, with what else is given: lines of YAML.
func (w *site) configuration(more string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "redis: {url: %s}\n", strings.TrimSuffix(w.redis.URL(), "/0"))
	fmt.Fprint(&b, "credentials:\n")
	names := make([]string, w.apps)
	for i := range w.apps {
		names[i] = credentialName(i)
		fmt.Fprintf(&b, "  - {name: %s, kind: feishu, app_id: %s, app_secret_file: app-%d, base_url: %s}\n", names[i], appID(i), i, w.server.URL)
	}
	fmt.Fprint(&b, "status: {listen: 127.0.0.1:0}\ntokens:\n  listen: 127.0.0.1:0\n  socket: tokens.sock\n  clients:\n")
	fmt.Fprintf(&b, "    - {name: billing, secret_file: billing, rate: 100000, credentials: [%s]}\n", strings.Join(names, ", "))
	return b.String() + more
}

// running is a process of `onetoken refresher --config`.
type running struct {
	t              *testing.T
	cmd            *exec.Cmd
	stderr         *redistest.Output
	status, tokens string // URLs
}

var (
	statusAt = regexp.MustCompile(`status: listens on (http\S+)\n`)
	tokensAt = regexp.MustCompile(`tokens: listens on (https?\S+)\n`)
)

// start starts a service on a configuration that is in the file of that name.
func (w *site) start(file string, flags ...string) *running {
	w.t.Helper()
	r := w.launch(file, flags...)
	require.Eventually(w.t, func() bool {
		return tokensAt.MatchString(r.stderr.String()) && statusAt.MatchString(r.stderr.String())
	}, 30*time.Second, 10*time.Millisecond, "%s", r.stderr)
	r.status = statusAt.FindStringSubmatch(r.stderr.String())[1]
	r.tokens = tokensAt.FindStringSubmatch(r.stderr.String())[1]
	return r
}

func (w *site) launch(file string, flags ...string) *running {
	w.t.Helper()
	cmd := exec.Command(binary, append([]string{"refresher", "--config", filepath.Join(w.dir, file)}, flags...)...)
	cmd.Env = []string{"HOME=" + w.dir}
	for _, name := range []string{"SYSTEMROOT", "TMPDIR", "TEMP", "NOTIFY_SOCKET", "WATCHDOG_USEC"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	r := &running{t: w.t, cmd: cmd, stderr: &redistest.Output{}}
	cmd.Stderr, cmd.Stdout = r.stderr, r.stderr
	require.NoError(w.t, cmd.Start())
	w.t.Cleanup(r.kill)
	return r
}

// name is what it is called in Redis.
func (r *running) name() string {
	host, err := os.Hostname()
	require.NoError(r.t, err)
	return fmt.Sprintf("%s (pid %d)", host, r.cmd.Process.Pid)
}

// kill is kill -9.
func (r *running) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

func (r *running) awaitReady() {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		status, _ := r.get(r.status+"/readyz", "")
		return status == http.StatusOK
	}, time.Minute, 20*time.Millisecond, "%s", r.stderr)
}

// get returns the status 0 if there was no answer.
func (r *running) get(url, secret string) (status int, body string) {
	return ask(r.t.Context(), http.DefaultClient, url, secret)
}

func ask(ctx context.Context, client *http.Client, url, secret string) (status int, body string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err.Error()
	}
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(text)
}

// handed is what the token door hands out.
type handed struct {
	Token       string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
	RefreshIn   int    `json:"refresh_in"`
	Fingerprint string `json:"fingerprint"`
	Kind        string `json:"kind"`
}

func (r *running) token(name string) handed {
	r.t.Helper()
	status, body := r.get(r.tokens+"/v1/tokens/"+name, clientSecret)
	require.Equal(r.t, http.StatusOK, status, body)
	var h handed
	require.NoError(r.t, json.Unmarshal([]byte(body), &h))
	return h
}
