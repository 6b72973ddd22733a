//go:build unix

package e2e

import (
	"bufio"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
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
