package lock_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/lock"
)

func TestClaimIsKept(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		rdb, admin := env.Client("a"), env.Admin()
		locker := lock.New(rdb)
		load(t, rdb)
		c := claim(t, locker, lease)
		assert.Equal(t, lease, c.TTL())
		assert.Len(t, c.Value(), 22)
		assert.NotEqual(t, c.Value(), claim(t, locker, lease).Value())
		take(t, rdb, c)

		env.Link("a").ResetCounts()
		held := c.Keep(t.Context())
		assert.Equal(t, map[string]int{"EVALSHA": 1}, env.Link("a").Counts())
		assert.Equal(t, c.Value(), held.Value())
		time.Sleep(2 * lease)
		assert.False(t, closed(held.Lost()))
		assert.Equal(t, held.Value(), admin.Get(t.Context(), key).Val(), "extended")
		require.NoError(t, held.Release(t.Context()))
		assert.Zero(t, admin.Exists(t.Context(), key).Val())
	})
}

// Another has it by now: that is known at once, and his lock is left alone.
func TestClaimOfALockThatWasLost(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		rdb, admin := env.Client("a"), env.Admin()
		c := claim(t, lock.New(rdb), lease)
		require.NoError(t, admin.Set(t.Context(), key, "another's", 0).Err())
		held := c.Keep(t.Context())
		assert.True(t, closed(held.Lost()))
		before := env.Link("a").Count()
		require.NoError(t, held.Release(t.Context()))
		assert.Equal(t, before, env.Link("a").Count(), "nothing is ours")
		assert.Equal(t, "another's", admin.Get(t.Context(), key).Val())
	})
}

// Nobody knows whether it is ours: it is not extended, lost when the lease is over, and
// given back all the same.
func TestClaimWithoutAnAnswer(t *testing.T) {
	for name, release := range map[string]bool{"released": true, "left": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, rdb *redis.Client) {
				s := &flaky{Scripter: rdb}
				c := claim(t, lock.New(s), time.Second)
				take(t, rdb, c)
				s.unsent.Store(true)
				start, calls := time.Now(), s.calls.Load()
				held := c.Keep(t.Context())
				assert.Equal(t, int64(1), s.calls.Load()-calls)
				assert.False(t, closed(held.Lost()))
				s.unsent.Store(false)
				if release {
					require.NoError(t, held.Release(t.Context()))
					assert.Zero(t, rdb.Exists(t.Context(), key).Val())
					return
				}
				<-held.Lost()
				assert.Equal(t, time.Second, time.Since(start))
				assert.Equal(t, int64(1), s.calls.Load()-calls, "nothing extends it")
				require.NoError(t, rdb.Set(t.Context(), key, "a successor's", 0).Err())
				require.NoError(t, held.Release(t.Context()))
				assert.Equal(t, "a successor's", rdb.Get(t.Context(), key).Val())
			})
		})
	}
}

// All time counts from when the claim was made, not from when the script's reply came.
func TestClaimCountsFromTheQuestion(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		s := &flaky{Scripter: rdb}
		start := time.Now()
		c := claim(t, lock.New(s), time.Second)
		time.Sleep(600 * time.Millisecond) // the look is on its way
		take(t, rdb, c)
		assert.False(t, c.Over())
		s.toBreak.Store(true) // before Keep, as the keeper extends at once
		held := c.Keep(t.Context())
		<-held.Lost()
		assert.Equal(t, time.Second, time.Since(start))
		assert.True(t, c.Over())
		s.unsent.Store(false)
		require.NoError(t, held.Release(t.Context()))
	})
}

// A reply of redislock's that comes after the lease is worth nothing.
func TestClaimKeptTooLate(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		c := claim(t, lock.New(&late{Scripter: rdb, by: 2 * time.Second}), time.Second)
		take(t, rdb, c)
		held := c.Keep(t.Context())
		<-held.Lost()
		require.NoError(t, held.Release(t.Context()))
		assert.Zero(t, rdb.Exists(t.Context(), key).Val())
	})
}

func TestClaimIsDropped(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		rdb, admin := env.Client("a"), env.Admin()
		locker := lock.New(rdb)
		c := claim(t, locker, time.Hour)
		take(t, rdb, c)
		c.Drop()
		locker.Wait()
		assert.Zero(t, admin.Exists(t.Context(), key).Val(), "nobody waits out a ghost's lease")

		require.NoError(t, admin.Set(t.Context(), key, "another's", 0).Err())
		c.Drop()
		locker.Wait()
		assert.Equal(t, "another's", admin.Get(t.Context(), key).Val())
	})
}

func TestClaimThatIsNone(t *testing.T) {
	locker := lock.New(redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}))
	for _, terms := range [][2]time.Duration{{time.Millisecond - 1, time.Second}, {time.Second, 0}, {0, time.Second}, {-1, -1}} {
		_, err := locker.Claim(t.Context(), key, terms[0], terms[1])
		require.ErrorContains(t, err, "a lease is at least 1 ms", "%v", terms)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := locker.Claim(ctx, key, time.Second, time.Second)
	require.ErrorIs(t, err, context.Canceled)
	c, err := locker.Claim(t.Context(), key, time.Minute, 1500*time.Microsecond)
	require.NoError(t, err)
	assert.Equal(t, time.Millisecond, c.TTL())
}

// claim prepares a try, and take makes it as a caller's script does.
func claim(t *testing.T, l *lock.Locker, lease time.Duration) *lock.Claim {
	c, err := l.Claim(t.Context(), key, lease, time.Minute)
	require.NoError(t, err)
	return c
}

func take(t *testing.T, rdb *redis.Client, c *lock.Claim) {
	require.NoError(t, rdb.SetArgs(t.Context(), key, c.Value(), redis.SetArgs{Mode: "NX", TTL: c.TTL()}).Err())
}

func (l *late) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	cmd := l.Scripter.EvalSha(ctx, sha, keys, args...)
	if l.calls.Add(1) == 1 {
		time.Sleep(l.by)
	}
	return cmd
}
