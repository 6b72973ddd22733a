package alerts_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/internal/service"
)

// metricsOfAService are the labels of each metric of a service that has done a little of everything.
func metricsOfAService(t *testing.T) map[string][]string {
	t.Helper()
	issuer := httptest.NewServer(feishutest.New(feishutest.Config{AppID: "cli_a", AppSecret: "secret-of-crm"}))
	t.Cleanup(issuer.Close)
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("crm", "secret-of-crm")
	write("onetoken.yaml", fmt.Sprintf(`
redis: {url: "redis://127.0.0.1:%d"}
credentials:
  - {name: crm, kind: feishu, app_id: cli_a, app_secret_file: crm, base_url: %q}
status: {listen: "127.0.0.1:0"}
tokens: {listen: "127.0.0.1:0", clients: []}
`, redistest.FreePort(t), issuer.URL))

	lines, ended := make(chan string, 10), make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		ended <- service.Run(ctx, service.Options{
			Path: filepath.Join(dir, "onetoken.yaml"), Getenv: func(string) string { return "" }, Logger: slog.New(slog.DiscardHandler),
			Version: "v0", Say: func(line string) { lines <- line },
		})
	}()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-ended)
	})
	at := map[string]string{}
	for range 2 {
		door, url, ok := strings.Cut(<-lines, ": listens on ")
		require.True(t, ok)
		at[door] = url
	}
	status, _ := get(t, at["tokens"]+"/v1/tokens/crm")
	require.Equal(t, http.StatusUnauthorized, status)
	var text string
	require.Eventually(t, func() bool {
		_, text = get(t, at["status"]+"/metrics")
		return strings.Contains(text, `onetoken_credential_calls_total{credential="crm",direct="true",outcome="ok"} 1`)
	}, 30*time.Second, 50*time.Millisecond, "Redis is not there")

	labels := map[string][]string{}
	for _, series := range regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? \S+$`).FindAllStringSubmatch(text, -1) {
		labels[series[1]] = nil
		for _, pair := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(series[2], -1) {
			labels[series[1]] = append(labels[series[1]], pair[1])
		}
	}
	return labels
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	return ask(t, http.MethodGet, url, "")
}

// client does not wait long for a process that was stopped.
var client = &http.Client{Timeout: 3 * time.Second}

// ask returns the status 0 if there was no answer.
func ask(t *testing.T, method, url, secret string) (status int, body string) {
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
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
