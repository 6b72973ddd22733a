package tokencache_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Refresh asks whatever life is left, and says whether that brought another.
func TestRefreshSaysWhetherItChanged(t *testing.T) {
	for _, test := range []struct {
		name    string
		issuer  feishutest.Config
		age     time.Duration
		changed bool
	}{
		{"fresh, the same again", feishutest.Config{}, time.Minute, false},
		{"fresh, minted at every call", feishutest.Config{MintEveryCall: true}, time.Minute, true},
		{"in the window", feishutest.Config{}, 91 * time.Minute, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, test.issuer, func(t *testing.T, f *fleet) {
				r, other := f.replica(), f.replica()
				before := r.mustGet()
				other.mustGet()
				time.Sleep(test.age)
				tok, changed, err := r.source.Refresh(context.Background())
				require.NoError(t, err)
				assert.Equal(t, test.changed, changed)
				assert.Equal(t, test.changed, !tok.Equal(before))
				assert.True(t, r.within(0).Equal(tok))
				assert.Equal(t, 2, f.stats().Calls)
				time.Sleep(6 * time.Second)
				assert.True(t, other.within(0).Equal(tok), "the others hear of it")
				assert.Equal(t, 2, f.stats().Calls)
			})
		})
	}
}

// A first Refresh is a first fill, and its token another than none.
func TestRefreshWithoutACopy(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		_, changed, err := f.replica().source.Refresh(context.Background())
		require.NoError(t, err)
		assert.True(t, changed)
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// Callers at the same time, in one process and in many, share one call.
func TestRefreshByManyAtOnce(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond, MintEveryCall: true}, func(t *testing.T, f *fleet) {
		f.start(5)
		together(f.replicas, func(r *replica) { r.mustGet() })
		time.Sleep(time.Minute)
		together(f.replicas, func(r *replica) {
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * time.Microsecond)
					_, changed, err := r.source.Refresh(context.Background())
					assert.NoError(t, err)
					assert.True(t, changed)
				})
			}
			wg.Wait()
		})
		assert.Equal(t, 2, f.stats().Calls)
	})
}

// A Refresh that starts while the ordinary fill runs is not content with it.
func TestRefreshDuringAFill(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond, MintEveryCall: true}, func(t *testing.T, f *fleet) {
		r := f.replica()
		got := make(chan tokencache.Token)
		go func() { got <- r.mustGet() }()
		time.Sleep(50 * time.Millisecond)
		tok, changed, err := r.source.Refresh(context.Background())
		require.NoError(t, err)
		assert.True(t, changed)
		assert.False(t, tok.Equal(<-got))
		assert.Equal(t, 2, f.stats().Calls)
	})
}

// What holds the fleet back holds a Refresh too, which says so at once.
func TestRefreshIsHeldBack(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault feishutest.Fault
		class tokencache.Class
	}{
		{"rate limit", feishutest.RateLimited("Retry-After", "60"), tokencache.ClassRateLimited},
		{"quota", feishutest.Refusal(99991403, "quota"), tokencache.ClassQuota},
		{"unknown", feishutest.Refusal(77777, "?"), tokencache.ClassUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				replicas := f.start(2)
				tok := replicas[0].mustGet()
				time.Sleep(time.Minute)
				f.issuer.FailNext(1, test.fault)
				for i := range 10 {
					start := time.Now()
					_, _, err := replicas[i%2].source.Refresh(context.Background())
					refused, ok := errors.AsType[*tokencache.IssuerError](err)
					require.True(t, ok, "%v", err)
					assert.Equal(t, test.class, refused.Class)
					assert.Zero(t, time.Since(start))
					time.Sleep(100 * time.Millisecond)
				}
				assert.Equal(t, 1, f.stats().Refused)
				assert.Equal(t, 1, f.stats().Calls)
				assert.True(t, replicas[0].within(0).Equal(tok), "the copy serves all the same")
			})
		})
	}
}

