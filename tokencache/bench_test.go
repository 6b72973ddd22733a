package tokencache_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// benchCredential stands for any with a window of half an hour.
func benchCredential(secret string) tokencache.Credential {
	return tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "bench", App: "app", Secret: []tokencache.Secret{tokencache.NewSecret(secret)}, Window: 30 * time.Minute})
}

// warmSource is a Source with a fresh copy, whose Redis has gone and whose
// Fetcher must not be called any more.
func warmSource(t testing.TB) *tokencache.Source {
	t.Helper()
	server := redistest.StartServer(t)
	var calls atomic.Int64
	fetch := tokencache.FetchFunc(benchCredential("0"), func(context.Context) (tokencache.Token, error) {
		assert.Equal(t, int64(1), calls.Add(1))
		return tokencache.NewToken("app", "tenant", 2*time.Hour), nil
	})
	cache, err := tokencache.New(server.Client(t), tokencache.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, cache.Close()) })
	source := cache.Source(fetch)
	_, err = source.Get(context.Background())
	require.NoError(t, err)
	server.Kill()
	return source
}

func TestFreshGetNeedsNobody(t *testing.T) {
	source := warmSource(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nor its context
	for range 1_000_000 {
		tok, err := source.Get(ctx)
		if err != nil || tok.AppAccessToken() != "app" {
			require.NoError(t, err)
			require.Equal(t, "app", tok.AppAccessToken())
		}
	}
	assert.Zero(t, testing.AllocsPerRun(10_000, func() { _, _ = source.Get(ctx) }))
}

func BenchmarkFreshGet(b *testing.B) {
	source := warmSource(b)
	ctx := context.Background()
	b.Run("floor", func(b *testing.B) { // an atomic load and one look at the clock
		type copied struct {
			token string
			until time.Time
		}
		var p atomic.Pointer[copied]
		p.Store(&copied{"t", time.Now().Add(time.Hour)})
		b.ReportAllocs()
		for b.Loop() {
			if c := p.Load(); !time.Now().Before(c.until) {
				b.Fatal("expired")
			}
		}
	})
	b.Run("single", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = source.Get(ctx)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = source.Get(ctx)
			}
		})
	})
}

// BenchmarkColdHerd starts 200 replicas at once on a cold Redis, with connections
// open and an issuer that takes 130 ms, and in turn with them 200 that know no lock,
// each of which calls the issuer: the floor for waiting on the same machine. It
// reports the median of the 99th percentiles of the wait beyond the issuer, and
// their ratio.
func BenchmarkColdHerd(b *testing.B) {
	const replicas, latency = 200, 130 * time.Millisecond
	server := redistest.StartServer(b)
	clients := make([]*redis.Client, replicas)
	for i := range clients {
		clients[i] = server.Client(b)
		require.NoError(b, clients[i].Ping(context.Background()).Err())
	}
	var calls, plainCalls atomic.Int64
	var p50, p99, plain []float64
	round := 0
	for b.Loop() {
		round++
		waits := race(cachedHerd(b, clients, latency, round, &calls))
		p50 = append(p50, millis(waits[replicas/2]-latency))
		p99 = append(p99, millis(waits[replicas*99/100]-latency))
		waits = race(plainHerd(b, clients, latency, round, &plainCalls))
		plain = append(plain, millis(waits[replicas*99/100]-latency))
	}
	b.ReportMetric(float64(calls.Load())/float64(round), "calls/herd")
	b.ReportMetric(median(p50), "p50-ms")
	b.ReportMetric(median(p99), "p99-ms")
	b.ReportMetric(median(plain), "no-lock-p99-ms")
	b.ReportMetric(median(p99)/median(plain), "x-no-lock")
}

// herd is a Get for each replica, and what ends them all.
type herd struct {
	gets  []func()
	close func()
}

func cachedHerd(b *testing.B, clients []*redis.Client, latency time.Duration, round int, calls *atomic.Int64) herd {
	fetch := tokencache.FetchFunc(benchCredential(fmt.Sprint("round ", round)), func(context.Context) (tokencache.Token, error) {
		calls.Add(1)
		time.Sleep(latency)
		return tokencache.NewToken("app", "tenant", 2*time.Hour), nil
	})
	var gets []func()
	var caches []*tokencache.Cache
	for _, c := range clients {
		cache, err := tokencache.New(c, tokencache.Config{})
		require.NoError(b, err)
		caches = append(caches, cache)
		gets = append(gets, func() {
			_, err := cache.Source(fetch).Get(context.Background())
			assert.NoError(b, err)
		})
	}
	return herd{gets, func() {
		for _, cache := range caches {
			assert.NoError(b, cache.Close())
		}
	}}
}

func plainHerd(b *testing.B, clients []*redis.Client, latency time.Duration, round int, calls *atomic.Int64) herd {
	ctx, key := context.Background(), fmt.Sprint("plain", round)
	var gets []func()
	for _, c := range clients {
		gets = append(gets, func() {
			if c.Get(ctx, key).Err() == nil {
				return
			}
			calls.Add(1)
			time.Sleep(latency)
			assert.NoError(b, c.Set(ctx, key, "token", 2*time.Hour).Err())
		})
	}
	return herd{gets, func() {}}
}

// race runs all at once and returns how long each took, shortest first. What the
// last race left is cleared away before and after.
func race(h herd) []time.Duration {
	runs := h.gets
	defer h.close()
	runtime.GC()
	took := make([]time.Duration, len(runs))
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for i, run := range runs {
		wg.Go(func() {
			<-gate
			start := time.Now()
			run()
			took[i] = time.Since(start)
		})
	}
	close(gate)
	wg.Wait()
	slices.Sort(took)
	return took
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
