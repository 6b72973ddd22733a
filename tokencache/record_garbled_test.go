package tokencache_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F19: somebody has written into the record. What cannot be believed is never
// handed out: a cold fleet finds a miss, goes through the lock, and one answer
// overwrites it all. What it does not know it leaves alone and ignores.
func TestF19GarbledRecord(t *testing.T) {
	ctx := context.Background()
	set := func(pairs ...any) func(*redis.Client, string) {
		return func(rdb *redis.Client, key string) { rdb.HSet(ctx, key, pairs...) }
	}
	del := func(fields ...string) func(*redis.Client, string) {
		return func(rdb *redis.Client, key string) { rdb.HDel(ctx, key, fields...) }
	}
	for name, fault := range map[string]struct {
		garble func(*redis.Client, string)
		good   bool
	}{
		"no seal":        {garble: del("sealed")},
		"no sum":         {garble: del("sum")},
		"no fingerprint": {garble: del("fingerprint")},
		"no life":        {garble: del("life")},
		"nothing of ours": {garble: func(rdb *redis.Client, key string) {
			rdb.Del(ctx, key)
			rdb.HSet(ctx, key, "x", "y")
			rdb.PExpire(ctx, key, time.Hour)
		}},
		"other seal":        {garble: set("sealed", "forged")},
		"other sum":         {garble: set("sum", "0000000000000000000000000000000000000000")},
		"other fingerprint": {garble: set("fingerprint", "00000000000000000000000000000000")},
		"swapped fields": {garble: func(rdb *redis.Client, key string) {
			v := rdb.HGetAll(ctx, key).Val()
			set("sealed", v["fingerprint"], "fingerprint", v["sealed"])(rdb, key)
		}},
		"empty seal":             {garble: set("sealed", "")},
		"life is text":           {garble: set("life", "two hours")},
		"life is negative":       {garble: set("life", "-7200000")},
		"life is 0":              {garble: set("life", "0")},
		"life is beyond numbers": {garble: set("life", "99999999999999999999")},
		"life is not finite":     {garble: set("life", "inf")},
		"life is less than left": {garble: set("life", "1000")},
		"extra field":            {garble: set("scope", "all", "version", "2"), good: true},
		"no names":               {garble: del("fetched_by", "fetched_at", "checked_at"), good: true},
		"checked in the future":  {garble: set("checked_at", "99999999999999"), good: true},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				old := f.replica().mustGet()
				fault.garble(f.redis.Admin(), f.tokenKey())
				cold := f.start(5)
				if fault.good {
					withinAll(cold, 0)
					assert.Equal(t, 1, f.stats().Calls)
					assert.Zero(t, f.count(tokencache.EventGarbled, ""))
					return
				}
				withinAll(cold, latency+50*time.Millisecond)
				assert.Equal(t, 2, f.stats().Calls, "through the lock")
				assert.Equal(t, 1, f.stats().Rotations)
				assert.Equal(t, old.AppAccessToken(), f.stored(), "overwritten")
				for _, r := range cold {
					assert.Positive(t, r.count(tokencache.EventGarbled, ""))
				}
				status, err := cold[0].source.Status(ctx)
				require.NoError(t, err)
				assert.Equal(t, "fresh", string(status.State))
				assert.Empty(t, status.Garbled)
				withinAll(f.start(3), 0)
				f.nothingLeft()
			})
		})
	}
}

// F20: somebody has taken the TTL off a record, or made it longer. It would be
// served for ever: so it is not served at all, and does not keep a good token out.
func TestF20RecordWithoutAnEnd(t *testing.T) {
	ctx := context.Background()
	for name, prolong := range map[string]func(*redis.Client, string){
		"PERSIST": func(rdb *redis.Client, key string) { rdb.Persist(ctx, key) },
		"EXPIRE":  func(rdb *redis.Client, key string) { rdb.Expire(ctx, key, 3*time.Hour) }, // in time less than life
		"life as well": func(rdb *redis.Client, key string) {
			rdb.HSet(ctx, key, "life", "1000000000000")
			rdb.Persist(ctx, key)
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				warm := f.replica()
				old := warm.mustGet()
				prolong(f.redis.Admin(), f.tokenKey())
				cold := f.start(3)
				withinAll(cold, latency+50*time.Millisecond)
				assert.Equal(t, 2, f.stats().Calls, "refreshed now")
				ttl := f.redis.Admin().PTTL(ctx, f.tokenKey()).Val()
				assert.LessOrEqual(t, ttl, f.issuer.Remaining(old.AppAccessToken()))
				assert.Positive(t, ttl)

				prolong(f.redis.Admin(), f.tokenKey())
				read(f.replicas, 10*time.Second, 5*time.Hour)
				assert.Equal(t, 4, f.count(tokencache.EventWait, ""), "at the start only")
				assert.LessOrEqual(t, f.stats().Calls, f.stats().Rotations+2)
				assert.Positive(t, f.redis.Admin().PTTL(ctx, f.tokenKey()).Val())
			})
		})
	}
}

// F20: somebody has prolonged a record, though not beyond what a life may be. It
// says itself when it ends, so it serves until then, costs no call and keeps none
// that lives longer out.
func TestF20RecordProlongedWithinItsLife(t *testing.T) {
	ctx := context.Background()
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		old := f.replica().mustGet()
		f.sleepUntilLeft(old, time.Hour)
		require.True(t, f.redis.Admin().Expire(ctx, f.tokenKey(), 110*time.Minute).Val())
		f.replicas[0].stop() // nobody is left to refresh it

		cold := f.start(3)
		withinAll(cold, 0)
		assert.Equal(t, 1, f.stats().Calls)
		for _, r := range cold {
			assert.WithinDuration(t, time.Now().Add(f.issuer.Remaining(old.AppAccessToken())), r.mustGet().Expiry(), time.Second)
			r.stop()
		}

		time.Sleep(time.Hour - time.Second) // it has ended, but for the margin
		require.Positive(t, f.redis.Admin().PTTL(ctx, f.tokenKey()).Val())
		late := f.start(3)
		withinAll(late, latency+50*time.Millisecond)
		assert.Equal(t, 2, f.stats().Calls)
		assert.NotEqual(t, old.AppAccessToken(), f.stored())
		f.nothingLeft()
	})
}

// F20: a failure that has lost its TTL, or never ends, holds nobody; one that
// ends does.
func TestF20FailureWithoutAnEnd(t *testing.T) {
	ctx := context.Background()
	for name, prolong := range map[string]func(*redis.Client, string){
		"PERSIST": func(rdb *redis.Client, key string) { rdb.Persist(ctx, key) },
		"until":   func(rdb *redis.Client, key string) { rdb.HSet(ctx, key, "until", "99999999999999") },
		"until and EXPIRE": func(rdb *redis.Client, key string) {
			rdb.HSet(ctx, key, "until", time.Now().Add(time.Hour).UnixMilli())
			rdb.Expire(ctx, key, 2*time.Hour)
		},
		"text": func(rdb *redis.Client, key string) { rdb.HSet(ctx, key, "until", "tomorrow") },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				f.issuer.FailNext(1, feishutest.WrongSecret())
				_, err := f.replica().get(ctx)
				require.Error(t, err)
				_, err = f.replica().get(ctx)
				require.Error(t, err, "it holds everybody")
				require.Equal(t, 1, f.stats().Refused)
				prolong(f.redis.Admin(), f.keyOf("failure"))
				time.Sleep(6 * time.Minute) // more than any hold
				f.replica().within(latency)
				assert.Empty(t, key("failure")(f), "and is gone with the next token")
			})
		})
	}
}
