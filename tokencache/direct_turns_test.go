package tokencache_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// I3: a replica that Redis refuses waits for its turn to ask the issuer around it, and hears of a
// token meanwhile. It does not ask any more; one whose Refresh insists does.
func TestI3NoDirectCallForATokenThatWasTold(t *testing.T) {
	for edge, test := range map[string]struct {
		ask   func(t *testing.T, r *replica) error
		calls int
	}{
		"Get": {func(t *testing.T, r *replica) error {
			_, err := r.source.Get(t.Context())
			return err
		}, 1},
		"Refresh": {func(t *testing.T, r *replica) error {
			_, _, err := r.source.Refresh(t.Context())
			return err
		}, 2},
	} {
		t.Run(edge, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: latency, MintEveryCall: true}, func(t *testing.T, f *fleet) {
				r, other := f.replica(with(func(c *tokencache.Config) { c.DirectRate = 0.1 })), f.replica()
				withinAll(f.replicas, latency+100*time.Millisecond)
				time.Sleep(time.Minute)
				r.link.Fail("LOADING no", script("read", "look", "publish", "invalidate", "obtain"))
				for range 2 { // the first takes the turn that was free
					require.ErrorIs(t, r.source.Invalidate(t.Context(), r.mustGet()), tokencache.ErrRedis)
				}
				done := make(chan error, 1)
				go func() { done <- test.ask(t, r) }()
				time.Sleep(time.Second)
				tok, _, err := other.source.Refresh(t.Context())
				require.NoError(t, err)
				time.Sleep(time.Millisecond)
				got, ok := r.source.Peek()
				require.True(t, ok)
				require.True(t, got.Equal(tok))
				require.NoError(t, <-done)
				time.Sleep(30 * time.Second)
				assert.Equal(t, test.calls, r.count(tokencache.EventDirectCall, ""))
			})
		})
	}
}

// F15, I4: a fill that nobody waits for has no patience for its turn. What it leaves fails no Get that has.
func TestF15FillThatNobodyAwaitsFailsNoGet(t *testing.T) {
	virtual(t, feishutest.Config{Latency: latency, MintEveryCall: true}, func(t *testing.T, f *fleet) {
		r := f.replica(with(func(c *tokencache.Config) { c.DirectRate = 0.5 }))
		defer r.run()()
		r.mustGet()
		r.link.Fail("LOADING no", script("read", "look", "publish", "invalidate", "obtain"))
		reject := func() { require.ErrorIs(t, r.source.Invalidate(t.Context(), r.mustGet()), tokencache.ErrRedis) }
		reject()
		time.Sleep(2 * time.Minute) // what Redis refuses meanwhile makes the pauses long
		reject()                    // takes the turn that is free
		r.mustGet()
		reject()
		time.Sleep(100 * time.Millisecond)

		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second+latency)
		defer cancel()
		begin := time.Now()
		_, err := r.source.Get(ctx)
		require.NoError(t, err)
		assert.Greater(t, time.Since(begin), time.Second, "for a turn")
		assert.Equal(t, 3, r.count(tokencache.EventDirectCall, ""))
	})
}

// F15, I4: 500 credentials without a copy, and Redis is down. They are served in turn.
func TestF15DirectCallsWaitTheirTurn(t *testing.T) {
	for name, c := range map[string]struct {
		rate   float64
		n      int
		limit  time.Duration
		bound  int
		served int // with 2 s for each
	}{
		"16 a second":  {0, 500, 500 * time.Second / 16, 16, 48},
		"100 a second": {100, 500, 500 * time.Second / 100, 100, 300},
		"one in 2 s":   {0.5, 20, 20 * 2 * time.Second, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			crowded(t, 2*c.n, tokencache.Config{DirectRate: c.rate}, func(t *testing.T, w *crowd) {
				w.link.Down()
				var all sync.WaitGroup
				var served, told atomic.Int64
				for i := range c.n {
					all.Go(func() {
						_, err := w.get(i, 2*time.Second-latency/2)
						if err == nil {
							served.Add(1)
							return
						}
						assert.ErrorIs(t, err, context.DeadlineExceeded)
						if errors.Is(err, tokencache.ErrRedis) {
							told.Add(1)
						} else {
							assert.ErrorContains(t, err, "MaxFills")
						}
					})
				}
				all.Wait()
				assert.InDelta(t, c.served, served.Load(), float64(c.bound))
				assert.Positive(t, told.Load(), "that it is Redis which they wait for, in the end")
				time.Sleep(time.Minute)

				begin := time.Now()
				for i := range c.n {
					all.Go(func() {
						_, err := w.get(c.n+i, time.Hour)
						assert.NoError(t, err)
					})
				}
				all.Wait()
				assert.LessOrEqual(t, time.Since(begin), c.limit+5*time.Second)
				w.withinRate(c.bound)
			})
		})
	}
}

