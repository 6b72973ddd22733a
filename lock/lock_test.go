package lock_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/lock"
)

const key = "onetoken:{app}:lock"

func bubble(t *testing.T, f func(t *testing.T, rdb *redis.Client)) {
	synctest.Test(t, func(t *testing.T) {
		m := miniredis.NewMiniRedis()
		m.ClockTTL(true)
		rdb := redis.NewClient(&redis.Options{
			Addr:   "127.0.0.1:6379",
			Dialer: func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
		})
		t.Cleanup(m.Close)
		t.Cleanup(func() { _ = rdb.Close() })
		f(t, rdb)
	})
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

var errBroken = errors.New("redis is broken")

// flaky is a Scripter in front of a good one. While broken it answers errBroken:
// after the call was carried out, or instead of it.
type flaky struct {
	redis.Scripter
	broken, unsent atomic.Bool
	calls          atomic.Int64
}

func (s *flaky) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return s.call(ctx, func() *redis.Cmd { return s.Scripter.EvalSha(ctx, sha, keys, args...) })
}

func (s *flaky) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return s.call(ctx, func() *redis.Cmd { return s.Scripter.Eval(ctx, script, keys, args...) })
}

func (s *flaky) call(ctx context.Context, do func() *redis.Cmd) *redis.Cmd {
	s.calls.Add(1)
	lost := redis.NewCmd(ctx)
	lost.SetErr(errBroken)
	if s.unsent.Load() {
		return lost
	}
	cmd := do()
	if s.broken.Load() && !redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
		return lost
	}
	return cmd
}

// stuck is a Scripter whose calls end with their ctx, unless it is open.
type stuck struct {
	redis.Scripter
	open atomic.Bool
}

func (s *stuck) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	if !s.open.Load() {
		<-ctx.Done()
	}
	return s.Scripter.EvalSha(ctx, sha, keys, args...)
}

func TestAcquireAndRelease(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		locker := lock.New(rdb)
		lease, err := locker.TryAcquire(t.Context(), key, time.Second, time.Minute)
		require.NoError(t, err)
		assert.Len(t, lease.Value(), 22)
		assert.Equal(t, lease.Value(), rdb.Get(t.Context(), key).Val())

		_, err = locker.TryAcquire(t.Context(), key, time.Second, time.Minute)
		require.ErrorIs(t, err, lock.ErrHeld)

		require.NoError(t, lease.Release(t.Context()))
		require.NoError(t, lease.Release(t.Context()), "a second time")
		assert.False(t, closed(lease.Lost()))
		assert.Zero(t, rdb.Exists(t.Context(), key).Val())
	})
}

func TestTooShort(t *testing.T) {
	locker := lock.New(nil)
	_, err := locker.TryAcquire(t.Context(), key, time.Millisecond-1, time.Second)
	require.Error(t, err)
	_, err = locker.TryAcquire(t.Context(), key, time.Second, 0)
	require.Error(t, err)
}

func TestNothingSentOnceCtxHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := lock.New(nil).TryAcquire(ctx, key, time.Second, time.Second)
	require.ErrorIs(t, err, context.Canceled)
}

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

func TestReleaseAfterExpirySparesTheSuccessor(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		locker := lock.New(rdb)
		first, err := locker.TryAcquire(t.Context(), key, time.Second, time.Second)
		require.NoError(t, err)
		time.Sleep(1001 * time.Millisecond)
		second, err := locker.TryAcquire(t.Context(), key, time.Second, time.Second)
		require.NoError(t, err)

		require.NoError(t, first.Release(t.Context()))
		assert.Equal(t, second.Value(), rdb.Get(t.Context(), key).Val())
		require.NoError(t, second.Release(t.Context()))
	})
}

func TestLost(t *testing.T) {
	const lease = 900 * time.Millisecond
	for name, rob := range map[string]func(rdb *redis.Client){
		"deleted":   func(rdb *redis.Client) { rdb.Del(context.Background(), key) },
		"cut short": func(rdb *redis.Client) { rdb.PExpire(context.Background(), key, time.Millisecond) },
		"taken":     func(rdb *redis.Client) { rdb.Set(context.Background(), key, "other", 0) },
		"of another type": func(rdb *redis.Client) {
			rdb.Del(context.Background(), key)
			rdb.HSet(context.Background(), key, "a", "b")
		},
		"flushed": func(rdb *redis.Client) { rdb.FlushAll(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, rdb *redis.Client) {
				start := time.Now()
				held, err := lock.New(rdb).TryAcquire(t.Context(), key, lease, time.Minute)
				require.NoError(t, err)
				time.Sleep(time.Second)
				rob(rdb)
				<-held.Lost()
				assert.Equal(t, 1200*time.Millisecond, time.Since(start), "by the next extension")
				before := rdb.Type(t.Context(), key).Val()
				require.NoError(t, held.Release(t.Context()))
				assert.Equal(t, before, rdb.Type(t.Context(), key).Val(), "not ours, not deleted")
			})
		})
	}
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

func TestLostReplyIsReleased(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		s := &flaky{Scripter: rdb}
		s.broken.Store(true)
		locker := lock.New(s)
		_, err := locker.TryAcquire(t.Context(), key, time.Hour, time.Hour)
		require.ErrorIs(t, err, errBroken)
		locker.Wait()
		assert.Equal(t, int64(4), s.calls.Load(), "one try, one release, each with a script unseen")
		assert.Zero(t, rdb.Exists(t.Context(), key).Val())
	})
}

func TestAbandonedTryIsReleasedInTheBackground(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		start := time.Now()
		locker := lock.New(&stuck{Scripter: rdb})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := locker.TryAcquire(ctx, key, 5*time.Second, time.Minute)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))
		locker.Wait()
		assert.Equal(t, 6*time.Second, time.Since(start), "no longer than a lease")
	})
}

func TestReplyAfterTheLeaseIsWorthNothing(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		locker := lock.New(slow{rdb})
		_, err := locker.TryAcquire(t.Context(), key, time.Second, time.Minute)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		locker.Wait()
	})
}

// slow answers after two seconds, whatever its ctx.
type slow struct{ redis.Scripter }

func (s slow) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	defer time.Sleep(2 * time.Second)
	return s.Scripter.Eval(context.WithoutCancel(ctx), "return 'OK'", keys, args...)
}

func TestForeignTypeIsAnErrorAndStays(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		rdb.HSet(t.Context(), key, "a", "b")
		locker := lock.New(rdb)
		_, err := locker.TryAcquire(t.Context(), key, time.Second, time.Minute)
		require.ErrorContains(t, err, "WRONGTYPE")
		require.NotErrorIs(t, err, lock.ErrHeld)
		locker.Wait()
		assert.Equal(t, "hash", rdb.Type(t.Context(), key).Val())
	})
}
