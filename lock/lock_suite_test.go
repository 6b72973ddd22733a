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

// tolerance of what took how many seconds.
const tolerance = 1

func TestAcquireAndRelease(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		locker, admin := lock.New(env.Client("a")), env.Admin()
		held, err := locker.TryAcquire(t.Context(), key, time.Minute, time.Hour)
		require.NoError(t, err)
		assert.Len(t, held.Value(), 22)
		assert.Equal(t, held.Value(), admin.Get(t.Context(), key).Val())
		assert.InDelta(t, 60, admin.PTTL(t.Context(), key).Val().Seconds(), 1)

		_, err = lock.New(env.Client("b")).TryAcquire(t.Context(), key, time.Minute, time.Hour)
		require.ErrorIs(t, err, lock.ErrHeld)
		assert.Equal(t, held.Value(), admin.Get(t.Context(), key).Val())

		require.NoError(t, held.Release(t.Context()))
		env.Link("a").ResetCounts()
		require.NoError(t, held.Release(t.Context()), "a second time")
		assert.Zero(t, env.Link("a").Count())
		assert.False(t, closed(held.Lost()))
		assert.Zero(t, admin.Exists(t.Context(), key).Val())
	})
}

func TestOneHolderAtATime(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		rdb := env.Client("a")
		results := make(chan error)
		for range 20 {
			go func() {
				_, err := lock.New(rdb).TryAcquire(context.Background(), key, time.Minute, time.Minute)
				results <- err
			}()
		}
		won := 0
		for range 20 {
			if err := <-results; err == nil {
				won++
			} else {
				require.ErrorIs(t, err, lock.ErrHeld)
			}
		}
		assert.Equal(t, 1, won)
	})
}

func TestExtendedWhileHeld(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		locker := lock.New(env.Client("a"))
		held, err := locker.TryAcquire(t.Context(), key, lease, time.Hour)
		require.NoError(t, err)
		select {
		case <-held.Lost():
			t.Fatal("lost")
		case <-time.After(3 * lease / 2):
		}
		_, err = locker.TryAcquire(t.Context(), key, lease, lease)
		require.ErrorIs(t, err, lock.ErrHeld)
		require.NoError(t, held.Release(t.Context()))
	})
}

func TestNotExtendedPastAtMost(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		start := time.Now()
		held, err := lock.New(env.Client("a")).TryAcquire(t.Context(), key, lease, 3*lease/2)
		require.NoError(t, err)
		<-held.Lost() // and never release it
		assert.InDelta(t, (3 * lease / 2).Seconds(), time.Since(start).Seconds(), tolerance)
		whenFree(t, lock.New(env.Client("b")))
	})
}

func TestF6ReleaseAfterExpirySparesTheSuccessor(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		locker := lock.New(env.Client("a"))
		first, err := locker.TryAcquire(t.Context(), key, lease, lease)
		require.NoError(t, err)
		<-first.Lost()
		second := whenFree(t, locker)
		require.NoError(t, first.Release(t.Context()), "not held is no error")
		assert.Equal(t, second.Value(), env.Admin().Get(t.Context(), key).Val())
		require.NoError(t, second.Release(t.Context()))
	})
}

func TestLostToOthers(t *testing.T) {
	t.Parallel()
	for name, rob := range map[string]func(ctx context.Context, admin *redis.Client){
		"deleted":         func(ctx context.Context, admin *redis.Client) { admin.Del(ctx, key) },
		"cut short":       func(ctx context.Context, admin *redis.Client) { admin.PExpire(ctx, key, time.Millisecond) },
		"taken":           func(ctx context.Context, admin *redis.Client) { admin.Set(ctx, key, "other", 0) },
		"of another type": func(ctx context.Context, admin *redis.Client) { admin.Del(ctx, key); admin.HSet(ctx, key, "a", "b") },
		"flushed":         func(ctx context.Context, admin *redis.Client) { admin.FlushAll(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redistest.Each(t, func(t *testing.T, env redistest.Env) {
				admin := env.Admin()
				held, err := lock.New(env.Client("a")).TryAcquire(t.Context(), key, 2*lease, time.Hour)
				require.NoError(t, err)
				start := time.Now()
				rob(t.Context(), admin)
				<-held.Lost()
				assert.Less(t, time.Since(start), 2*lease-lease/4, "learnt at the extension, not at the end")
				before := admin.Type(t.Context(), key).Val()
				require.NoError(t, held.Release(t.Context()))
				assert.Equal(t, before, admin.Type(t.Context(), key).Val(), "not ours, not deleted")
			})
		})
	}
}

func TestScriptsForgottenWhileHeld(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		held, err := lock.New(env.Client("a")).TryAcquire(t.Context(), key, lease, time.Hour)
		require.NoError(t, err)
		require.NoError(t, env.Admin().ScriptFlush(t.Context()).Err())
		time.Sleep(3 * lease / 2)
		assert.False(t, closed(held.Lost()))
		require.NoError(t, env.Admin().ScriptFlush(t.Context()).Err())
		require.NoError(t, held.Release(t.Context()))
	})
}

