package lock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/lock"
)

func TestExtendedWhileHeldButNotPastAtMost(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		lease, err := lock.New(rdb).TryAcquire(t.Context(), key, 900*time.Millisecond, 10*time.Second)
		require.NoError(t, err)

		time.Sleep(10*time.Second - time.Millisecond)
		assert.False(t, closed(lease.Lost()))
		assert.Equal(t, lease.Value(), rdb.Get(t.Context(), key).Val())

		time.Sleep(2 * time.Millisecond)
		assert.True(t, closed(lease.Lost()))
		assert.Zero(t, rdb.Exists(t.Context(), key).Val())
		require.NoError(t, lease.Release(t.Context()))
	})
}

func TestAtMostBelowLease(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		s := &flaky{Scripter: rdb}
		lease, err := lock.New(s).TryAcquire(t.Context(), key, time.Minute, 1500*time.Microsecond)
		require.NoError(t, err)
		assert.Equal(t, time.Millisecond, rdb.PTTL(t.Context(), key).Val())
		calls := s.calls.Load()
		<-lease.Lost()
		assert.Equal(t, calls, s.calls.Load(), "nothing left to extend")
		require.NoError(t, lease.Release(t.Context()))
	})
}

func TestNoMoreExtensionsThanNeeded(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		s := &flaky{Scripter: rdb}
		lease, err := lock.New(s).TryAcquire(t.Context(), key, 900*time.Millisecond, 2*time.Second)
		require.NoError(t, err)
		before := s.calls.Load()
		<-lease.Lost()
		assert.Equal(t, int64(5), s.calls.Load()-before, "at 300, 600, 900 and 1200 ms, and one script unseen")
		require.NoError(t, lease.Release(t.Context()))
	})
}

// The lease is extended when a third of it is over, also if it took longer than that to
// learn of it.
func TestExtendedAtOnceAfterASlowTry(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		locker := lock.New(&late{Scripter: rdb, by: 800 * time.Millisecond})
		held, err := locker.TryAcquire(t.Context(), key, time.Second, time.Minute)
		require.NoError(t, err)
		time.Sleep(5 * time.Second)
		assert.False(t, closed(held.Lost()))
		require.NoError(t, held.Release(t.Context()))
	})
}

func TestLossIsLearntAtTheNextExtension(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		start := time.Now()
		held, err := lock.New(rdb).TryAcquire(t.Context(), key, 900*time.Millisecond, time.Minute)
		require.NoError(t, err)
		time.Sleep(time.Second)
		rdb.Del(t.Context(), key)
		<-held.Lost()
		assert.Equal(t, 1200*time.Millisecond, time.Since(start))
		require.NoError(t, held.Release(t.Context()))
	})
}

func TestPersistedIsPutRight(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		held, err := lock.New(rdb).TryAcquire(t.Context(), key, 900*time.Millisecond, time.Minute)
		require.NoError(t, err)
		rdb.Persist(t.Context(), key)
		time.Sleep(301 * time.Millisecond)
		assert.Equal(t, 899*time.Millisecond, rdb.PTTL(t.Context(), key).Val())
		require.NoError(t, held.Release(t.Context()))
	})
}

func TestExtensionTroubleIsOutlived(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		s := &flaky{Scripter: rdb}
		held, err := lock.New(s).TryAcquire(t.Context(), key, 1200*time.Millisecond, time.Minute)
		require.NoError(t, err)
		s.unsent.Store(true)
		time.Sleep(1050 * time.Millisecond)
		s.unsent.Store(false)
		time.Sleep(10 * time.Second)
		assert.False(t, closed(held.Lost()))
		require.NoError(t, held.Release(t.Context()))
	})
}

func TestLostOnceNothingExtendedInTime(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		s := &flaky{Scripter: rdb}
		start := time.Now()
		held, err := lock.New(s).TryAcquire(t.Context(), key, 1200*time.Millisecond, time.Minute)
		require.NoError(t, err)
		s.unsent.Store(true)
		before := s.calls.Load()
		<-held.Lost()
		assert.Equal(t, 1200*time.Millisecond, time.Since(start))
		synctest.Wait()
		assert.Equal(t, int64(9), s.calls.Load()-before, "paced")

		require.ErrorIs(t, held.Release(t.Context()), errBroken)
		s.unsent.Store(false)
		require.NoError(t, held.Release(t.Context()), "may be tried again")
	})
}

func TestLostThoughTheExtensionHangs(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		s := &stuck{Scripter: rdb}
		s.open.Store(true)
		start := time.Now()
		held, err := lock.New(s).TryAcquire(t.Context(), key, 900*time.Millisecond, time.Minute)
		require.NoError(t, err)
		s.open.Store(false)
		<-held.Lost()
		assert.Equal(t, 900*time.Millisecond, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, held.Release(ctx), context.DeadlineExceeded)
		assert.Equal(t, 1900*time.Millisecond, time.Since(start))
	})
}

func TestReleaseEndsTheExtensionUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		s := &stuck{Scripter: rdb}
		s.open.Store(true)
		held, err := lock.New(s).TryAcquire(t.Context(), key, 900*time.Millisecond, time.Minute)
		require.NoError(t, err)
		s.open.Store(false)
		time.Sleep(301 * time.Millisecond)
		s.open.Store(true)
		before := time.Now()
		require.NoError(t, held.Release(t.Context()))
		assert.Zero(t, time.Since(before))
		time.Sleep(time.Minute)
		assert.False(t, closed(held.Lost()))
		assert.Zero(t, rdb.Exists(t.Context(), key).Val())
	})
}
