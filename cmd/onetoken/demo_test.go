package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
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
			assert.Regexp(t, `killed: replica \d+, in its call; \d+ took over \d\.\d s later`, out)
			assert.GreaterOrEqual(t, strings.Count(out, " left "), int(c.length/time.Second)-1, "a line a second")
		})
	}
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

func TestPictureFitsIn80By24(t *testing.T) {
	t.Parallel()
	for _, replicas := range []int{1, 50, 60, 61, maxReplicas} {
		now := good()
		now.o.replicas = replicas
		now.gets = 1 << 36
		now.newest = tokencache.NewToken("a", "t", now.o.life)
		now.cells = strings.Repeat("o", replicas)
		picture := (&screen{}).picture(now)
		assert.LessOrEqual(t, len(picture), minHeight)
		for _, line := range picture {
			assert.LessOrEqual(t, text.StringWidthWithoutEscSequences(line), 79, line)
		}
	}
}

func TestScreenRepaintsInPlace(t *testing.T) {
	t.Parallel()
	var out output
	s := &screen{out: &out, size: func() (int, int, error) { return 60, 24, nil }}
	s.show(good())
	first := out.String()
	lines := strings.Count(first, "\n")
	s.show(good())
	second := strings.TrimPrefix(out.String(), first)
	assert.True(t, strings.HasPrefix(second, text.CursorUp.Sprintn(lines)))
	assert.Equal(t, lines, strings.Count(second, "\n"))
	for line := range strings.Lines(second) {
		assert.LessOrEqual(t, text.StringWidthWithoutEscSequences(strings.TrimRight(line, "\n")), 59)
	}
}

func TestNoScreenWithoutATerminal(t *testing.T) {
	t.Parallel()
	assert.Nil(t, newScreen(&output{}, "xterm"))
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
