package lock_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/lock"
)

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

func TestLostReplyIsReleased(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		s := &flaky{Scripter: rdb}
		s.broken.Store(true)
		locker := lock.New(s)
		_, err := locker.TryAcquire(t.Context(), key, time.Hour, time.Hour)
		require.ErrorIs(t, err, errBroken)
		locker.Wait()
		assert.Equal(t, int64(3), s.calls.Load(), "one try with a script unseen, and a release by its text")
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

// Without a client nothing is tried, and nothing panics.
func TestNilArgumentsAreErrors(t *testing.T) {
	for name, rdb := range map[string]redis.Scripter{"nil": nil, "Client": (*redis.Client)(nil), "ClusterClient": (*redis.ClusterClient)(nil)} {
		t.Run(name, func(t *testing.T) {
			l := lock.New(rdb)
			_, err := l.TryAcquire(t.Context(), "k", time.Second, time.Second)
			require.ErrorContains(t, err, "New needs a redis client")
			_, err = l.Claim(t.Context(), "k", time.Second, time.Second)
			require.ErrorContains(t, err, "New needs a redis client")
			l.Wait()
		})
	}
}

func (s *stuck) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	if !s.open.Load() {
		<-ctx.Done()
	}
	return s.Scripter.EvalSha(ctx, sha, keys, args...)
}

func (s *stuck) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	if !s.open.Load() {
		<-ctx.Done()
	}
	return s.Scripter.Eval(ctx, script, keys, args...)
}

// slow answers after two seconds, whatever its ctx.
type slow struct{ redis.Scripter }

func (s slow) EvalSha(ctx context.Context, _ string, keys []string, args ...any) *redis.Cmd {
	defer time.Sleep(2 * time.Second)
	return s.Eval(context.WithoutCancel(ctx), "return 'OK'", keys, args...)
}
