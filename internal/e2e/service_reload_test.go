//go:build unix

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// loaded is what /api/status tells of the configuration.
type loaded struct {
	OK       bool      `json:"ok"`
	Error    string    `json:"error"`
	LoadedAt time.Time `json:"loaded_at"`
}

func (r *running) loaded() (l loaded) {
	r.t.Helper()
	_, body := r.get(r.status+"/api/status", "")
	var report struct{ Config loaded }
	require.NoError(r.t, json.Unmarshal([]byte(body), &report), body)
	return report.Config
}

// reload has the files be read now, and waits until that came to something.
func (r *running) reload(ok bool) {
	r.t.Helper()
	before := r.loaded()
	require.NoError(r.t, r.cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(r.t, func() bool {
		now := r.loaded()
		return now.OK == ok && (!ok || now.LoadedAt.After(before.LoadedAt))
	}, 10*time.Second, 20*time.Millisecond, "%s", r.stderr)
}

// TestReloadsUnderLoad changes the configuration again and again, every third time to one that is broken,
// while a crowd asks: each request gets a good token, at the first try.
func TestReloadsUnderLoad(t *testing.T) {
	reloads := 15
	if text, ok := os.LookupEnv("ONETOKEN_RELOADS"); ok {
		var err error
		reloads, err = strconv.Atoi(text)
		require.NoError(t, err, "ONETOKEN_RELOADS")
	}
	w := newSite(t, 5, 20*time.Second)
	w.write("more", "secret-of-app-0-too")
	good := w.configuration("")
	w.write("service.yaml", good)
	r := w.start("service.yaml")
	r.awaitReady()
	_, port, _ := strings.Cut(strings.TrimPrefix(r.tokens, "http://"), ":")
	at, err := strconv.Atoi(port)
	require.NoError(t, err)

	ctx, stop := context.WithCancel(t.Context())
	var tally tally
	asking := make(chan struct{})
	go func() {
		defer close(asking)
		w.crowd(ctx, []int{at, at}, &tally)
	}()
	for i := range reloads {
		switch i % 3 {
		case 0:
			w.write("service.yaml", strings.Replace(good, "status:", fmt.Sprintf("  - {name: more-%d, kind: feishu, app_id: cli_more, app_secret_file: more, base_url: %s}\nstatus:", i, w.server.URL), 1))
			r.reload(true)
		case 1:
			w.write("service.yaml", good[:len(good)/2])
			r.reload(false)
		case 2:
			w.write("service.yaml", good+fmt.Sprintf("    - {name: other-%d, secret_file: more, credentials: []}\n", i))
			r.reload(true)
		}
	}
	stop()
	<-asking
	t.Logf("%d reloads: %d requests, %d not answered, %d dead tokens", reloads, tally.asked.Load(), tally.repeated.Load(), tally.dead.Load())
	assert.Zero(t, tally.repeated.Load(), "%s", r.stderr)
	assert.Zero(t, tally.dead.Load())
	assert.Greater(t, tally.asked.Load(), int64(reloads*5))
}

// TestServiceEndsInTime lets a request under way finish, and ends within 10 s with the status 0.
func TestServiceEndsInTime(t *testing.T) {
	t.Parallel()
	w := newSite(t, 1, 2*time.Hour)
	w.write("service.yaml", w.configuration(""))
	r := w.start("service.yaml")
	r.awaitReady()
	began := time.Now()
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, r.cmd.Wait())
	assert.Less(t, time.Since(began), 10*time.Second)
	_, err := os.Stat(w.dir + "/tokens.sock")
	assert.ErrorIs(t, err, os.ErrNotExist, "the socket is gone")
}

// TestServiceStartsWithoutRedisAndIssuer: it starts, is not ready, and says why; it is ready once there is
// an issuer.
func TestServiceStartsWithoutRedisAndIssuer(t *testing.T) {
	t.Parallel()
	w := newSite(t, 1, 2*time.Hour)
	w.write("service.yaml", w.configuration(""))
	w.redis.Kill()
	w.issuer.App(appID(0)).SetFault(feishutest.Status(503))
	r := w.start("service.yaml")
	require.Eventually(t, func() bool {
		_, body := r.get(r.status+"/readyz", "")
		return strings.Contains(body, "app-0: feishu")
	}, 20*time.Second, 50*time.Millisecond)
	status, body := r.get(r.tokens+"/v1/tokens/app-0", clientSecret)
	assert.Equal(t, 503, status, body)
	assert.Contains(t, body, "temporarily_unavailable")
	w.issuer.App(appID(0)).SetFault(feishutest.Fault{})
	r.awaitReady()
	assert.True(t, w.issuer.Valid(r.token("app-0").Token), "straight from the issuer")
	w.redis.Restart()
}

// TestCheckedConfiguration has --check say all that is wrong, and start nothing.
func TestCheckedConfiguration(t *testing.T) {
	t.Parallel()
	w := newSite(t, 2, 2*time.Hour)
	w.write("good.yaml", w.configuration(""))
	r := w.launch("good.yaml", "--check")
	require.NoError(t, r.cmd.Wait(), "%s", r.stderr)
	assert.Contains(t, r.stderr.String(), "the configuration is good")
	w.write("bad.yaml", strings.ReplaceAll(w.configuration("    - {nam: x}\n"), "kind: feishu", "kind: lark"))
	r = w.launch("bad.yaml", "--check")
	assert.Error(t, r.cmd.Wait())
	assert.Equal(t, 2, r.cmd.ProcessState.ExitCode())
	assert.Equal(t, 2, strings.Count(r.stderr.String(), `"lark"`), r.stderr.String())
	assert.Contains(t, r.stderr.String(), "tokens.clients[1].nam")
	assert.GreaterOrEqual(t, strings.Count(r.stderr.String(), "\nonetoken: "), 3, "each in a line of its own")
}
