package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// play runs a demo in a bubble, where its minutes take no time.
func play(t *testing.T, o demoOptions) (stdout string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := miniredis.NewMiniRedis()
		defer server.Close()
		server.ClockTTL(true)
		var out output
		a := &app{stdout: &out, logger: slog.New(slog.DiscardHandler), getenv: func(string) string { return "" }}
		routeRedisLog(a.logger)
		err = a.show(t.Context(), o, func(context.Context) (net.Conn, error) { return server.Dial() })
		stdout = out.String()
		time.Sleep(5 * time.Second) // a goroutine of go-redis looks once a second whether its pool is closed
	})
	return stdout, err
}

func TestDemo(t *testing.T) {
	for name, c := range map[string]struct {
		replicas     int
		life, length time.Duration
		rotations    int
	}{
		"default":       {50, 20 * time.Second, time.Minute, 4},
		"alone":         {1, 20 * time.Second, time.Minute, 4},
		"shortest life": {5, minDemoLife, 25 * time.Second, 3},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := play(t, demoOptions{
				replicas: c.replicas, life: c.life, length: c.length,
				latency: 150 * time.Millisecond, pause: 10 * time.Millisecond,
			})
			require.NoError(t, err, out)
			assert.Regexp(t, fmt.Sprintf(`rotations +%d `, c.rotations), out)
			assert.Regexp(t, fmt.Sprintf(`successful calls +%d `, c.rotations+1), out)
			assert.Regexp(t, fmt.Sprintf(`waited at first +%d `, c.replicas+1), out)
			assert.Regexp(t, `killed: replica \d+; \d+ took over \d\.\d s later`, out)
			assert.GreaterOrEqual(t, strings.Count(out, " left "), int(c.length/time.Second)-1, "a line a second")
			for line := range strings.Lines(out) {
				assert.Less(t, len(strings.TrimRight(line, "\n")), minWidth, line)
			}
		})
	}
}

// A call in flight at the end is finished and counted, after the time that is told.
func TestDemoIsAsLongAsItSays(t *testing.T) {
	out, err := play(t, demoOptions{replicas: 1, life: minDemoLife, length: 2 * time.Second, latency: 4 * time.Second, pause: time.Second})
	require.Error(t, err, "no token in time")
	assert.Contains(t, out, "1 replicas, 2 s, by")
	assert.Regexp(t, `successful calls +1 `, out)
}

// The dead do not speak, and what was derived from their logger neither.
func TestMortalLogger(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var dead atomic.Bool
	logger := slog.New(mortal{slog.NewTextHandler(&out, nil), &dead}).With("replica", 7).WithGroup("g")
	logger.Info("alive", "n", 1)
	assert.Contains(t, out.String(), "msg=alive replica=7 g.n=1")
	dead.Store(true)
	logger.Error("dead")
	assert.NotContains(t, out.String(), "msg=dead")
}

func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	got := world{}.runUntil(t, ctx, "demo", "--replicas", "2")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stdout, "successful calls")
	assert.Contains(t, got.stderr, "interrupted")
}

// good is a demo that went as it should.
func good() snapshot {
	return snapshot{
		o:      demoOptions{replicas: 3, life: 20 * time.Second, length: time.Minute},
		issuer: feishutest.Stats{Calls: 4, Rotations: 3},
		cells:  "oo-",
		counts: counts{
			gets: 1000, firstWaits: 4,
			killed: moment{replica: 2, at: time.Now()}, takeover: moment{replica: 3, at: time.Now().Add(time.Second)},
		},
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	assert.NoError(t, good().verdict())
	for name, c := range map[string]struct {
		spoil func(*snapshot)
		want  string
	}{
		"a call too many":  {func(s *snapshot) { s.issuer.Calls++ }, "5 successful calls for 3 rotations and 1 kill"},
		"a failed Get":     {func(s *snapshot) { s.failed, s.firstError = 1, errors.New("oh") }, "1 Gets failed, the first: oh"},
		"a late wait":      {func(s *snapshot) { s.lateWaits = 2 }, "2 Gets waited"},
		"a bad token":      {func(s *snapshot) { s.invalid = 7 }, "7 tokens were not valid"},
		"an empty replica": {func(s *snapshot) { s.cells = "o.o" }, "1 replicas got no token"},
		"nobody killed":    {func(s *snapshot) { s.killed, s.issuer.Calls = moment{}, 3 }, "nobody to kill"},
		"two things":       {func(s *snapshot) { s.failed, s.lateWaits = 1, 1 }, "; "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good()
			c.spoil(&s)
			assert.ErrorContains(t, s.verdict(), c.want)
		})
	}
}

func TestPictureFitsTheLeastTerminal(t *testing.T) {
	t.Parallel()
	for _, replicas := range []int{1, 50, 60, 61, maxReplicas} {
		now := good()
		now.o.replicas, now.o.life, now.o.length = replicas, maxDemoLife, 2*maxDemoLife
		now.elapsed = now.o.length
		now.killed.replica, now.takeover.replica, now.last = replicas, replicas+1, moment{replicas, time.Now().Add(-maxDemoLife)}
		now.takeover.at = now.killed.at.Add(30 * time.Second)
		now.gets = 1 << 36
		now.newest = tokencache.NewToken("a", "t", now.o.life)
		now.cells = strings.Repeat("o", replicas)
		picture := (&screen{}).picture(now)
		assert.LessOrEqual(t, len(picture), minHeight)
		for _, line := range picture {
			assert.LessOrEqual(t, text.StringWidthWithoutEscSequences(line), minWidth-1, line)
		}
	}
}

func TestScreenRepaintsInPlace(t *testing.T) {
	t.Parallel()
	var out output
	s := &screen{out: &out, size: func() (int, int, error) { return minWidth, minHeight, nil }}
	require.NoError(t, s.show(good()))
	first := out.String()
	lines := strings.Count(first, "\n")
	require.NoError(t, s.show(good()))
	second := strings.TrimPrefix(out.String(), first)
	assert.True(t, strings.HasPrefix(second, text.CursorUp.Sprintn(lines)))
	assert.Equal(t, lines, strings.Count(second, "\n"))
	for line := range strings.Lines(second) {
		assert.LessOrEqual(t, text.StringWidthWithoutEscSequences(strings.TrimRight(line, "\n")), minWidth-1)
	}
}

func TestNoScreenWithoutATerminal(t *testing.T) {
	t.Parallel()
	assert.Nil(t, newScreen(&output{}, "xterm", 1, 1))
}

func TestCells(t *testing.T) {
	t.Parallel()
	older, newest := tokencache.NewToken("a", "t", time.Minute), tokencache.NewToken("b", "u", time.Hour)
	assert.Equal(t, "o-.o", cellsOf([]tokencache.Token{newest, older, {}, newest}, newest))
}

func TestLargeFleetsReadLessOften(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 10*time.Millisecond, pauseOf(1))
	assert.Equal(t, 10*time.Millisecond, pauseOf(100))
	assert.Equal(t, 100*time.Millisecond, pauseOf(1000))
}
