package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// unreadPipe is the end of a pipe whose buffer is full and whose reader sleeps, until the test
// has ended.
func unreadPipe(t *testing.T) io.Writer {
	t.Helper()
	reader, writer := io.Pipe()
	t.Cleanup(func() { _ = reader.Close() })
	return writer
}

// Whatever a command would say, and at whatever level, nobody who works waits for its reader.
func TestNobodyReadsStandardError(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, w world, args ...string) <-chan int {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		stderr, done := unreadPipe(t), make(chan int, 1)
		t.Cleanup(stop)
		go func() {
			done <- run(ctx, append(args, "--log-level", "debug"), func(name string) string { return w.env[name] }, strings.NewReader(""), &output{}, stderr)
		}()
		return done
	}
	get := func(url string) (status int, body string) {
		res, err := http.Get(url)
		if err != nil {
			return 0, ""
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text)
	}
	t.Run("refresher", func(t *testing.T) {
		t.Parallel()
		town, at := newTown(t), freeAddress(t)
		town.issuer.FailNext(1, feishutest.Refusal(5000, "internal error"))
		start(t, town.world, "refresher", "--listen", at)
		require.Eventually(t, func() bool { status, _ := get("http://" + at + "/readyz"); return status == http.StatusOK }, 20*time.Second, 5*time.Millisecond)
		assert.Equal(t, 1, town.issuer.Stats().Calls, "after one that failed")
		_, metrics := get("http://" + at + "/metrics")
		assert.Contains(t, metrics, "\nonetoken_log_lines_dropped_total 0\n", "there is room")
	})
	t.Run("issuer", func(t *testing.T) {
		t.Parallel()
		at := freeAddress(t)
		start(t, newTown(t).world, "issuer", "--listen", at)
		for range 3 {
			eventually(t, func() bool { status, _ := get("http://" + at + "/_stats"); return status == http.StatusOK })
		}
	})
	t.Run("token", func(t *testing.T) {
		t.Parallel()
		town := newTown(t)
		town.redis.Close() // there is something to say
		done := start(t, town.world, "token")
		require.Eventually(t, func() bool { return len(done) == 1 }, 20*time.Second, 5*time.Millisecond, "it ends all the same")
		assert.Equal(t, exitOK, <-done)
	})
}

// freeAddress is for a process that cannot say where it listens. It may be taken by then.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// sleeper is a reader that sleeps until it is woken.
type sleeper struct {
	output
	woken chan struct{}
}

func (s *sleeper) Write(p []byte) (int, error) {
	<-s.woken
	return s.output.Write(p)
}

func TestLinesThatAreLostAreToldOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &sleeper{woken: make(chan struct{})}
		q := &lineQueue{out: out}
		long := strings.Repeat("x", mostUnwritten/4-1) + "\n"
		for range 6 {
			n, err := io.WriteString(q, long)
			assert.Equal(t, len(long), n)
			assert.NoError(t, err)
		}
		assert.InDelta(t, 2, q.dropped(), 0, "beyond 1 MiB")
		began := time.Now()
		q.flush()
		assert.Equal(t, lastWords, time.Since(began), "the end does not wait for ever")

		close(out.woken)
		synctest.Wait()
		const told = "onetoken: 2 log lines are missing here: nobody read standard error in time\n"
		assert.Equal(t, strings.Repeat(long, 4)+told, out.String())
		_, _ = fmt.Fprintln(q, "later")
		q.flush()
		assert.Equal(t, strings.Repeat(long, 4)+told+"later\n", out.String())
		assert.InDelta(t, 2, q.dropped(), 0, "in all")
		synctest.Wait()
		assert.False(t, q.writing, "no goroutine is left")
	})
}