func TestReplyLostAndNotReplayed(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		rdb := env.Client("a", once)
		load(t, rdb)
		locker := lock.New(rdb)
		env.Link("a").DropReplies(1, nil)
		_, err := locker.TryAcquire(t.Context(), key, time.Hour, time.Hour)
		require.Error(t, err)
		require.NotErrorIs(t, err, lock.ErrHeld)
		locker.Wait()
		assert.Zero(t, env.Admin().Exists(t.Context(), key).Val(), "nobody waits out a ghost's lease")
	})
}

func TestF6UnsureReleaseSparesTheHolder(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		rdb := env.Client("a", once)
		load(t, rdb)
		held, err := lock.New(env.Client("b")).TryAcquire(t.Context(), key, time.Minute, time.Minute)
		require.NoError(t, err)
		locker := lock.New(rdb)
		env.Link("a").DropReplies(1, nil)
		_, err = locker.TryAcquire(t.Context(), key, time.Minute, time.Minute)
		require.Error(t, err)
		require.NotErrorIs(t, err, lock.ErrHeld, "that was the reply")
		locker.Wait()
		assert.Equal(t, held.Value(), env.Admin().Get(t.Context(), key).Val())
		require.NoError(t, held.Release(t.Context()))
	})
}

func TestReplyLostAndReplayed(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		rdb := env.Client("a")
		load(t, rdb)
		env.Link("a").DropReplies(1, nil)
		held, err := lock.New(rdb).TryAcquire(t.Context(), key, time.Hour, time.Hour)
		require.NoError(t, err, "go-redis asks again with the same value, and it is ours")
		env.Link("a").DropReplies(1, nil)
		require.NoError(t, held.Release(t.Context()), "the replay finds nothing to release")
		assert.Zero(t, env.Admin().Exists(t.Context(), key).Val())
	})
}

func TestLostWhenRedisFallsSilent(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		held, err := lock.New(env.Client("a", once)).TryAcquire(t.Context(), key, lease, time.Hour)
		require.NoError(t, err)
		start := time.Now()
		env.Link("a").Silence(true)
		<-held.Lost()
		assert.InDelta(t, lease.Seconds(), time.Since(start).Seconds(), tolerance, "though the extension hangs for 5 s")
		env.Link("a").Silence(false)
		require.NoError(t, held.Release(t.Context()))
	})
}

func TestForeignTypeIsAnErrorAndStays(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		admin := env.Admin()
		admin.HSet(t.Context(), key, "a", "b")
		locker := lock.New(env.Client("a"))
		_, err := locker.TryAcquire(t.Context(), key, time.Second, time.Minute)
		require.ErrorContains(t, err, "WRONGTYPE")
		require.NotErrorIs(t, err, lock.ErrHeld)
		locker.Wait()
		assert.Equal(t, "hash", admin.Type(t.Context(), key).Val())
	})
}

func TestRefusedByRedis(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		env.Link("a").Fail("OOM command not allowed when used memory > 'maxmemory'.", nil)
		locker := lock.New(env.Client("a"))
		_, err := locker.TryAcquire(t.Context(), key, time.Second, time.Minute)
		require.ErrorContains(t, err, "OOM")
		locker.Wait()
	})
}

// A full Redis takes no new lock, but keeps and frees those there are.
func TestFullRedis(t *testing.T) {
	t.Parallel()
	env := redistest.NewReal(t, "--maxmemory", "2mb", "--maxmemory-policy", "noeviction")
	locker, admin := lock.New(env.Client("a")), env.Admin()
	held, err := locker.TryAcquire(t.Context(), key, lease, time.Hour)
	require.NoError(t, err)
	for err == nil {
		err = admin.Append(t.Context(), "filler", string(make([]byte, 1<<18))).Err()
	}
	require.ErrorContains(t, err, "OOM")

	_, err = locker.TryAcquire(t.Context(), "other", lease, lease)
	require.ErrorContains(t, err, "OOM")
	time.Sleep(3 * lease / 2)
	assert.False(t, closed(held.Lost()))
	require.NoError(t, held.Release(t.Context()))
	assert.Zero(t, admin.Exists(t.Context(), key).Val())
	locker.Wait()
}

// once makes a client that sends nothing twice.
func once(o *redis.Options) { o.MaxRetries = -1 }

// whenFree takes a lock that is about to run out in Redis: we believe it gone a
// little before.
func whenFree(t *testing.T, locker *lock.Locker) *lock.Lease {
	for range 100 {
		held, err := locker.TryAcquire(t.Context(), key, time.Minute, time.Minute)
		if err == nil {
			return held
		}
		require.ErrorIs(t, err, lock.ErrHeld)
		time.Sleep(lease / 20)
	}
	t.Fatal("still held")
	return nil
}
