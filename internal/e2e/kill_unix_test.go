//go:build unix

package e2e

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// longestLease is what a holder without any token so far asks for.
const longestLease = 5 * time.Second

// TestF1KilledHolder kills the process that holds the lock when the issuer has
// got its request; others wait and one of them takes over.
func TestF1KilledHolder(t *testing.T) {
	for range repeats(t, "ONETOKEN_KILLS", 2) {
		t.Run("", func(t *testing.T) {
			const latency = 300 * time.Millisecond
			w := newWorld(t, feishutest.Config{Latency: latency})
			asked := make(chan struct{}, 10)
			w.onRequest(func() { asked <- struct{}{} })

			holder, _, _ := w.command("token")
			require.NoError(t, holder.Start())
			<-asked
			require.NoError(t, holder.Process.Kill())
			_ = holder.Wait()
			killed := time.Now()

			var wg sync.WaitGroup
			results := make([]result, 3)
			for i := range results {
				wg.Go(func() { results[i] = w.run("token") })
			}
			wg.Wait()
			took := time.Since(killed)
			w.tokens(results)
			assert.Less(t, took, longestLease+time.Second+latency)
			assert.Empty(t, w.keys("lock"), "no lock is left")
			assert.LessOrEqual(t, w.issuer.Stats().Calls, 2)
			t.Logf("another printed a token %v after the kill", took.Round(time.Millisecond))
		})
	}
}

// TestF8TerminatedHolder: a process told to end in the middle of its call
// finishes it for the others.
func TestF8TerminatedHolder(t *testing.T) {
	w := newWorld(t, feishutest.Config{Latency: 500 * time.Millisecond})
	asked := make(chan struct{}, 10)
	w.onRequest(func() { asked <- struct{}{} })
	holder, _, stderr := w.command("token")
	require.NoError(t, holder.Start())
	<-asked
	require.NoError(t, holder.Process.Signal(syscall.SIGTERM))
	_ = holder.Wait()
	assert.NotEmpty(t, w.tokenKey(), "published before the end: %s", stderr)
	assert.Empty(t, w.keys("lock"))
	w.tokens(w.many(2, "token"))
	assert.Equal(t, 1, w.issuer.Stats().Calls)
}

// TestF8HungUpHolder: a closed terminal, of which both the kernel and the shell tell, is
// no reason to leave the lock behind; nor is a reader that has gone.
func TestF8HungUpHolder(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		hungUp bool // or else its standard output is closed
		code   int
	}{
		"token, SIGHUP":     {[]string{"token"}, true, 1},
		"refresh, SIGHUP":   {[]string{"refresh"}, true, 1},
		"refresher, SIGHUP": {[]string{"refresher", "--listen", "127.0.0.1:0"}, true, 0},
		"doctor, SIGHUP":    {[]string{"doctor"}, true, 1},
		"token, unread":     {[]string{"token"}, false, 1},
		"refresh, unread":   {[]string{"refresh"}, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, feishutest.Config{Latency: 500 * time.Millisecond})
			asked := make(chan struct{}, 10)
			w.onRequest(func() { asked <- struct{}{} })
			holder, _, _ := w.command(c.args...)
			var told redistest.Output
			holder.Stderr = &told
			if !c.hungUp {
				read, write, err := os.Pipe()
				require.NoError(t, err)
				require.NoError(t, read.Close())
				defer write.Close()
				holder.Stdout = write
			}
			require.NoError(t, holder.Start())
			<-asked
			if c.hungUp {
				require.NoError(t, holder.Process.Signal(syscall.SIGHUP))
				w.soon(func() bool { return strings.Contains(told.String(), "finishing") })
				require.NoError(t, holder.Process.Signal(syscall.SIGHUP))
			}
			_ = holder.Wait()
			assert.Equal(t, c.code, holder.ProcessState.ExitCode(), "%v: %s", holder.ProcessState, told.String())
			assert.NotEmpty(t, w.tokenKey(), "published before the end: %s", told.String())
			assert.Empty(t, w.keys("lock"))
		})
	}
}

// TestF8DeafRefresher: a refresher whose standard error nobody reads any more, and that
// nohup keeps from hearing of its terminal, stays at work.
func TestF8DeafRefresher(t *testing.T) {
	w := newWorld(t, feishutest.Config{Life: 10 * time.Second})
	read, write, err := os.Pipe()
	require.NoError(t, err)
	cmd, _, _ := w.command()
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `trap "" HUP; exec "$0" refresher --listen 127.0.0.1:0 --log-level debug`, binary}
	cmd.Stderr = write
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	w.soon(func() bool { return w.issuer.Stats().Calls == 1 })
	require.NoError(t, read.Close())
	require.NoError(t, write.Close())
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	w.soon(func() bool { return w.issuer.Stats().Rotations == 2 })
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), "exit status 0")
	assert.Empty(t, w.keys("lock"))
}

// Watching ends when it is told to, and that is no failure, whatever it has seen.
func TestStatusWatchIsInterrupted(t *testing.T) {
	w := newWorld(t, feishutest.Config{})
	watch, _, stderr := w.command("status", "--watch", "--json")
	watch.Stdout = nil
	out, err := watch.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, watch.Start())
	lines := bufio.NewScanner(out)
	for range 2 {
		require.True(t, lines.Scan(), "one array a second")
		assert.Contains(t, lines.Text(), `"state":"absent"`)
	}
	require.NoError(t, watch.Process.Signal(os.Interrupt))
	for lines.Scan() { // to the end, as Wait closes the pipe
	}
	assert.NoError(t, watch.Wait(), stderr)
	assert.Empty(t, stderr.String())
}

// repeats is how often a slow test is run: the variable, or so many times.
func repeats(t *testing.T, variable string, unless int) int {
	t.Helper()
	if v, ok := os.LookupEnv(variable); ok {
		n, err := strconv.Atoi(v)
		require.NoError(t, err, variable)
		return n
	}
	return unless
}
