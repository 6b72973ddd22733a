package tokencache_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// userPool is the pool that go-redis gives a process on two processors.
const userPool = 20

// crowd is one process with very many credentials, in a bubble.
type crowd struct {
	t       *testing.T
	redis   *redistest.Bubble
	link    *redistest.Link
	cache   *tokencache.Cache
	sources []*tokencache.Source
	life    time.Duration
	latency time.Duration

	mu     sync.Mutex // guards below
	counts map[tokencache.EventKind]int
	direct []time.Time // direct calls

	calling, mostCalling int          // of the issuer
	last                 atomic.Int64 // whose call began last
}

func (w *crowd) fetcher(i int) tokencache.Fetcher {
	issuer := tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "many", App: fmt.Sprint(i)})
	return tokencache.FetchFunc(issuer, func(context.Context) (tokencache.Token, error) {
		w.mu.Lock()
		w.calling++
		w.last.Store(int64(i))
		w.mostCalling = max(w.mostCalling, w.calling)
		w.mu.Unlock()
		time.Sleep(w.latency)
		w.mu.Lock()
		w.calling--
		w.mu.Unlock()
		return tokencache.NewToken(fmt.Sprintf("a%d %d", i, time.Now().UnixNano()), "t", w.life), nil
	})
}

func (w *crowd) observe(e tokencache.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[e.Kind]++
	if e.Kind == tokencache.EventDirectCall {
		w.direct = append(w.direct, time.Now().Add(-e.Duration))
	}
}

func (w *crowd) count(kind tokencache.EventKind) int {
	synctest.Wait() // events come after the step
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts[kind]
}

func (w *crowd) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.cache.Run(ctx); err != nil {
			assert.ErrorIs(w.t, err, tokencache.ErrClosed)
		}
	})
	return func() { cancel(); running.Wait() }
}

func (w *crowd) has(i int) bool {
	_, ok := w.sources[i].Peek()
	return ok
}

// filled is how many Sources have a token.
func (w *crowd) filled() (n int) {
	for i := range w.sources {
		if w.has(i) {
			n++
		}
	}
	return n
}

// get is a Get, and how long it took.
func (w *crowd) get(i int, timeout time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), timeout)
	defer cancel()
	begin := time.Now()
	_, err := w.sources[i].Get(ctx)
	return time.Since(begin), err
}

// crowded runs a test with n credentials. Unlike in other tests the client has a user's own
// pool, so that commands queue for connections. Whoever queues takes a timer from a pool
// that go-redis keeps for the whole process, and no other bubble may get that timer:
// emptied makes sure, as two collections empty every sync.Pool.
func crowded(t *testing.T, n int, c tokencache.Config, test func(t *testing.T, w *crowd)) {
	t.Helper()
	emptied := func() { runtime.GC(); runtime.GC() }
	emptied()
	defer emptied()
	synctest.Test(t, func(t *testing.T) {
		w := &crowd{t: t, redis: redistest.NewBubble(t), counts: map[tokencache.EventKind]int{}, life: 2 * time.Hour, latency: latency}
		w.link = w.redis.Link("crowd")
		c.Observe, c.Logger = w.observe, slog.New(slog.DiscardHandler)
		rdb := w.redis.Client("crowd", func(o *redis.Options) { o.PoolSize = userPool })
		cache, err := tokencache.New(rdb, c)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, cache.Close()) })
		w.cache = cache
		for i := range n {
			w.sources = append(w.sources, cache.Source(w.fetcher(i)))
		}
		test(t, w)
	})
}
