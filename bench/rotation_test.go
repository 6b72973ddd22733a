package bench_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// TestRotationUnderLoad keeps all cores busy with goroutines that read while the token is
// replaced three times, by an issuer that takes 2 s for each. It lives so short that
// this is over soon: a refresh begins with some 4 s left.
func TestRotationUnderLoad(t *testing.T) {
	const shortLife = 7 * time.Second
	slow := time.Duration(sized(2000, 200)) * time.Millisecond
	rotations := int64(sized(3, 1))
	server := redistest.StartServer(t)
	out := &results.Rotation{Goroutines: sized(64, 8), Burst: burst, IssuerMs: float64(slow.Milliseconds())}
	repeat(t, func(run int) {
		var calls, waited atomic.Int64
		fetch := tokencache.FetchFunc(peers.CredentialOf(fmt.Sprint("cli_rotating", run), shortLife), func(context.Context) (tokencache.Token, error) {
			if calls.Add(1) > 1 { // the first is nobody's rotation
				time.Sleep(slow)
			}
			return tokencache.NewToken(fmt.Sprint("token", calls.Load()), "tenant", shortLife), nil
		})
		cache := peers.NewCache(server.Client(t), tokencache.Config{Observe: func(e tokencache.Event) {
			if e.Kind == tokencache.EventWait {
				waited.Add(1)
			}
		}})
		source := cache.Source(fetch)
		_, err := source.Get(t.Context())
		require.NoError(t, err)
		newest := fmt.Sprint("token", rotations+1)
		gets, longest := readUntil(t, source, newest, out.Goroutines)
		require.NoError(t, cache.Close()) // by then all is observed
		out.Rotations.Add(float64(rotations))
		out.Gets.Add(float64(gets))
		out.Waited.Add(float64(waited.Load() - 1)) // but for the first Get
		out.LongestBurst.AddTime(longest, time.Millisecond)
	})
	shall(t, out.Waited.Max() == 0, "no Get waits")
	t.Logf("%.0f Gets of %d goroutines during %.0f rotations, of which %.0f waited; the slowest %d took %.1f ms",
		out.Gets.Median(), out.Goroutines, out.Rotations.Median(), out.Waited.Max(), burst, out.LongestBurst.Max())
	found.Rotation = out
}

// burst is how many Gets follow each other. Without an end the refresh would wait for
// the time slices of all goroutines, at each of its steps.
const burst = 1000

// readUntil reads until the newest token is there. It returns how often, and how long
// the slowest burst took: a witness beside the cache's own word that none waited.
func readUntil(t *testing.T, source *tokencache.Source, newest string, goroutines int) (int64, time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var mu sync.Mutex // guards what follows
	gets, longest := int64(0), time.Duration(0)
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			n, slowest := int64(0), time.Duration(0)
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				gets, longest = gets+n, max(longest, slowest)
			}()
			for ctx.Err() == nil {
				start := time.Now()
				for range burst {
					tok, err := source.Get(ctx)
					n++
					if !assert.NoError(t, err) || tok.AppAccessToken() == newest {
						return
					}
				}
				slowest = max(slowest, time.Since(start))
				runtime.Gosched()
			}
			assert.Fail(t, "no rotation")
		})
	}
	wg.Wait()
	return gets, longest
}
