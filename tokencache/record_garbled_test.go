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

// F20: a lock without a TTL is given one: it delays a cold fleet by a lease.
func TestF20LockWithoutAnEnd(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.replica(with(noDirect))
		require.NoError(t, f.redis.Admin().Set(t.Context(), f.keyName("lock"), "a ghost", 0).Err())
		withinAll(f.start(20), 5*time.Second+takeover+latency)
		assert.Equal(t, 1, f.stats().Calls)
		assert.Empty(t, f.lockKeyAfter())
	})
}

// F22: the lock of whoever died with the old server lasts until long after its lease, as the
// successor's clock is behind. A fleet without a copy, and one in its window, wait for a lease.
func TestF22LockByAnotherClock(t *testing.T) {
	const longer = 6 * time.Minute
	ghost := func(t *testing.T, f *fleet) {
		require.NoError(t, f.redis.Admin().Set(t.Context(), f.keyName("lock"), "a ghost", 5*time.Second+longer).Err())
	}
	t.Run("cold", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			f.replica(with(noDirect))
			ghost(t, f)
			withinAll(f.start(20), 5*time.Second+takeover+latency)
			assert.Equal(t, 1, f.stats().Calls)
			assert.Empty(t, f.lockKeyAfter())
		})
	})
	t.Run("in the window", func(t *testing.T) {
		short := usual()
		short.Life, short.Window = time.Minute, 15*time.Second
		virtual(t, short, func(t *testing.T, f *fleet) {
			replicas := f.start(3)
			withinAll(replicas, time.Second)
			time.Sleep(46 * time.Second)
			ghost(t, f)
			for range 13 {
				_, err := f.replicas[0].get(t.Context())
				require.NoError(t, err)
				time.Sleep(time.Second)
			}
			assert.Equal(t, 2, f.stats().Calls, "asked in time")
		})
	})
	t.Run("not a lock", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			r := f.replica(with(noDirect))
			ctx, admin, key := t.Context(), f.redis.Admin(), f.keyName("lock")
			require.NoError(t, admin.RPush(ctx, key, "theirs").Err())
			require.NoError(t, admin.Expire(ctx, key, time.Hour).Err())
			_, err := r.source.Get(ctx)
			require.ErrorIs(t, err, tokencache.ErrRedis)
			assert.Greater(t, admin.TTL(ctx, key).Val(), 59*time.Minute)
		})
	})
}

// F20: and where it can be given none, for Redis refuses writes, it is not waited for.
func TestF20LockWithoutAnEndIsNotWaitedFor(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.warmScripts()
		r := f.replica()
		require.NoError(t, f.redis.Admin().Set(t.Context(), "onetoken:{"+r.source.ID()+"}:lock", "somebody's", 0).Err())
		r.link.Fail("READONLY You can't write against a read only replica.", redistest.Commands("PEXPIRE"))
		ctx, cancel := context.WithTimeout(t.Context(), latency+time.Second) // the client tries for as long
		defer cancel()
		_, err := r.get(ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, r.count(tokencache.EventDirectCall, "ok"))
	})
}

// F21: the reply to a script is lost, and a default client runs it once more.
// What comes of it is the same as without: nothing is counted, given or taken
// twice.
func TestF21ReplyLostAndReplayed(t *testing.T) {
	for _, lost := range []string{"look", "read", "obtain", "extend", "publish", "release"} {
		t.Run(lost, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
				f.warmScripts()
				holder := f.replica()
				if lost == "read" || lost == "obtain" {
					holder.failedLongAgo()
				}
				holder.link.DropReplies(1, script(lost))
				got := holder.getting(t.Context())
				time.Sleep(500 * time.Millisecond) // the client's own pause, too
				withinAll(f.start(5), 3*time.Second+100*time.Millisecond)
				require.NoError(t, (<-got).err)
				assert.Equal(t, 2, f.stats().Calls, "the warm-up's and one more")
				assert.Equal(t, []string{"publish stored"}, holder.only(tokencache.EventPublish, tokencache.EventLeaseLost))
				assert.Zero(t, f.count(tokencache.EventTakeover, ""))
				assert.Zero(t, f.count(tokencache.EventDegraded, ""))
				time.Sleep(time.Second)
				assert.Empty(t, f.lockKeyAfter())
				f.nothingLeft()
			})
		})
	}
}