// A permanent failure is passed, but not in a loop: once per 5 s and process.
func TestRefreshPassesAPermanentFailure(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		r := f.replica()
		r.mustGet()
		time.Sleep(time.Minute)
		f.issuer.SetFault(feishutest.WrongSecret())
		for range 100 {
			_, _, err := r.source.Refresh(context.Background())
			refused, ok := errors.AsType[*tokencache.IssuerError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, tokencache.ClassPermanent, refused.Class)
			time.Sleep(100 * time.Millisecond)
		}
		// The first meets no failure and is not a pass; then one at once, and
		// one after 5 s.
		assert.Equal(t, 3, f.stats().Refused)
		f.issuer.SetFault(feishutest.Fault{})
		time.Sleep(5 * time.Second)
		_, _, err := r.source.Refresh(context.Background())
		require.NoError(t, err)
	})
}

// Those who pass a permanent failure at the same time share one call, and what comes
// of it is the answer to all.
func TestRefreshPassesAPermanentFailureByManyAtOnce(t *testing.T) {
	for name, mended := range map[string]bool{"refused again": false, "refused for the 40th time": false, "mended": true} {
		t.Run(name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
				f.start(20)
				f.issuer.SetFault(feishutest.WrongSecret())
				_, err := f.replicas[0].get(context.Background())
				require.Error(t, err)
				time.Sleep(10 * time.Second)
				if mended {
					f.issuer.SetFault(feishutest.Fault{})
				}
				if strings.Contains(name, "40th") { // the row is counted up to 30
					require.NoError(t, f.redis.Admin().HSet(t.Context(), key("failure")(f), "attempts", 30).Err())
				}
				together(f.replicas, func(r *replica) {
					_, changed, err := r.source.Refresh(context.Background())
					if mended {
						assert.NoError(t, err)
						assert.True(t, changed)
						return
					}
					refused, ok := errors.AsType[*tokencache.IssuerError](err)
					if assert.True(t, ok, "%v", err) {
						assert.Equal(t, tokencache.ClassPermanent, refused.Class)
					}
				})
				assert.Equal(t, 2, f.stats().Refused+f.stats().Calls)
			})
		})
	}
}

// A caller who leaves does not end the call.
func TestRefreshCallerLeaves(t *testing.T) {
	virtual(t, feishutest.Config{Latency: time.Second, MintEveryCall: true}, func(t *testing.T, f *fleet) {
		r := f.replica()
		before := r.mustGet()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, _, err := r.source.Refresh(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 300*time.Millisecond, time.Since(start))
		assert.True(t, r.within(0).Equal(before))
		time.Sleep(time.Second)
		assert.False(t, r.within(0).Equal(before))
		assert.False(t, f.replica().within(0).Equal(before))
		assert.Equal(t, 2, f.stats().Calls)
	})
}

// With Redis down a Refresh goes round it, unless it may not.
func TestRefreshWithoutRedis(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		r := f.replica()
		strict := f.replica(func(c *replicaConfig) { c.cache.NoDirect = true })
		tok := r.mustGet()
		strict.mustGet()
		time.Sleep(time.Minute)
		r.link.Down()
		strict.link.Down()

		again, changed, err := r.source.Refresh(context.Background())
		require.NoError(t, err)
		assert.True(t, again.Equal(tok))
		assert.False(t, changed, "the issuer has no other")
		assert.Equal(t, 2, f.stats().Calls)

		_, _, err = strict.source.Refresh(context.Background())
		assert.ErrorIs(t, err, tokencache.ErrRedis)
		assert.True(t, strict.within(0).Equal(tok))
		assert.Equal(t, 2, f.stats().Calls)
	})
}

// The answer to a call that was under way when Refresh began serves it too, also if the issuer
// has no other token yet.
func TestRefreshTakesTheAnswerOfACallUnderWay(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		first, second := f.replica(), f.replica()
		first.mustGet()
		second.mustGet()
		ended := make(chan error, 1)
		go func() {
			_, _, err := first.source.Refresh(context.Background())
			ended <- err
		}()
		time.Sleep(latency / 2)
		_, changed, err := second.source.Refresh(t.Context())
		require.NoError(t, err)
		assert.False(t, changed)
		require.NoError(t, <-ended)
		assert.Equal(t, 2, f.stats().Calls, "the first token's, and one")
	})
}
