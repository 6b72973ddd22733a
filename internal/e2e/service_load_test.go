//go:build linux

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// size is how large and long a load test is: as ONETOKEN_SERVICE says, such as 500,10m; or small.
func size(t *testing.T) (apps int, length time.Duration) {
	t.Helper()
	text, ok := os.LookupEnv("ONETOKEN_SERVICE")
	if !ok {
		return 20, 65 * time.Second
	}
	count, duration, _ := strings.Cut(text, ",")
	apps, err := strconv.Atoi(count)
	require.NoError(t, err, "ONETOKEN_SERVICE")
	length, err = time.ParseDuration(duration)
	require.NoError(t, err, "ONETOKEN_SERVICE")
	return apps, length
}

// consumption is what /proc knows of a process.
type consumption struct {
	rss int // KiB, the most so far
	cpu time.Duration
}

func (r *running) consumed() consumption {
	r.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.cmd.Process.Pid))
	require.NoError(r.t, err)
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	require.NoError(r.t, err)
	rss, _ := strconv.Atoi(regexp.MustCompile(`VmHWM:\s+(\d+)`).FindStringSubmatch(string(status))[1])
	return consumption{rss: rss, cpu: time.Duration(user+system) * 10 * time.Millisecond}
}

func (r *running) metric(name string) float64 {
	r.t.Helper()
	_, text := r.get(r.status+"/metrics", "")
	match := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(text)
	require.NotNil(r.t, match, name)
	value, err := strconv.ParseFloat(match[1], 64)
	require.NoError(r.t, err)
	return value
}

// sum adds up the series of a metric.
func (r *running) sum(name string) (sum float64) {
	r.t.Helper()
	_, text := r.get(r.status+"/metrics", "")
	for _, match := range regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(name)+`(?:\{.*\})? (\S+)$`).FindAllStringSubmatch(text, -1) {
		value, err := strconv.ParseFloat(match[1], 64)
		require.NoError(r.t, err)
		sum += value
	}
	return sum
}

// TestServiceUnderLoad keeps many credentials whose tokens live for a minute, with Redis gone for a part
// of the time: one call per rotation, and never one without a token. While Redis is there each is refreshed
// before its token is urgent, and nobody waits; without it that is when issuers are asked.
func TestServiceUnderLoad(t *testing.T) {
	const life = time.Minute
	apps, length := size(t)
	w := newSite(t, apps, life)
	w.write("service.yaml", w.configuration(""))
	r := w.start("service.yaml")
	r.awaitReady()
	for i := range apps {
		r.token(credentialName(i))
	}
	goroutines := r.metric("go_goroutines")
	const waited = "onetoken_wait_duration_seconds_count"
	waits, began, before := r.sum(waited), time.Now(), r.consumed()

	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	outage := length / 4
	gone, back, over := time.After(length*3/5), (<-chan time.Time)(nil), (<-chan time.Time)(nil)
	asked, urgent, dead, withoutToken := 0, 0, 0, 0
	calm, waitsInCalm := true, 0.0 // no longer while Redis is gone, nor until what was due then is done
	for tick := time.Tick(50 * time.Millisecond); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-gone:
			waitsInCalm += r.sum(waited) - waits
			calm = false
			w.redis.Kill()
			gone, back = nil, time.After(outage)
		case <-back:
			w.redis.Restart()
			back, over = nil, time.After(life)
		case <-over:
			calm, over, waits = true, nil, r.sum(waited)
		case <-tick:
			i := rand.IntN(apps)
			status, body := r.get(r.tokens+"/v1/tokens/"+credentialName(i), clientSecret)
			asked++
			var h handed
			if status != http.StatusOK || json.Unmarshal([]byte(body), &h) != nil {
				t.Logf("%s: %d %s", credentialName(i), status, body)
				withoutToken++
				continue
			}
			switch left := w.issuer.Remaining(h.Token); {
			case left <= 0:
				dead++
			case calm && left < life*3/32: // half of what is left of the window, a quarter of the life, less its margin of a quarter
				urgent++
			}
		}
	}
	if calm {
		waitsInCalm += r.sum(waited) - waits
	}
	took, after := time.Since(began), r.consumed()
	calls, rotations := 0, 0
	for i := range apps {
		stats := w.issuer.App(appID(i)).Stats()
		calls, rotations = calls+stats.Calls, rotations+stats.Rotations
	}
	core := (after.cpu - before.cpu).Seconds() / took.Seconds()
	t.Logf("%d credentials, %v, Redis gone for %v: %d rotations, %d calls; %d asked, %d without a token, %d dead; while Redis was there: %d urgent, %v waits; peak RSS %d KiB; %.1f %% of a core; goroutines %v, now %v",
		apps, took.Round(time.Second), outage, rotations, calls, asked, withoutToken, dead, urgent, waitsInCalm,
		after.rss, 100*core, goroutines, r.metric("go_goroutines"))
	assert.Equal(t, rotations, calls, "one call per rotation")
	assert.Zero(t, withoutToken)
	assert.Zero(t, dead)
	assert.Zero(t, urgent, "each is refreshed before it is urgent")
	assert.Zero(t, waitsInCalm, "no Get waited after the first")
	assert.Less(t, after.rss, 100<<10)
	assert.Less(t, goroutines, 120.0, "independent of the number of credentials")
	assert.Greater(t, asked, int(length/time.Second)*5)
}

// TestTwoServices kills one of two again and again, while a fleet of clients asks both: each asks the other
// once if one does not answer, and none is ever without a token, or has a dead one.
func TestTwoServices(t *testing.T) {
	length := lasts(t, 25*time.Second)
	killEvery := min(20*time.Second, length/4)
	w := newSite(t, 5, 20*time.Second)
	ports := []int{redistest.FreePort(t), redistest.FreePort(t)}
	both := make([]*running, 2)
	for i, port := range ports {
		name := fmt.Sprintf("service-%d.yaml", i)
		text := strings.Replace(w.configuration(""), "  listen: 127.0.0.1:0\n  socket: tokens.sock\n", fmt.Sprintf("  listen: 127.0.0.1:%d\n", port), 1)
		w.write(name, text)
		both[i] = w.start(name)
	}
	for _, r := range both {
		r.awaitReady()
	}
	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	var tally tally
	asking := make(chan struct{})
	go func() {
		defer close(asking)
		w.crowd(ctx, ports, &tally)
	}()
	kills := 0
	for tick := time.Tick(killEvery); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-tick:
			i := kills % 2
			both[i].kill()
			both[i] = w.start(fmt.Sprintf("service-%d.yaml", i))
			kills++
		}
	}
	<-asking
	t.Logf("%v: %d kills; %d requests, %d not answered by the service that was asked, %d by neither, %d dead tokens",
		length, kills, tally.asked.Load(), tally.repeated.Load(), tally.failed.Load(), tally.dead.Load())
	assert.Greater(t, tally.asked.Load(), int64(length/time.Second)*50)
	assert.Positive(t, kills)
	assert.Zero(t, tally.failed.Load())
	assert.Zero(t, tally.dead.Load())
}