// failedLongAgo leaves a failure that holds nobody. Whoever finds one looks and tries
// for the lock in two steps instead of one.
func (r *replica) failedLongAgo() {
	r.fleet.t.Helper()
	ctx, admin, key := context.Background(), r.fleet.redis.Admin(), "onetoken:{"+r.source.ID()+"}:failure"
	require.NoError(r.fleet.t, admin.HSet(ctx, key, "attempts", 1, "until", 1).Err())
	require.NoError(r.fleet.t, admin.PExpire(ctx, key, time.Minute).Err())
}

// warmScripts makes Redis know the scripts, and have nothing else.
func (f *fleet) warmScripts() {
	f.t.Helper()
	r := f.replica()
	tok := r.mustGet()
	require.NoError(f.t, r.source.Invalidate(context.Background(), tok))
	r.stop()
	require.NoError(f.t, f.redis.Admin().FlushDB(context.Background()).Err())
}

// F21: the same with a failure: its attempts are counted once, and the hold is
// that of the first.
func TestF21LostReplyOfAFailure(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.warmFailure()
		r := f.replica()
		r.link.DropReplies(1, script("fail"))
		f.issuer.FailNext(1, feishutest.Status(500))
		_, err := r.get(t.Context())
		require.Error(t, err)
		status, err := r.source.Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, status.Attempts)
		assert.LessOrEqual(t, status.RetryIn, 300*time.Millisecond)
		r.within(300*time.Millisecond + latency)
	})
}

func (f *fleet) warmFailure() {
	f.t.Helper()
	f.issuer.FailNext(1, feishutest.Status(500))
	_, err := f.replica().get(context.Background())
	require.Error(f.t, err)
	require.NoError(f.t, f.redis.Admin().FlushDB(context.Background()).Err())
}

// F21: and with a rejection: it is told once, though Redis hears it twice.
func TestF21LostReplyOfARejection(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.warmScripts()
		r := f.replica()
		bad := r.mustGet()
		f.issuer.Revoke(bad.AppAccessToken())
		r.link.DropReplies(1, script("invalidate"))
		require.NoError(t, r.source.Invalidate(t.Context(), bad))
		assert.Equal(t, []string{"invalidate dropped"}, r.only(tokencache.EventInvalidate))
		assert.Equal(t, 1, r.link.Count("PUBLISH")-1, "one event of it")
		tombstone := f.redis.Admin().Get(t.Context(), f.keyOf("rejected")).Val()
		assert.Regexp(t, `^\d+ 1 `, tombstone, "counted once")
		assert.False(t, r.within(latency).Equal(bad))
	})
}

// F43: the lock was taken, and the reply lost on a client that does not try
// again. Nobody holds it, so it is released at once, and nobody waits for it.
func TestF43LockReplyLost(t *testing.T) {
	for name, fault := range map[string]struct {
		lose   func(*redistest.Link)
		within time.Duration
		failed bool // long ago: the lock is tried for in a step of its own
	}{
		"connection cut":                  {func(l *redistest.Link) { l.DropReplies(1, script("look")) }, 0, false},
		"connection cut, after a failure": {func(l *redistest.Link) { l.DropReplies(1, script("obtain")) }, 0, true},
		"reply too late":                  {func(l *redistest.Link) { l.Delay(1200 * time.Millisecond) }, 3 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				f.warmScripts()
				r, other := f.replica(oneTry, with(noDirect)), f.replica()
				if fault.failed {
					r.failedLongAgo()
				}
				release := func() {}
				if fault.within == 0 {
					fault.lose(r.link)
				} else {
					require.NoError(t, f.redis.Admin().Ping(t.Context()).Err())
					_, err := r.source.Status(t.Context()) // connected
					require.NoError(t, err)
					hold := r.link.Hold(script("look"))
					release = func() {
						fault.lose(r.link)
						hold()
						time.AfterFunc(time.Millisecond, r.link.Heal)
					}
				}
				got := r.getting(t.Context())
				time.Sleep(time.Millisecond)
				release()
				require.ErrorIs(t, (<-got).err, tokencache.ErrRedis)
				other.within(fault.within + latency)
				assert.Equal(t, 2, f.stats().Calls, "the warm-up's and one more")
				r.link.Heal()
				time.Sleep(3 * time.Second)
				r.within(0)
				f.nothingLeft()
			})
		})
	}
}
