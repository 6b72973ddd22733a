package tokencache_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

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
