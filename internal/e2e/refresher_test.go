package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// refresher is a process of `onetoken refresher`.
type refresher struct{ *process }

func (w *world) refresher() *refresher {
	w.t.Helper()
	return &refresher{w.listening("refresher", "--listen", "127.0.0.1:0", "--log-level", "info")}
}

func (r *refresher) ready() bool {
	status, _ := r.get("/readyz")
	return status == http.StatusOK
}

// lasts is how long a test of a refresher takes: ONETOKEN_REFRESHERS, such as 5m, or
// less by default.
func lasts(t *testing.T, unless time.Duration) time.Duration {
	t.Helper()
	text, ok := os.LookupEnv("ONETOKEN_REFRESHERS")
	if !ok {
		return unless
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err, "ONETOKEN_REFRESHERS")
	return d
}

// TestKilledRefreshers kills one of two again and again. Whoever looks into Redis
// meanwhile always finds a token, and the issuer takes it.
func TestKilledRefreshers(t *testing.T) {
	length := lasts(t, 25*time.Second)
	killEvery := min(20*time.Second, length/3)
	w := newWorld(t, feishutest.Config{Life: 20 * time.Second, Latency: 300 * time.Millisecond})
	both := []*refresher{w.refresher(), w.refresher()}
	w.soon(func() bool { return both[0].ready() && both[1].ready() })

	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	seen := make(chan sightings, 1)
	go func() { seen <- w.watch(ctx) }()
	kills, began := 0, time.Now()
	for tick := time.Tick(killEvery); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-tick:
			both[kills%2].kill()
			both[kills%2] = w.refresher()
			kills++
		}
	}
	s, stats, took := <-seen, w.issuer.Stats(), time.Since(began)
	t.Logf("%v: %d kills, %d rotations, %d successful calls, %d refused; %v", took.Round(time.Second), kills, stats.Rotations, stats.Calls, stats.Refused, s)
	assert.Zero(t, s.absent, "the key was absent")
	assert.Zero(t, s.dead, "the token was dead")
	assert.Zero(t, s.failed, "redis did not answer")
	assert.Greater(t, s.looks, int(length/(2*lookEvery)))
	assert.Positive(t, kills)
	assert.GreaterOrEqual(t, stats.Rotations, 2)
	assert.LessOrEqual(t, stats.Calls, stats.Rotations+kills)
	assert.LessOrEqual(t, stats.Rotations, 2+int(took/(15*time.Second)), "not before the issuer's window")
}

const lookEvery = 50 * time.Millisecond

// sightings of a watcher.
type sightings struct {
	looks, absent, dead, failed int
	least                       time.Duration // life of a token that was seen
	gap                         time.Duration // between two looks, at most
}

func (s sightings) String() string {
	return fmt.Sprintf("%d looks, %v apart at most; absent %d, dead %d; at least %v left",
		s.looks, s.gap.Round(time.Millisecond), s.absent, s.dead, s.least.Round(time.Millisecond))
}

// watch looks what is stored until ctx ends.
func (w *world) watch(ctx context.Context) sightings {
	s, key, rdb := sightings{least: time.Hour}, w.tokenKey(), w.client()
	known := map[string]string{} // by fingerprint
	for tick, last := time.Tick(lookEvery), time.Now(); ; {
		select {
		case <-ctx.Done():
			return s
		case <-tick:
		}
		s.gap, last = max(s.gap, time.Since(last)), time.Now()
		stored, err := rdb.HMGet(context.WithoutCancel(ctx), key, "fingerprint").Result()
		s.looks++
		if err != nil {
			s.failed++
			continue
		}
		fp, ok := stored[0].(string)
		if !ok {
			s.absent++
			continue
		}
		if known[fp] == "" {
			for _, p := range w.issuer.Pairs() {
				known[tokencache.NewToken(p.App, p.Tenant, time.Hour).Fingerprint()] = p.App
			}
		}
		left := w.issuer.Remaining(known[fp]) // 0 for one that the issuer never gave
		s.least = min(s.least, left)
		if left == 0 {
			s.dead++
		}
	}
}

// TestIdleRefresher finds a token that lives for long, and has nothing to do; nor has
// another beside it.
func TestIdleRefresher(t *testing.T) {
	w := newWorld(t, feishutest.Config{})
	w.issuer.SetRemaining(76 * time.Minute)
	r := w.refresher()
	w.soon(r.ready)
	w.soon(w.refresher().ready) // from redis
	time.Sleep(time.Second)     // until what the start needed is gone
	length := lasts(t, 4*time.Second)
	var goroutines, rss []int
	for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(time.Second) {
		_, text := r.get("/metrics")
		goroutines = append(goroutines, sample(t, text, "go_goroutines"))
		if runtime.GOOS == "linux" {
			rss = append(rss, residentKiB(t, r.cmd.Process.Pid))
		}
	}
	t.Logf("%v: %d calls; goroutines %v; RSS in KiB %v", length, w.issuer.Stats().Calls, spread(goroutines), spread(rss))
	assert.LessOrEqual(t, w.issuer.Stats().Calls, 1)
	assert.InDelta(t, goroutines[0], goroutines[len(goroutines)-1], 3, "scrapes take some")
	for _, kib := range rss {
		assert.Less(t, kib, 40<<10)
	}
}

func sample(t *testing.T, metrics, name string) int {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + name + ` (\d+)$`).FindStringSubmatch(metrics)
	require.Len(t, found, 2, name)
	n, err := strconv.Atoi(found[1])
	require.NoError(t, err)
	return n
}

func residentKiB(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindStringSubmatch(string(status))
	require.Len(t, found, 2)
	kib, err := strconv.Atoi(found[1])
	require.NoError(t, err)
	return kib
}

// spread is first, middle, last, least and most.
func spread(values []int) string {
	if len(values) == 0 {
		return "not known"
	}
	least, most := values[0], values[0]
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	return fmt.Sprintf("%d at first, %d in the middle, %d at last, %d to %d",
		values[0], values[len(values)/2], values[len(values)-1], least, most)
}

// TestMetricsByPromtool has Prometheus' own tool look at what a refresher shows.
func TestMetricsByPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv(redistest.RequireEnv) == "1" {
			t.Fatal("promtool is not installed, but " + redistest.RequireEnv + "=1")
		}
		t.Skip("promtool is not installed: it comes with Debian's prometheus")
	}
	w := newWorld(t, feishutest.Config{})
	r := w.refresher()
	w.soon(r.ready)
	_, text := r.get("/metrics")
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(text)
	says, err := check.CombinedOutput()
	assert.NoError(t, err, string(says))
	assert.Empty(t, string(says))
	assertNone(t, text+r.stderr.String(), secret, w.issuer.Pairs()[0].App, w.issuer.Pairs()[0].Tenant)
}
