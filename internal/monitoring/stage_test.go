package monitoring

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/service"
)

// stage is some services on one Redis, and an issuer, in this process.
type stage struct {
	t        *testing.T
	dir      string
	redis    *miniredis.Miniredis
	issuer   string // its URL
	services []listening
}

// listening is where a service does, as URLs.
type listening struct{ status, tokens string }

const (
	appID, appSecret = "cli_dashboard", "secret-of-the-app"
	busyID           = "cli_busy" // of which the issuer answers with errors
	clientSecret     = "secret-of-a-client"
)

func newStage(t *testing.T, services int) *stage {
	t.Helper()
	apps := feishutest.New(feishutest.Config{AppID: appID, AppSecret: appSecret, Apps: []feishutest.AppConfig{{ID: busyID, Secret: appSecret}}})
	apps.App(busyID).SetFault(feishutest.Status(http.StatusServiceUnavailable))
	issuer := httptest.NewServer(apps)
	t.Cleanup(issuer.Close)
	w := &stage{t: t, dir: t.TempDir(), redis: miniredis.RunT(t), issuer: issuer.URL}
	w.write("crm", appSecret)
	w.write("client", clientSecret)
	w.write("onetoken.yaml", fmt.Sprintf(`
redis: {url: "redis://%s"}
credentials:
  - {name: crm, kind: feishu, app_id: %s, app_secret_file: crm, base_url: "%s"}
status: {listen: "127.0.0.1:0"}
tokens:
  listen: 127.0.0.1:0
  clients:
    - {name: billing, secret_file: client, credentials: [crm]}
`, w.redis.Addr(), appID, w.issuer))
	for range services {
		w.services = append(w.services, w.start())
	}
	return w
}

func (w *stage) write(name, content string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600))
}

// change has a file hold another text in the place of one.
func (w *stage) change(name, before, after string) {
	w.t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.dir, name))
	require.NoError(w.t, err)
	require.Contains(w.t, string(raw), before)
	w.write(name, strings.Replace(string(raw), before, after, 1))
}

// start runs a service until the test ends.
func (w *stage) start() (at listening) {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended, said := make(chan struct{}), make(chan string, 10)
	go func() {
		defer close(ended)
		assert.NoError(w.t, service.Run(ctx, service.Options{
			Path: filepath.Join(w.dir, "onetoken.yaml"), Getenv: func(string) string { return "" },
			Logger: slog.New(slog.DiscardHandler), Version: "v1.2.3", Say: func(line string) { said <- line },
		}))
	}()
	w.t.Cleanup(func() {
		stop()
		<-ended
	})
	for at.status == "" || at.tokens == "" {
		select {
		case line := <-said:
			door, url, _ := strings.Cut(line, ": listens on ")
			if door == "status" {
				at.status = url
			} else {
				at.tokens = url
			}
		case <-ended:
			w.t.FailNow()
		}
	}
	w.get(http.StatusOK, at.status+"/readyz", "")
	return at
}

// get asks until the answer has the status.
func (w *stage) get(status int, url, secret string) (body string) {
	w.t.Helper()
	require.EventuallyWithT(w.t, func(c *assert.CollectT) {
		req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, url, nil)
		require.NoError(c, err)
		if secret != "" {
			req.Header.Set("Authorization", "Bearer "+secret)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(c, err)
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		require.NoError(c, err)
		body = string(raw)
		assert.Equal(c, status, res.StatusCode, body)
	}, time.Minute, 50*time.Millisecond)
	return body
}

// knock has each service hand out a token, and refuse one.
func (w *stage) knock() {
	w.t.Helper()
	for _, at := range w.services {
		w.get(http.StatusOK, at.tokens+"/v1/tokens/crm", clientSecret)
		w.get(http.StatusUnauthorized, at.tokens+"/v1/tokens/crm", "not-"+clientSecret)
	}
}

func (w *stage) metrics(service int) string {
	w.t.Helper()
	return w.get(http.StatusOK, w.services[service].status+"/metrics", "")
}

// trouble causes all that the dashboard has a figure for, and returns once the last of it was noticed. Seen waits until a
// query has a value above 0: what happens before a counter is seen makes no rate.
func (w *stage) trouble(seen func(expr string)) {
	w.t.Helper()
	w.knock()
	w.write("bad", "not-"+appSecret)
	w.change("onetoken.yaml", "status:", fmt.Sprintf("  - {name: bad, kind: feishu, app_id: %s, app_secret_file: bad, base_url: %q}\n"+
		"  - {name: busy, kind: feishu, app_id: %s, app_secret_file: crm, base_url: %q}\nstatus:", appID, w.issuer, busyID, w.issuer))
	w.change("onetoken.yaml", "[crm]", "[crm, bad, busy]")
	seen("onetoken_credential_refused")
	seen("onetoken_door_refusals_total")
	w.knock()
	for _, at := range w.services {
		w.get(http.StatusBadGateway, at.tokens+"/v1/tokens/bad", clientSecret) // which waits for an answer
	}

	w.write("crm", "not-"+appSecret)
	seen("onetoken_credential_newer_since_timestamp_seconds")
	w.change("onetoken.yaml", "status:", "stattus:")
	seen("onetoken_config_last_reload_successful == bool 0")
	w.redis.Close()
	seen("onetoken_redis_up == bool 0")
}
