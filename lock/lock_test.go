package lock_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/lock"
)

const key = "onetoken:{app}:lock"

func bubble(t *testing.T, f func(t *testing.T, rdb *redis.Client)) {
	synctest.Test(t, func(t *testing.T) { f(t, redistest.NewBubble(t).Client("a")) })
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
// after the call was carried out, or instead of it. If it is to break, it does so with the next
// call that it carries out.
type flaky struct {
	redis.Scripter
	broken, unsent atomic.Bool
	toBreak        atomic.Bool // unsent from the next call on
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
	if !redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") && s.toBreak.Load() {
		s.unsent.Store(true)
	}
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

func (s *stuck) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	if !s.open.Load() {
		<-ctx.Done()
	}
	return s.Scripter.Eval(ctx, script, keys, args...)
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

// slow answers after two seconds, whatever its ctx.
type slow struct{ redis.Scripter }

func (s slow) EvalSha(ctx context.Context, _ string, keys []string, args ...any) *redis.Cmd {
	defer time.Sleep(2 * time.Second)
	return s.Eval(context.WithoutCancel(ctx), "return 'OK'", keys, args...)
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
