package lock_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
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

// lease is for tests that run in virtual time and on a real redis-server, where time
// is real: long enough for a busy machine.
const lease = 1500 * time.Millisecond

// load makes the scripts known, so that a try is one command.
func load(t *testing.T, rdb *redis.Client) {
	held, err := lock.New(rdb).TryAcquire(t.Context(), key, lease, lease)
	require.NoError(t, err)
	require.NoError(t, held.Release(t.Context()))
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

// late has its first answer come late.
type late struct {
	redis.Scripter
	by    time.Duration
	calls atomic.Int64
}
