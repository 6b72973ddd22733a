//go:build unix

package e2e

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// TestTerminatedRefresher: told to end in the middle of its call, it finishes that
// for the others.
func TestTerminatedRefresher(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			w := newWorld(t, feishutest.Config{Latency: 500 * time.Millisecond})
			asked := make(chan struct{}, 10)
			w.onRequest(func() { asked <- struct{}{} })
			r := w.refresher()
			<-asked
			require.NotEmpty(t, w.keys("lock"))
			require.NoError(t, r.cmd.Process.Signal(signal))
			require.NoError(t, r.cmd.Wait(), "exit status 0: %s", r.stderr)
			assert.NotEmpty(t, w.tokenKey(), "published")
			assert.Empty(t, w.keys("lock"), "released")
			w.tokens(w.many(2, "token"))
			assert.Equal(t, 1, w.issuer.Stats().Calls)
		})
	}
}

// TestRefresherKilledInItsCall: another that has just been started takes over
// before the token ends.
func TestRefresherKilledInItsCall(t *testing.T) {
	w := newWorld(t, feishutest.Config{Life: 20 * time.Second, Latency: 300 * time.Millisecond})
	first := w.refresher()
	w.soon(first.ready)
	asked := make(chan struct{}, 10)
	w.onRequest(func() { asked <- struct{}{} })
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	seen := make(chan sightings, 1)
	go func() { seen <- w.watch(ctx) }()

	<-asked // for the second token
	first.kill()
	w.refresher()
	<-asked
	w.soon(func() bool { return w.ttl() > 15*time.Second })
	stop()
	s, stats := <-seen, w.issuer.Stats()
	t.Logf("%d rotations, %d successful calls; %v", stats.Rotations, stats.Calls, s)
	assert.Zero(t, s.absent+s.dead+s.failed)
	assert.LessOrEqual(t, stats.Calls, stats.Rotations+1)
}
