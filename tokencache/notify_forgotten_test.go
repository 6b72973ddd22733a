package tokencache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

// What changes while the notifier dials or writes is made good: Sources that are forgotten
// are not listened for, those that are wanted again are.
func TestForgetWhileASubscriptionIsUnderWay(t *testing.T) {
	const kept, gone, again = 0, 1, 2
	get := func(w *crowd, numbers ...int) {
		for _, i := range numbers {
			_, err := w.get(i, time.Minute)
			require.NoError(w.t, err)
		}
	}
	remake := func(w *crowd) {
		_ = w.sources[again].Close()
		w.sources[again] = w.cache.Source(w.fetcher(again))
	}
	for name, do := range map[string]func(w *crowd){
		"while it dials": func(w *crowd) {
			get(w, kept, gone, again)
			time.Sleep(time.Second)
			w.link.Cut()
			w.link.BlackHole(true)
			time.Sleep(1500 * time.Millisecond) // it has begun to
			_ = w.sources[gone].Close()
			remake(w)
			w.link.BlackHole(false)
			get(w, again)
		},
		"while the first confirmation is on its way": func(w *crowd) {
			get(w, kept)
			time.Sleep(time.Second)
			w.link.Delay(100 * time.Millisecond)
			get(w, gone, again)
			_ = w.sources[gone].Close()
			remake(w)
			get(w, again)
		},
		"made and forgotten in quick succession": func(w *crowd) {
			get(w, kept, gone, again)
			time.Sleep(time.Second)
			for range 20 {
				remake(w)
				get(w, again)
				synctest.Wait()
			}
			_ = w.sources[gone].Close()
		},
		"while the session is cut": func(w *crowd) {
			get(w, kept, gone, again)
			time.Sleep(time.Second)
			w.link.Cut()
			_ = w.sources[gone].Close()
			remake(w)
			get(w, again)
		},
		"while its fill waits to subscribe": func(w *crowd) {
			get(w, kept, again)
			lock := "onetoken:{" + w.sources[gone].ID() + "}:lock"
			require.NoError(w.t, w.redis.Admin().Set(w.t.Context(), lock, "another's", time.Minute).Err())
			w.link.Delay(50 * time.Millisecond)
			ctx, cancel := context.WithTimeout(w.t.Context(), 120*time.Millisecond)
			defer cancel()
			_, _ = w.sources[gone].Get(ctx)
			_ = w.sources[gone].Close()
			w.link.Heal()
			remake(w)
			get(w, again)
		},
	} {
		t.Run(name, func(t *testing.T) {
			crowded(t, 3, tokencache.Config{}, func(t *testing.T, w *crowd) {
				do(w)
				time.Sleep(10 * time.Second)
				assert.Equal(t, 1, w.subscribed(kept), "kept")
				assert.Equal(t, 0, w.subscribed(gone), "closed")
				assert.Equal(t, 1, w.subscribed(again), "forgotten, and made again")
			})
		})
	}
}

// With no Source left there is nothing to hear: a lost connection is not opened again
// until there is, and then at once.
func TestForgottenListensToNothing(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		r.mustGet()
		time.Sleep(time.Second)
		_ = r.source.Close()
		r.link.Cut()
		time.Sleep(time.Minute)
		r.link.ResetCounts()
		time.Sleep(time.Hour)
		assert.Zero(t, r.link.Count(), "%v", r.link.Counts())

		r.source = r.cache.Source(f.feishu())
		r.mustGet()
		time.Sleep(100 * time.Millisecond)
		assert.Equal(t, int64(1), f.subscribers(f.keyName("events")))
	})
}

// subscribed is how many connections hear the events of the credential of that number.
func (w *crowd) subscribed(i int) int {
	channel := "onetoken:{" + w.sources[i].ID() + "}:events"
	subs, err := w.redis.Admin().PubSubNumSub(context.Background(), channel).Result()
	require.NoError(w.t, err)
	return int(subs[channel])
}
