package tokencache_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F15: a hold ends where the rules change. While Redis is in trouble, a Get with a copy
// never waits, whatever the life of a token: the issuer is asked around Redis in time, if
// it answers within 1/25 of the life (40 ms of a second, 10 s of more than 4 min).
func TestF15HoldEndsWhereTheRulesChange(t *testing.T) {
	troubles := map[string]func(*redistest.Link){
		"refused":   (*redistest.Link).Down,
		"silent":    func(l *redistest.Link) { l.Silence(true) },
		"mute":      func(l *redistest.Link) { l.Mute() },
		"migration": func(l *redistest.Link) { l.Fail("TRYAGAIN Multiple keys request during rehashing of slot", nil) },
		"no writes": func(l *redistest.Link) { l.Fail("OOM no", script("obtain", "publish", "fail")) },
	}
	lives := []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, time.Minute,
		2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 2 * time.Hour,
	}
	for name, begin := range troubles {
		for _, life := range lives {
			t.Run(fmt.Sprint(name, " ", life), func(t *testing.T) {
				virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
					m := &mint{life: life, latency: min(life/25, 10*time.Second) - 5*time.Millisecond}
					r := f.replica(func(c *replicaConfig) { c.fetcher = m.fetcher("cli_short") })
					_, err := r.source.Get(t.Context())
					require.NoError(t, err)
					begun := time.Now()
					// At any moment of a rotation.
					time.Sleep(time.Duration(float64(life) * f.jitter()))
					begin(r.link)
					for time.Since(begun) < 12*life {
						start := time.Now()
						_, err := r.source.Get(t.Context())
						require.NoError(t, err)
						require.Zero(t, time.Since(start), "a Get waited %v into the run", time.Since(begun))
						time.Sleep(life / 500)
					}
					assert.LessOrEqual(t, m.calls.Load(), int64(16), "one a rotation, if a little earlier")
				})
			})
		}
	}
}

// I3: Redis was slow for a moment, and answers again. While the issuer fails, the copies
// become urgent, and nobody asks it around a Redis that is known to answer.
func TestI3TroubleThatIsOverIsNoReasonToGoAround(t *testing.T) {
	for _, draw := range []float64{0, 0.3, 0.6, 0.9} {
		t.Run(fmt.Sprint(draw), func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				var failing, recovered atomic.Bool
				var direct atomic.Int64
				m := &mint{life: 20 * time.Second, latency: 2 * time.Second}
				inner := m.fetcher("cli_slow")
				issuer := inner.Credential()
				replicas := f.start(2, func(c *replicaConfig) {
					c.fetcher = tokencache.FetchFunc(issuer, func(ctx context.Context) (tokencache.Token, error) {
						if failing.Load() {
							return tokencache.Token{}, errForTest
						}
						return inner.Fetch(ctx)
					})
					observe := c.cache.Observe
					c.cache.Jitter = func() float64 { return draw }
					c.cache.Observe = func(e tokencache.Event) {
						observe(e)
						if e.Kind == tokencache.EventRecovered {
							recovered.Store(true)
						}
						if e.Kind == tokencache.EventDirectCall && recovered.Load() {
							direct.Add(1)
						}
					}
				})
				r, other := replicas[0], replicas[1]
				for _, one := range replicas {
					_, err := one.source.Get(t.Context())
					require.NoError(t, err)
				}
				failing.Store(true)
				time.Sleep(14500 * time.Millisecond) // due in 0.1 to 0.4 s, by the draw
				r.link.Delay(1200 * time.Millisecond)
				end := time.Now().Add(2900 * time.Millisecond) // the copy lasts for 3.1 s
				time.AfterFunc(900*time.Millisecond, func() { r.link.Delay(0) })
				for time.Now().Before(end) {
					_, _ = r.source.Get(t.Context())
					_, _ = other.source.Get(t.Context())
					time.Sleep(10 * time.Millisecond)
				}
				assert.True(t, recovered.Load())
				assert.Zero(t, direct.Load())
				assert.Positive(t, r.count(tokencache.EventDegraded, "timeout"))
				assert.Positive(t, other.count(tokencache.EventCall, "transient"))
			})
		})
	}
}

// mint is an issuer without a window: every call gives another token of that life.
type mint struct {
	life, latency time.Duration
	calls         atomic.Int64
}

func (m *mint) fetcher(app string) tokencache.Fetcher {
	issuer := tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "mint", App: app})
	return tokencache.FetchFunc(issuer, func(ctx context.Context) (tokencache.Token, error) {
		if m.latency > 0 {
			timer := time.NewTimer(m.latency)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
				return tokencache.Token{}, ctx.Err()
			}
		}
		n := m.calls.Add(1)
		return tokencache.NewToken(fmt.Sprintf("%s-app-%d", app, n), fmt.Sprintf("%s-tenant-%d", app, n), m.life), nil
	})
}
