package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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
	"github.com/onetoken-go/onetoken/internal/built"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// binary is onetoken, as it is now.
var binary string

func TestMain(m *testing.M) { os.Exit(built.Run(m, "../../..", &binary)) }

// site is where a service runs: an issuer of apps, a Redis, and the folder of its configuration.
type site struct {
	t      *testing.T
	dir    string
	redis  string // URL
	issuer *feishutest.Issuer
	url    string // the issuer's
	apps   []string
}

const clientSecret = "client-secret-of-billing"

// secretOf is an app's; none of them, and no token, may be on the page.
func secretOf(app string) string { return "secret-of-" + app }

// newSite has apps of these names, whose tokens live so long.
func newSite(t *testing.T, redis string, life time.Duration, apps ...string) *site {
	t.Helper()
	return newSiteOf(t, redis, feishutest.Config{Life: life}, apps...)
}

// newSiteOf has an issuer of one's own.
func newSiteOf(t *testing.T, redis string, c feishutest.Config, apps ...string) *site {
	t.Helper()
	for _, app := range apps {
		c.Apps = append(c.Apps, feishutest.AppConfig{ID: idOf(app), Secret: secretOf(app)})
	}
	w := &site{t: t, dir: t.TempDir(), redis: redis, issuer: feishutest.New(c), apps: apps}
	server := httptest.NewServer(w.issuer)
	t.Cleanup(server.Close)
	w.url = server.URL
	for _, app := range apps {
		w.write(app, secretOf(app))
	}
	for _, client := range clients {
		w.write("client-"+client, clientSecret+client)
	}
	return w
}

var clients = []string{"billing", "web", "reports", "nightly", "audit"}

func idOf(app string) string {
	sum := sha256.Sum256([]byte(app))
	return "cli_" + hex.EncodeToString(sum[:8])
}

func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("app-%03d", i)
	}
	return names
}

func (w *site) app(name string) *feishutest.App { return w.issuer.App(idOf(name)) }

func (w *site) write(name, content string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	require.NoError(w.t, os.WriteFile(path+".new", []byte(content), 0o600))
	require.NoError(w.t, os.Rename(path+".new", path))
}

// configuration is of these apps, all of which the clients may have.
func (w *site) configuration(apps ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "redis: {url: %q}\ncredentials:\n", w.redis)
	for _, app := range apps {
		fmt.Fprintf(&b, "  - {name: %s, kind: feishu, app_id: %s, app_secret_file: %s, base_url: %q}\n", app, idOf(app), app, w.url)
	}
	fmt.Fprint(&b, "status: {listen: \"127.0.0.1:0\"}\ntokens:\n  listen: 127.0.0.1:0\n  clients:\n")
	for _, client := range clients {
		fmt.Fprintf(&b, "    - {name: %s, secret_file: client-%s, rate: 10000, credentials: [%s]}\n", client, client, strings.Join(apps, ", "))
	}
	return b.String()
}

// service is a process of `onetoken refresher --config`.
type service struct {
	t              *testing.T
	cmd            *exec.Cmd
	stderr         *redistest.Output
	status, tokens string // URLs
}

var listens = regexp.MustCompile(`(status|tokens): listens on (http\S+)\n`)

// start starts one on a configuration of all apps.
func (w *site) start() *service {
	w.t.Helper()
	w.write("onetoken.yaml", w.configuration(w.apps...))
	return w.startOn("onetoken.yaml")
}

func (w *site) startOn(file string) *service {
	w.t.Helper()
	s := &service{t: w.t, cmd: exec.Command(binary, "refresher", "--config", file), stderr: &redistest.Output{}}
	s.cmd.Dir, s.cmd.Env, s.cmd.Stderr = w.dir, []string{"HOME=" + w.dir}, s.stderr
	require.NoError(w.t, s.cmd.Start())
	w.t.Cleanup(s.end)
	require.Eventually(w.t, func() bool { return len(listens.FindAllString(s.stderr.String(), -1)) == 2 }, 30*time.Second, 10*time.Millisecond, "%s", s.stderr)
	for _, found := range listens.FindAllStringSubmatch(s.stderr.String(), -1) {
		if found[1] == "status" {
			s.status = found[2]
		} else {
			s.tokens = found[2]
		}
	}
	return s
}

func (s *service) awaitReady() {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		res, err := http.Get(s.status + "/readyz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, time.Minute, 20*time.Millisecond, "%s", s.stderr)
}

func (s *service) end() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// ask sends a request of a client to the token door, and returns the status and the answer's fields.
func (s *service) ask(client, method, path string, body any) (int, map[string]any) {
	s.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(s.t, err)
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.tokens+path, bytes.NewReader(raw))
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer "+clientSecret+client)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	var answer map[string]any
	require.NoError(s.t, json.Unmarshal(text, &answer), "%s", text)
	return res.StatusCode, answer
}

// token is what a client gets.
func (s *service) token(client, app string) string {
	s.t.Helper()
	status, answer := s.ask(client, http.MethodGet, "/v1/tokens/"+app, nil)
	require.Equal(s.t, http.StatusOK, status, "%v", answer)
	return answer["access_token"].(string)
}

// reject has an app's token be refused by an API, so that the issuer is asked for another.
func (w *site) reject(s *service, app string) {
	s.t.Helper()
	token := s.token("billing", app)
	w.app(app).Revoke()
	status, answer := s.ask("billing", http.MethodPost, "/v1/tokens/"+app+"/reject", map[string]string{"access_token": token})
	require.Equal(s.t, http.StatusOK, status, "%v", answer)
}
