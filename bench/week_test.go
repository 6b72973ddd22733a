package bench_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// TestWeek is a whole fleet in virtual time whose Caches run, each replica of which
// reads every ten minutes besides, and what it says to Redis from the second hour on.
func TestWeek(t *testing.T) {
	replicas, days := sized(500, 10), sized(7, 1)
	synctest.Test(t, func(t *testing.T) {
		bubble := redistest.NewBubble(t)
		var calls atomic.Int64
		var caches []*tokencache.Cache
		var sources []*tokencache.Source
		draw := seeded()
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, replicas)
		for i := range replicas {
			cache := peers.NewCache(bubble.Client(strconv.Itoa(i)), tokencache.Config{Jitter: draw})
			go func() { ended <- cache.Run(ctx) }()
			caches = append(caches, cache)
			sources = append(sources, cache.Source(peers.Fetcher("cli_week", func(context.Context) error {
				calls.Add(1)
				time.Sleep(latency)
				return nil
			})))
		}
		read(t, sources, time.Hour)
		bubble.Each((*redistest.Link).ResetCounts)
		first := calls.Load()
		read(t, sources, time.Duration(days)*24*time.Hour)
		found.Week = weekOf(bubble, replicas, days, calls.Load()-first)
		stop()
		for _, cache := range caches {
			assert.NoError(t, <-ended)
			assert.NoError(t, cache.Close())
		}
	})
	w := found.Week
	t.Logf("a replica and day: %.1f commands %v, %.0f + %.0f bytes, %.2f connections opened; %.1f rotations",
		w.Total(), w.Commands, w.Sent, w.Received, w.Dials, w.Rotations)
}

// seeded makes runs repeatable.
func seeded() func() float64 {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	return func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return random.Float64()
	}
}

// readEvery is often enough to see that nobody waits; a fresh Get says nothing to Redis.
const readEvery = 10 * time.Minute

func read(t *testing.T, sources []*tokencache.Source, during time.Duration) {
	var reading sync.WaitGroup
	for i, source := range sources {
		reading.Go(func() {
			time.Sleep(time.Duration(i) * time.Millisecond) // no two at once
			for range int(during / readEvery) {
				if _, err := source.Get(t.Context()); !assert.NoError(t, err) {
					return
				}
				time.Sleep(readEvery)
			}
		})
	}
	reading.Wait()
}

// weekOf is the mean of all replicas.
func weekOf(bubble *redistest.Bubble, replicas, days int, calls int64) *results.Week {
	share := func(n float64) float64 { return n / float64(replicas*days) }
	w := &results.Week{
		Replicas: replicas, Days: days, Calls: int(calls),
		Rotations: float64(calls) / float64(days), Commands: map[string]float64{},
	}
	bubble.Each(func(l *redistest.Link) {
		for name, times := range l.Counts() {
			w.Commands[name] += share(float64(times))
		}
		sent, received := l.Bytes()
		w.Sent += share(float64(sent))
		w.Received += share(float64(received))
		w.Dials += share(float64(l.Dials()))
	})
	return w
}
