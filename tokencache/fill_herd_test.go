package tokencache_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F13: a whole fleet starts at once, or a whole process's worth of goroutines.
// One call, and nobody waits for anything but the issuer.
func TestF13ColdHerd(t *testing.T) {
	t.Run("200 replicas", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			f.replica().mustGet() // the scripts are known
			require.NoError(t, f.redis.Admin().FlushDB(t.Context()).Err())
			replicas := f.start(200)
			for _, r := range replicas {
				r.link.Delay(5 * time.Millisecond)
			}
			withinAll(replicas, time.Second)
			require.Equal(t, 2, f.stats().Calls, "the warm-up's and one more")
			assert.LessOrEqual(t, time.Since(f.issuer.Calls()[1].Answered), 4*5*time.Millisecond, "I7")
			holders := 0
			for _, r := range replicas {
				// look, SUBSCRIBE, read, [a poll], read; or: look, publish,
				// PUBLISH, release, SUBSCRIBE
				assert.LessOrEqual(t, r.link.Count(), 5, "I8: %v", r.link.Counts())
				holders += r.link.Count("PUBLISH")
			}
			assert.Equal(t, 1, holders, "one event")
			time.Sleep(3 * time.Second)
			for _, r := range replicas {
				assert.Equal(t, 1, r.link.Count("SUBSCRIBE"), "%s connected once", r.name)
			}
		})
	})
	t.Run("1000 goroutines", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			r := f.replica()
			var wg sync.WaitGroup
			for i := range 1000 {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * time.Nanosecond)
					r.within(latency)
				})
			}
			wg.Wait()
			assert.Equal(t, 1, f.stats().Calls)
			assert.Equal(t, 1000, r.count(tokencache.EventWait, ""))
			time.Sleep(time.Second) // callers have the token before the fill ends
			assert.Equal(t, 1, r.count(tokencache.EventFill, ""))
			assert.LessOrEqual(t, r.link.Count(), 7+4, "I8, and a first time for four scripts: %v", r.link.Counts())
		})
	})
	t.Run("1000 goroutines of a waiter", func(t *testing.T) {
		virtual(t, feishutest.Config{Latency: time.Second}, func(t *testing.T, f *fleet) {
			f.replica().getting(t.Context())
			time.Sleep(time.Millisecond)
			r := f.replica()
			var wg sync.WaitGroup
			for range 1000 {
				wg.Go(func() { r.within(time.Second) })
			}
			wg.Wait()
			assert.Equal(t, 1, f.stats().Calls)
			assert.LessOrEqual(t, r.link.Count(), 9, "%v", r.link.Counts())
		})
	})
}

// F14: a replica starts during the fill of the others, and right after it.
func TestF14StartsDuringAndAfterTheFill(t *testing.T) {
	for _, at := range []time.Duration{time.Nanosecond, latency / 2, latency - time.Nanosecond, latency, latency + time.Nanosecond, time.Second} {
		t.Run(at.String(), func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				first := f.replica().getting(t.Context())
				time.Sleep(at)
				late := f.replica()
				late.within(max(0, latency-at))
				require.NoError(t, (<-first).err)
				assert.Equal(t, 1, f.stats().Calls)
			})
		})
	}
}

// F14: a replica starts around the moments at which the stored token ceases to
// be handed out, and at which it ends, and nobody has refreshed it. It is handed
// a good one, for one call.
func TestF14StartsAtTheExpiry(t *testing.T) {
	for _, before := range []time.Duration{
		11 * time.Second, 10*time.Second + time.Millisecond, 10 * time.Second, 10*time.Second - time.Millisecond,
		time.Millisecond, 1, 0, -1, -time.Millisecond,
	} {
		t.Run(fmt.Sprint(before), func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				old := f.replica().mustGet()
				time.Sleep(f.issuer.Remaining(old.AppAccessToken()) - before)
				late := f.start(3)
				if before > 10*time.Second+500*time.Millisecond {
					for _, r := range late {
						r.within(0)
					}
				} else {
					withinAll(late, latency+50*time.Millisecond)
					assert.False(t, late[0].within(0).Equal(old), "handed out at its end")
				}
				time.Sleep(6 * time.Second)
				for _, r := range f.replicas {
					assert.False(t, r.within(0).Equal(old), r.name)
				}
				assert.Equal(t, 2, f.stats().Calls)
				assert.Equal(t, 2, f.stats().Rotations)
			})
		})
	}
}
