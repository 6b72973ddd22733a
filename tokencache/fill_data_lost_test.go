package tokencache_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F16: Redis loses data, in every way and at every stage of a token's life. No
// Get of a replica with a copy waits, the fleet goes on with the next rotation
// as if nothing had been, and each loss costs one call at most.
func TestF16DataLost(t *testing.T) {
	losses := map[string]func(*fleet){
		"FLUSHALL":     func(f *fleet) { f.admin((*redis.Client).FlushAll) },
		"SCRIPT FLUSH": func(f *fleet) { f.admin((*redis.Client).ScriptFlush) },
		"restart, empty": func(f *fleet) {
			f.redis.Each((*redistest.Link).Down)
			f.admin((*redis.Client).FlushAll)
			f.admin((*redis.Client).ScriptFlush)
			time.Sleep(2 * time.Second)
			f.redis.Each((*redistest.Link).Heal)
		},
		"token evicted": func(f *fleet) { f.redis.Admin().Del(context.Background(), f.tokenKey()) },
		"lock evicted":  func(f *fleet) { f.redis.Admin().Del(context.Background(), f.lockKey()) },
	}
	stages := map[string]func(f *fleet, old tokencache.Token){
		"fresh": func(*fleet, tokencache.Token) {},
		"due":   func(f *fleet, old tokencache.Token) { f.sleepUntilLeft(old, 24*time.Minute) },
		"during a call": func(f *fleet, old tokencache.Token) {
			f.sleepUntilLeft(old, 24*time.Minute)
			f.replicas[0].within(0)
			time.Sleep(latency / 2)
		},
		"just published": func(f *fleet, old tokencache.Token) {
			f.sleepUntilLeft(old, 24*time.Minute)
			f.replicas[0].within(0)
			time.Sleep(latency)
		},
	}
	for loss, lose := range losses {
		for stage, reach := range stages {
			t.Run(loss+", "+stage, func(t *testing.T) {
				virtual(t, usual(), func(t *testing.T, f *fleet) {
					replicas := f.start(5)
					withinAll(replicas, latency+50*time.Millisecond)
					reach(f, replicas[0].mustGet())
					lose(f)
					read(replicas, 5*time.Second, 3*time.Hour)

					assert.Equal(t, 5, f.count(tokencache.EventWait, ""), "at the start only")
					rotations := 3
					if stage == "fresh" {
						rotations = 2
					}
					assert.Equal(t, rotations, f.stats().Rotations)
					assert.LessOrEqual(t, f.stats().Calls, rotations+1)
					assert.Zero(t, f.stats().Refused)
					cold := f.replica()
					assert.Equal(t, cold.within(0).AppAccessToken(), replicas[0].mustGet().AppAccessToken())
					f.nothingLeft()
				})
			})
		}
	}
}

// F16: the lock is lost during the call of a cold fleet's holder. Another asks,
// and no third.
func TestF16LockEvictedUnderAColdFleet(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
		replicas := f.start(20)
		time.AfterFunc(time.Second, func() { f.redis.Admin().Del(context.Background(), f.lockKey()) })
		late := 0
		for _, res := range all(t.Context(), replicas) {
			require.NoError(t, res.err)
			assert.LessOrEqual(t, res.took, time.Second+takeover+time.Second+3*time.Second)
			if res.took > 3*time.Second+50*time.Millisecond {
				late++
			}
		}
		assert.LessOrEqual(t, late, 1, "only the one that waits for its own call")
		time.Sleep(5 * time.Second)
		assert.Equal(t, 2, f.stats().Calls)
		assert.Equal(t, 1, f.stats().Rotations)
		f.nothingLeft()
	})
}

// F16: the record of a failure is lost: the backoff starts over, which costs one
// more call.
func TestF16FailureEvicted(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.issuer.SetFault(feishutest.Status(500))
		replicas := f.start(10)
		tries := func(during time.Duration) int {
			before := f.stats().Refused
			end := time.Now().Add(during)
			together(replicas, func(r *replica) {
				for time.Now().Before(end) {
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					_, err := r.get(ctx)
					cancel()
					require.Error(t, err)
					time.Sleep(100 * time.Millisecond)
				}
			})
			return f.stats().Refused - before
		}
		assert.LessOrEqual(t, tries(10*time.Second), 6)
		require.NoError(t, f.redis.Admin().Del(t.Context(), f.keyOf("failure")).Err())
		assert.LessOrEqual(t, tries(10*time.Second), 6+1)
	})
}