// F15, I4: Redis is down for 10 minutes or longer, in which 500 short-lived tokens end again and again.
func TestF15ShortLivesWithoutRedis(t *testing.T) {
	const n = 500
	for _, life := range []time.Duration{time.Minute, 20 * time.Minute} {
		t.Run(life.String(), func(t *testing.T) {
			crowded(t, n, tokencache.Config{}, func(t *testing.T, w *crowd) { w.outlastRedis(life, max(10*time.Minute, 3*life)) })
		})
	}
}

// F15: a credential whose direct calls fail is not starved by others that use up the rate,
// though nobody waits for it.
func TestF15DirectCallsAfterItsOwnFailure(t *testing.T) {
	crowded(t, 30, tokencache.Config{DirectRate: 0.1}, func(t *testing.T, w *crowd) {
		w.link.Down()
		issuer := tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "failing", App: "app"})
		var mu sync.Mutex
		var calls []time.Time
		failing := w.cache.Source(tokencache.FetchFunc(issuer, func(context.Context) (tokencache.Token, error) {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, time.Now())
			return tokencache.Token{}, &tokencache.IssuerError{Issuer: "failing", Class: tokencache.ClassUnknown}
		}))
		_, err := failing.Get(t.Context())
		require.Error(t, err)
		defer w.run()()
		var all sync.WaitGroup
		for i := range w.sources {
			all.Go(func() {
				for end := time.Now().Add(250 * time.Second); time.Now().Before(end); time.Sleep(time.Second) {
					_, _ = w.get(i, time.Until(end))
				}
			})
		}
		all.Wait()
		mu.Lock() // a call may be on its way
		defer mu.Unlock()
		require.GreaterOrEqual(t, len(calls), 4)
		for i := range calls[1:] {
			assert.InDelta(t, 65, calls[i+1].Sub(calls[i]).Seconds(), 6, "a minute, and the hold that Redis is given")
		}
	})
}

// F15: once a silent Redis is back, nobody waits for a turn to call directly any more, nor
// for the places of those who did.
func TestF15TurnsEndWhenRedisIsBack(t *testing.T) {
	crowded(t, 10, tokencache.Config{DirectRate: 0.1, MaxFills: 4}, func(t *testing.T, w *crowd) {
		_, err := w.get(0, time.Minute) // connects
		require.NoError(t, err)
		w.link.Down()
		var all sync.WaitGroup
		for i := 1; i < 8; i++ {
			all.Go(func() {
				took, err := w.get(i, time.Minute)
				assert.NoError(t, err)
				assert.LessOrEqual(t, took, 6*time.Second)
			})
		}
		time.Sleep(2 * time.Second)
		w.link.Heal()
		time.Sleep(3 * time.Second) // the prober rests
		took, err := w.get(9, time.Minute)
		assert.NoError(t, err)
		assert.LessOrEqual(t, took, 2*latency)
		all.Wait()
		assert.Equal(t, 1, w.count(tokencache.EventDirectCall))
	})
}

func (w *crowd) outlastRedis(life, outage time.Duration) {
	t, n := w.t, len(w.sources)
	w.life = life
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			time.Sleep(time.Duration(i) * life * 4 / 5 / time.Duration(n)) // as those of a process that has long been up
			_, err := w.get(i, time.Minute)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	w.link.Down()
	waits := w.count(tokencache.EventWait)
	for end := time.Now().Add(outage); time.Now().Before(end); time.Sleep(2 * time.Second) {
		for i := range w.sources {
			had := w.has(i)
			_, err := w.get(i, time.Nanosecond)
			assert.True(t, !had || err == nil, "%v", err)
		}
	}
	t.Logf("%d direct calls, %d waits", w.count(tokencache.EventDirectCall), w.count(tokencache.EventWait)-waits)
	assert.Equal(t, waits, w.count(tokencache.EventWait), "no copy ends before there is another")
	assert.GreaterOrEqual(t, w.count(tokencache.EventDirectCall), n*int(outage/life))
	w.withinRate(16)
}

// withinRate checks the direct calls: no more begin within any second than the rate and as
// many at once.
func (w *crowd) withinRate(perSecond int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortFunc(w.direct, time.Time.Compare)
	for i, at := range w.direct {
		if first := i - 2*perSecond; first >= 0 && at.Sub(w.direct[first]) < time.Second-time.Microsecond {
			assert.Fail(w.t, "too many direct calls", "%d within a second before %v", 2*perSecond+1, at)
			return
		}
	}
}
