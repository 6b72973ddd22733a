package bench_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// The issuer of many apps: it takes so many calls at once, others queue.
const (
	atOnceCalls = 50
	shortCall   = 20 * time.Millisecond
)

// TestManyApps has one Cache keep many Sources fresh, all of them cold at first, with
// as many connections as go-redis has by default.
func TestManyApps(t *testing.T) {
	sizes := []int{1, 20}
	if inEarnest() {
		sizes = []int{1, 100, 10_000}
	}
	for _, n := range sizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) { manyApps(t, n) })
	}
}

func manyApps(t *testing.T, n int) {
	server := redistest.StartServer(t)
	out := results.Many{Sources: n, IssuerMs: float64(shortCall.Milliseconds()), IssuerAtOnce: atOnceCalls}
	// The runtime keeps what it needs for a goroutine, once there has been one.
	first := newCrowd(t, server, n, -1)
	first.fill(first.fetchers())
	first.close()
	repeat(t, func(run int) {
		c := newCrowd(t, server, n, run)
		defer c.close()
		baseline := 0.0
		if run < idleRuns {
			baseline = idleCPU(t)
		}
		empty, goroutines := inUse(), runtime.NumGoroutine()
		fetchers := c.fetchers()
		before := inUse()
		took := c.fill(fetchers)
		out.Fill.AddTime(took, time.Millisecond)
		out.TimesIssuer.Add(float64(took) / float64(leastTime(n)))
		time.Sleep(time.Duration(sized(1000, 50)) * time.Millisecond) // fills end after their Sources have a copy
		if run < idleRuns {
			out.IdleCPU.Add(max(0, idleCPU(t)-baseline))
		}
		out.Goroutines.Add(float64(runtime.NumGoroutine() - goroutines))
		after := inUse()
		out.Bytes.Add(float64(after-before) / float64(n))
		out.WholeBytes.Add(float64(after-empty) / float64(n))
		runtime.KeepAlive(fetchers)
	})
	t.Logf("%5d Sources: %.0f bytes each, %.0f with their Fetchers, %.0f goroutines, %.2f %% CPU idle, filled in %.0f ms: %.2f x the issuer's least",
		n, out.Bytes.Median(), out.WholeBytes.Median(), out.Goroutines.Median(), out.IdleCPU.Median(), out.Fill.Median(), out.TimesIssuer.Median())
	found.Many = append(found.Many, out)
}

// TestIdleSources is what an app takes of which nobody has asked for a token yet.
func TestIdleSources(t *testing.T) {
	server := redistest.StartServer(t)
	out := &results.Idle{Sources: sized(10_000, 100)}
	repeat(t, func(run int) {
		cache := peers.NewCache(server.Client(t), tokencache.Config{})
		credentials := make([]tokencache.Credential, out.Sources)
		fetchers := make([]tokencache.Fetcher, out.Sources)
		sources := make([]*tokencache.Source, out.Sources)
		names := make([]string, out.Sources)
		for i := range names {
			names[i] = fmt.Sprintf("cli_idle_%d_%d", run, i)
		}
		each := func(what func(i int)) float64 {
			before := inUse()
			for i := range out.Sources {
				what(i)
			}
			return float64(inUse()-before) / float64(out.Sources)
		}
		out.CredentialBytes.Add(each(func(i int) { credentials[i] = peers.CredentialOf(names[i], 30*time.Minute) }))
		for i := range fetchers {
			fetchers[i] = tokencache.FetchFunc(credentials[i], nil)
		}
		out.SourceBytes.Add(each(func(i int) { sources[i] = cache.Source(fetchers[i]) }))
		assert.NoError(t, cache.Close())
		runtime.KeepAlive(credentials)
		runtime.KeepAlive(fetchers)
		runtime.KeepAlive(sources)
		runtime.KeepAlive(names)
	})
	t.Logf("%d idle Sources: %.0f bytes each, and %.0f of its Credential", out.Sources, out.SourceBytes.Median(), out.CredentialBytes.Median())
	found.Idle = out
}

// leastTime is what an issuer needs that is never idle.
func leastTime(n int) time.Duration {
	return time.Duration((n+atOnceCalls-1)/atOnceCalls) * shortCall
}

// crowd is a Cache that runs, and its Sources.
type crowd struct {
	t       *testing.T
	run, n  int
	cache   *tokencache.Cache
	stop    func()
	sources []*tokencache.Source
}

// newCrowd warms everything up with one Source, so that only the others count.
func newCrowd(t *testing.T, server *redistest.Server, n, run int) *crowd {
	rdb := server.Client(t, func(o *redis.Options) { o.PoolSize = 10 * runtime.GOMAXPROCS(0) })
	c := &crowd{t: t, run: run, n: n, cache: peers.NewCache(rdb, tokencache.Config{})}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- c.cache.Run(ctx) }()
	c.stop = func() {
		cancel()
		assert.NoError(t, <-ended)
	}
	c.sources = make([]*tokencache.Source, 0, n)
	openPool(t, rdb)
	first := c.cache.Source(peers.Fetcher(fmt.Sprint("cli_first", run), func(context.Context) error { return nil }))
	require.Eventually(t, func() bool { return have(first) }, 5*time.Second, time.Millisecond)
	time.Sleep(100 * time.Millisecond)
	return c
}

// fetchers of the Sources to come. One is the user's: how large, is up to him.
func (c *crowd) fetchers() []tokencache.Fetcher {
	places := make(chan struct{}, atOnceCalls)
	call := func(ctx context.Context) error {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		time.Sleep(shortCall)
		<-places
		return nil
	}
	fetchers := make([]tokencache.Fetcher, c.n)
	for i := range fetchers {
		fetchers[i] = peers.Fetcher(fmt.Sprintf("cli_%d_%d", c.run, i), call)
	}
	return fetchers
}

// openPool has the client open all its connections: they are its own, not a Source's.
func openPool(t *testing.T, rdb *redis.Client) {
	var busy sync.WaitGroup
	for range rdb.Options().PoolSize {
		busy.Go(func() {
			assert.ErrorIs(t, rdb.BLPop(context.Background(), 200*time.Millisecond, "nothing").Err(), redis.Nil)
		})
	}
	busy.Wait()
	require.EqualValues(t, rdb.Options().PoolSize, rdb.PoolStats().TotalConns)
}

// fill returns how long it took until every Source has a copy.
func (c *crowd) fill(fetchers []tokencache.Fetcher) time.Duration {
	start := time.Now()
	for _, f := range fetchers {
		c.sources = append(c.sources, c.cache.Source(f))
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	for _, s := range c.sources {
		for !have(s) {
			require.NoError(c.t, ctx.Err(), "not filled in time")
			time.Sleep(time.Millisecond)
		}
	}
	return time.Since(start)
}

func have(s *tokencache.Source) bool {
	_, ok := s.Peek()
	return ok
}

func (c *crowd) close() {
	c.stop()
	assert.NoError(c.t, c.cache.Close())
}

// inUse is the heap that is left after the garbage is gone.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// idleRuns is how many runs measure the idle CPU, which takes its time.
const idleRuns = 1

// idleCPU is what this process uses while nobody calls it, in per cent of a core.
func idleCPU(t *testing.T) float64 {
	span := time.Duration(sized(5000, 100)) * time.Millisecond
	before := cpuTime(t)
	time.Sleep(span)
	return 100 * float64(cpuTime(t)-before) / float64(span)
}

func cpuTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
