package demo

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/terminal"
)

// quiet is the log of go-redis, which would go to standard error.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// play runs a demo in a bubble, where its minutes take no time.
func play(t *testing.T, c Config) (stdout string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := miniredis.NewMiniRedis()
		defer server.Close()
		server.ClockTTL(true)
		var out bytes.Buffer
		c.Out, c.Logger = &out, slog.New(slog.DiscardHandler)
		redis.SetLogger(quiet{})
		err = c.show(t.Context(), func(context.Context) (net.Conn, error) { return server.Dial() })
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
		"shortest life": {5, MinLife, 25 * time.Second, 3},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := play(t, Config{
				Replicas: c.replicas, Life: c.life, Length: c.length,
				Latency: 150 * time.Millisecond, Pause: 10 * time.Millisecond,
			})
			require.NoError(t, err, out)
			assert.Regexp(t, fmt.Sprintf(`rotations +%d `, c.rotations), out)
			assert.Regexp(t, fmt.Sprintf(`successful calls +%d `, c.rotations+1), out)
			assert.Regexp(t, fmt.Sprintf(`waited at first +%d `, c.replicas+1), out)
			assert.Regexp(t, `killed: replica \d+; \d+ took over \d\.\d s later`, out)
			assert.GreaterOrEqual(t, strings.Count(out, " left "), int(c.length/time.Second)-1, "a line a second")
			for line := range strings.Lines(out) {
				assert.Less(t, len(strings.TrimRight(line, "\n")), terminal.Width, line)
			}
		})
	}
}

// A call in flight at the end is finished and counted, after the time that is told.
func TestDemoIsAsLongAsItSays(t *testing.T) {
	out, err := play(t, Config{Replicas: 1, Life: MinLife, Length: 2 * time.Second, Latency: 4 * time.Second, Pause: time.Second})
	require.Error(t, err, "no token in time")
	assert.Contains(t, out, "1 replicas, 2 s, by")
	assert.Regexp(t, `successful calls +1 `, out)
}

func TestLargeFleetsReadLessOften(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 10*time.Millisecond, pauseOf(1))
	assert.Equal(t, 10*time.Millisecond, pauseOf(100))
	assert.Equal(t, 100*time.Millisecond, pauseOf(1000))
}
