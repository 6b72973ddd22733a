package bench_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// TestRefreshers is a dozen processes of `onetoken refresher` on one token, and what they say to
// Redis for a rotation. What is counted are whole rotations, as in TestRealFleet.
func TestRefreshers(t *testing.T) {
	life := time.Duration(sized(14, 4)) * time.Second
	out := &results.Refreshers{Processes: sized(12, 2), Rotations: sized(3, 1), LifeSeconds: life.Seconds()}
	server := redistest.StartServer(t)
	a := newAuditor(t, server)
	issuer := feishutest.New(feishutest.Config{Life: life})
	web := httptest.NewServer(issuer)
	defer web.Close()
	binary := buildOnetoken(t)
	for range out.Processes {
		startRefresher(t, binary, server, web.URL, issuer)
	}
	next := func() {
		calls := issuer.Stats().Calls
		require.Eventually(t, func() bool { return issuer.Stats().Calls > calls }, 2*life, 10*time.Millisecond)
		time.Sleep(life / 2) // by then all have it, and nobody's is due
	}
	next()
	a.rest()
	before, calls := a.now(), issuer.Stats().Calls
	for range out.Rotations {
		next()
		b := a.since(before)
		out.Scripts.Add(float64(b.scripts) / float64(out.Processes))
		out.Commands.Add(float64(b.said) / float64(out.Processes))
		out.RedisMicros.Add(b.micros / float64(out.Processes))
		out.CallsEach.Add(float64(issuer.Stats().Calls - calls))
		before, calls = a.now(), issuer.Stats().Calls
	}
	t.Logf("%d refreshers: of a process and rotation %.2f scripts, %.2f commands, %.1f µs of Redis' CPU; %.0f calls a rotation",
		out.Processes, out.Scripts.Median(), out.Commands.Median(), out.RedisMicros.Median(), out.CallsEach.Max())
	found.Refreshers = out
}

// buildOnetoken has the binary of the module beside this one.
func buildOnetoken(t *testing.T) string {
	binary := filepath.Join(t.TempDir(), "onetoken")
	build := exec.Command("go", "build", "-o", binary, "./cmd/onetoken")
	build.Dir = ".."
	said, err := build.CombinedOutput()
	require.NoError(t, err, string(said))
	return binary
}

func startRefresher(t *testing.T, binary string, server *redistest.Server, url string, issuer *feishutest.Issuer) {
	cmd := exec.Command(binary, "refresher", "--listen", "")
	cmd.Env = []string{
		"HOME=" + t.TempDir(), "REDIS_URL=" + server.URL(), "FEISHU_BASE_URL=" + url,
		"FEISHU_APP_ID=" + issuer.AppID(), "FEISHU_APP_SECRET=" + issuer.AppSecret(),
	}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		assert.NoError(t, cmd.Process.Signal(os.Interrupt))
		assert.NoError(t, cmd.Wait(), "a refresher that was told to end")
	})
}
