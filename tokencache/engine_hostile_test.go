package tokencache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Everything at once: floods of events of every kind, callers that get, refresh and reject, links
// that break, replicas that close while they are used. Each call ends when its ctx does, each Close
// ends, and a replica that has lived through it has a token.
func TestEverythingAtOnceEnds(t *testing.T) {
	const lasts, patience = 10 * time.Second, 5 * time.Second
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			virtual(t, feishutest.Config{Life: time.Minute, Window: 15 * time.Second, Latency: latency}, func(t *testing.T, f *fleet) {
				replicas := f.start(5)
				withinAll(replicas, latency+100*time.Millisecond)
				over := make(chan struct{})
				var users sync.WaitGroup
				use := func(n uint64, every time.Duration, do func(rng *rand.Rand)) {
					users.Go(func() {
						rng := rand.New(rand.NewPCG(seed, n))
						for {
							select {
							case <-over:
								return
							case <-time.After(time.Duration(rng.Int64N(int64(2*every)) + 1)):
								do(rng)
							}
						}
					})
				}
				for i, r := range replicas {
					for n, do := range []func(ctx context.Context) error{
						func(ctx context.Context) error { _, err := r.source.Get(ctx); return err },
						func(ctx context.Context) error { _, _, err := r.source.Refresh(ctx); return err },
						func(ctx context.Context) error {
							tok, ok := r.source.Peek()
							if !ok {
								return nil
							}
							return r.source.Invalidate(ctx, tok)
						},
					} {
						use(uint64(10*i+n), 100*time.Millisecond*time.Duration(1+9*n), func(*rand.Rand) {
							ctx, cancel := context.WithTimeout(t.Context(), patience)
							defer cancel()
							began := time.Now()
							err := do(ctx)
							assert.LessOrEqual(t, time.Since(began), patience)
							if errors.Is(err, context.DeadlineExceeded) {
								assert.Equal(t, patience, time.Since(began))
							}
						})
					}
					use(uint64(10*i+8), 3*time.Second, func(*rand.Rand) { r.link.Cut() })
				}
				use(100, 10*time.Millisecond, func(rng *rand.Rand) {
					tok := tokencache.NewToken(fmt.Sprint("forged ", rng.IntN(3)), "", time.Minute)
					if had, ok := replicas[4].source.Peek(); ok && rng.IntN(2) == 0 {
						tok = had
					}
					off := time.Duration(rng.IntN(6000)-3000) * time.Millisecond
					events := []string{
						"F", "T x", "I x", "?",
						tokencache.Hint{Token: tok, Life: time.Minute, Stored: time.Now().Add(off), Checked: time.Now().Add(off), Ends: time.Now().Add(time.Minute + off)}.String(f.credential()),
						tokencache.RejectionHint(f.credential(), tok.Fingerprint(), time.Now().Add(off)),
					}
					f.send(events[rng.IntN(len(events))])
				})
				time.Sleep(lasts / 2)
				for _, r := range replicas[:2] { // while they are used
					began := time.Now()
					assert.NoError(t, r.cache.Close())
					assert.LessOrEqual(t, time.Since(began), 30*time.Second)
				}
				time.Sleep(lasts / 2)
				close(over)
				users.Wait()
				time.Sleep(time.Minute)
				f.redis.Each((*redistest.Link).Heal)
				for _, r := range replicas[2:] {
					_, err := r.source.Get(t.Context())
					require.NoError(t, err)
				}
			})
		})
	}
}
