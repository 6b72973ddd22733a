package tokencache

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// F22: a primary of a Cluster is dead, and go-redis would dial it for a minute to come,
// whoever has its slots by then.
func TestF22ClusterIsAskedForTheSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		rdb := redis.NewClusterClient(&redis.ClusterOptions{
			ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
				asked.Add(1)
				return []redis.ClusterSlot{{End: 16383, Nodes: []redis.ClusterNode{{Addr: "127.0.0.1:1"}}}}, nil
			},
			Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("dead") },
		})
		defer rdb.Close()
		g := newGuard(rdb, time.Second, lonely())
		rest := func() int32 { // until go-redis has cooled down
			time.Sleep(time.Second)
			synctest.Wait()
			return asked.Swap(0)
		}
		require.Error(t, rdb.Ping(t.Context()).Err(), "now it believes to know")
		rest()
		require.Error(t, g.Publish(t.Context(), "channel", "message"))
		assert.Equal(t, int32(1), rest(), "after a command without an answer")

		n := &notifier{rdb: rdb, timeout: time.Second, jitter: noJitter, spawn: func(f func()) bool { go f(); return true }, channels: map[string]*channel{"c": {confirmed: make(chan struct{})}}}
		n.mu.Lock()
		n.work()
		n.mu.Unlock()
		time.Sleep(900 * time.Millisecond)
		assert.Positive(t, rest(), "after a subscription that did not come about")
		n.close()
		rest()
	})
}
