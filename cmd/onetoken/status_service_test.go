package main

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A report as a service gives it, with two credentials of which one has no token, and with a secret where there is
// none: it is for whoever reads every field.
const reported = `{"version":"v1.2.3 (go1.26)","now":"2026-11-25T10:37:34Z","config":{"ok":true,"error":"","loaded_at":"2026-11-25T10:00:00Z"},
"redis":{"state":"up","since":"2026-11-25T10:00:00Z"},"credentials":[
{"app_id":"cli_a","id":"feishu:cli_a:00","state":"fresh","remaining_seconds":6000,"life_seconds":7200,"name":"crm","next_refresh_seconds":4200,"window_seconds":1800,"fetched_by":"web-7","fetched_at":"2026-11-25T10:17:34Z","some_day":"more"},
{"app_id":"cli_b","state":"%s","name":"hr","failing":"feishu refused: \u001b[2Japp secret invalid","failure":{"class":"permanent","attempts":3,"by":"web-9","retry_in_seconds":55}},
{"app_id":"cli_c","state":"absent","name":"idle","disabled":true}],"events":[]}`

// reporting answers at /api/status alone.
func reporting(t *testing.T, state *atomic.Value) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/status", func(out http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(out, reported, state.Load())
	})
	mux.Handle("GET /forbidden/api/status", http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { http.Error(out, "no", http.StatusForbidden) }))
	mux.Handle("GET /elsewhere/api/status", http.RedirectHandler("/api/status", http.StatusFound))
	mux.HandleFunc("GET /words/api/status", func(out http.ResponseWriter, _ *http.Request) { _, _ = out.Write([]byte("secret words")) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestStatusOfAService(t *testing.T) {
	t.Parallel()
	var state atomic.Value
	state.Store("absent")
	at := reporting(t, &state).URL
	got := world{}.run(t, "status", "--service", at+"/")
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "onetoken: no usable token of hr\n", got.stderr, "a disabled one does not count")
	assert.Equal(t, "2026-11-25T10:37:34Z service "+at+`, v1.2.3
1 of 2 credentials needs you: hr.
Without a token: hr.
Next: hr is tried again in 55 s.
Redis up for 37 min, configuration loaded 37 min ago.

No token      hr
  feishu refused: [2Japp secret invalid
  tried again in 55 s, attempts in a row: 3, the last by web-9
Well          crm   100 min of 2 h left, refreshes in 70 min
  fetched 2026-11-25 10:17:34Z by web-7
Disabled      idle
`, got.stdout)

	state.Store("due")
	got = world{}.run(t, "status", "--json", "--service", strings.TrimPrefix(at, "http://"))
	assert.Equal(t, exitOK, got.code, got.stderr)
	all := objects(t, got.stdout)
	assert.Equal(t, "more", all[0]["some_day"], "every field of the service's")
	assert.NotContains(t, got.stdout, "\x1b")
}

// What its /healthz calls dead is no good status, whatever tokens it still hands out.
func TestStatusOfAServiceThatStandsStill(t *testing.T) {
	t.Parallel()
	body := strings.Replace(fmt.Sprintf(reported, "fresh"), `"config":`, `"stands_still":"the cache has told of nothing for 1m0s","config":`, 1)
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(out, body) }))
	t.Cleanup(server.Close)
	got := world{}.run(t, "status", "--service", server.URL)
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "onetoken: the service stands still: restart it\n", got.stderr)
	assert.Contains(t, got.stdout, "\nThe service stands still and refreshes nothing: restart it.\n1 of 2 credentials needs you: hr.\n")
}

// The last line can be read, however many have none.
func TestStatusNamesSomeWithoutAToken(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		const one = `{"state":"absent","name":"`
		_, _ = io.WriteString(out, `{"now":"2026-11-25T10:37:34Z","credentials":[`+one+strings.Join(strings.Split("abcde", ""), `"},`+one)+`"}]}`)
	}))
	t.Cleanup(server.Close)
	got := world{}.run(t, "status", "--service", server.URL)
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "onetoken: no usable token of a, b, c and 2 more\n", got.stderr)
}

func TestStatusOfAServiceThatIsNone(t *testing.T) {
	t.Parallel()
	var state atomic.Value
	state.Store("fresh")
	at := reporting(t, &state).URL
	for url, want := range map[string]string{
		"http://" + nobody(t): "no service answers at ",
		at + "/nothing":       "shows no status of a service (HTTP 404)",
		at + "/forbidden":     "give one by --cert-file and --key-file",
		at + "/elsewhere":     "shows no status of a service (HTTP 302)",
		at + "/words":         "shows no status of a service, but something else",
	} {
		got := world{}.run(t, "status", "--service", url)
		assert.Equal(t, exitFailed, got.code, url)
		assert.Contains(t, got.stderr, want)
		assert.Equal(t, 1, strings.Count(got.stderr, "\n"))
		assert.NotContains(t, got.stderr, "secret words")
		assert.Empty(t, got.stdout)
	}
	for _, args := range [][]string{
		{"--service", "redis://x"}, {"--service", "http://me:pass-word@x"}, {"--service", "http://"}, {"--service", at, "--config", "x"},
		{"--ca-file", "x"}, {"--service", at, "--ca-file", "/none"}, {"--service", at, "--cert-file", "/none"}, {"--service", at, "--ca-file", os.DevNull},
	} {
		got := world{}.run(t, append([]string{"status"}, args...)...)
		assert.Equal(t, exitUsage, got.code, args)
		assert.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
		assert.NotContains(t, got.stderr, "pass-word")
	}
}

// A service with TLS is believed by its authority alone.
func TestStatusOfAServiceWithTLS(t *testing.T) {
	t.Parallel()
	var state atomic.Value
	state.Store("fresh")
	plain := reporting(t, &state)
	secure := httptest.NewUnstartedServer(plain.Config.Handler)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600))
	assert.Contains(t, world{}.run(t, "status", "--service", secure.URL).stderr, "certificate")
	got := world{}.run(t, "status", "--service", secure.URL, "--ca-file", ca)
	assert.Equal(t, exitOK, got.code, got.stderr)
}

func TestStatusWatchesAService(t *testing.T) {
	t.Parallel()
	var state atomic.Value
	state.Store("fresh")
	server := reporting(t, &state)
	r := world{}.watch(t, "--service", server.URL)
	seen := func(what string) func() bool {
		return func() bool { return strings.Contains(r.stdout.String(), what) }
	}
	eventually(t, seen("Needs you     hr"))
	state.Store("absent")
	eventually(t, seen("No token      hr"))
	server.Close()
	eventually(t, func() bool { return strings.Contains(r.stderr.String(), "onetoken: no service answers at ") })
	r.interrupt()
	assert.Equal(t, exitOK, <-r.code)
}
