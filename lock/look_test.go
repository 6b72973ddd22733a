package lock_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/lock"
)

// look is whether there is anything under its first key; the lock is the second.
var look = lock.NewLook("return { redis.call('EXISTS', KEYS[1]), #ARGV }", "look[1] == 0", "false", 2)

const seen = "what is looked at"

func TestLookAndTry(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		admin, keys := env.Admin(), []string{seen, key}
		load(t, env.Client("a"))
		locker, link := lock.New(env.Client("a", once)), env.Link("a")

		reply, held, err := locker.LookAndTry(t.Context(), look, keys, lease, time.Minute)
		require.NoError(t, err)
		require.NotNil(t, held)
		assert.Equal(t, []any{int64(0), int64(0)}, reply, "the look has no arguments")
		assert.Equal(t, held.Value(), admin.Get(t.Context(), key).Val())
		assert.Zero(t, admin.Exists(t.Context(), seen).Val())

		link.ResetCounts()
		reply, other, err := locker.LookAndTry(t.Context(), look, keys, lease, time.Minute)
		require.NoError(t, err)
		assert.Nil(t, other, "held")
		assert.Equal(t, []any{int64(0), int64(0)}, reply)
		assert.Equal(t, map[string]int{"EVALSHA": 1}, link.Counts())

		time.Sleep(2 * lease)
		assert.Equal(t, held.Value(), admin.Get(t.Context(), key).Val(), "extended")
		require.NoError(t, held.Release(t.Context()))
		assert.Zero(t, admin.Exists(t.Context(), key).Val())
	})
}

func TestLookForbidsTheTry(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		admin := env.Admin()
		require.NoError(t, admin.Set(t.Context(), seen, "something", 0).Err())
		reply, held, err := lock.New(env.Client("a")).LookAndTry(t.Context(), look, []string{seen, key}, lease, time.Minute)
		require.NoError(t, err)
		assert.Nil(t, held)
		assert.Equal(t, []any{int64(1), int64(0)}, reply)
		assert.Zero(t, admin.Exists(t.Context(), key).Val())
	})
}

func TestLookFails(t *testing.T) {
	t.Parallel()
	broken := lock.NewLook("return redis.error_reply('WRONGTYPE as it happens')", "true", "false", 1)
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		locker := lock.New(env.Client("a"))
		reply, held, err := locker.LookAndTry(t.Context(), broken, []string{key}, lease, time.Minute)
		require.ErrorContains(t, err, "WRONGTYPE")
		assert.Nil(t, reply)
		assert.Nil(t, held)
		locker.Wait()
		assert.Zero(t, env.Admin().Exists(t.Context(), key).Val())
	})
}

// The reply is lost, and the client sends the same once more: the lock is ours.
func TestLookAndTryReplayed(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		load(t, env.Client("a"))
		locker, keys := lock.New(env.Client("a")), []string{seen, key}
		_, held, err := locker.LookAndTry(t.Context(), look, keys, lease, time.Minute)
		require.NoError(t, err)
		require.NoError(t, held.Release(t.Context()))

		env.Link("a").DropReplies(1, redistest.Commands("EVALSHA"))
		_, held, err = locker.LookAndTry(t.Context(), look, keys, lease, time.Minute)
		require.NoError(t, err)
		require.NotNil(t, held)
		assert.Equal(t, held.Value(), env.Admin().Get(t.Context(), key).Val())
		require.NoError(t, held.Release(t.Context()))
	})
}

// What was seen is good, though the lock that was taken with it is worth nothing by then.
func TestLookOutlastsTheLease(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		locker := lock.New(&late{Scripter: rdb, by: 2 * time.Second})
		reply, held, err := locker.LookAndTry(t.Context(), look, []string{seen, key}, time.Second, time.Minute)
		require.NoError(t, err)
		assert.Nil(t, held)
		assert.Equal(t, []any{int64(0), int64(0)}, reply)
		locker.Wait()
		assert.Zero(t, rdb.Exists(t.Context(), key).Val(), "released")
	})
}

// late has its first answer come late.
type late struct {
	redis.Scripter
	by    time.Duration
	calls atomic.Int64
}

func (l *late) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	cmd := l.Scripter.EvalSha(ctx, sha, keys, args...)
	if l.calls.Add(1) == 1 {
		time.Sleep(l.by)
	}
	return cmd
}

// The reply is lost, and when the client sends the same once more there is something to
// see: the lock that the first one took is nobody's.
func TestReplayedWhenTheConditionHoldsNoMore(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		locker := lock.New(replaying{rdb, func() { rdb.Set(t.Context(), seen, "something", 0) }})
		reply, held, err := locker.LookAndTry(t.Context(), look, []string{seen, key}, time.Minute, time.Minute)
		require.NoError(t, err)
		assert.Nil(t, held)
		assert.Equal(t, []any{int64(1), int64(0)}, reply)
		assert.Zero(t, rdb.Exists(t.Context(), key).Val(), "nobody waits out a ghost's lease")

		require.NoError(t, rdb.Set(t.Context(), key, "another's", 0).Err())
		_, _, err = locker.LookAndTry(t.Context(), look, []string{seen, key}, time.Minute, time.Minute)
		require.NoError(t, err)
		assert.Equal(t, "another's", rdb.Get(t.Context(), key).Val())
	})
}

// replaying sends each text twice, and lets something happen in between.
type replaying struct {
	redis.Scripter
	between func()
}

func (r replaying) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	r.Scripter.Eval(ctx, script, keys, args...)
	r.between()
	return r.Scripter.Eval(ctx, script, keys, args...)
}

// Another redislock may have another way to obtain, which is not to go unnoticed.
func TestLookThatIsNone(t *testing.T) {
	bubble(t, func(t *testing.T, rdb *redis.Client) {
		for name, source := range map[string]string{
			"no array":  "return 'x'",
			"a number":  "return 1",
			"an error":  "return redis.error_reply('ERR x')",
			"a nothing": "return false",
		} {
			reply, held, err := lock.New(rdb).LookAndTry(t.Context(), lock.NewLook(source, "true", "false", 1), []string{key}, lease, time.Minute)
			require.Error(t, err, name)
			_, answered := errors.AsType[redis.Error](err)
			assert.True(t, answered, "%s: it is no silence", name)
			assert.Nil(t, held, name)
			assert.Nil(t, reply, name)
		}
	})
}

// What is no lock is somebody's who should hear of it, but only by those who want the lock.
func TestLookAtALockThatIsNone(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		admin, locker, keys := env.Admin(), lock.New(env.Client("a")), []string{seen, key}
		require.NoError(t, admin.RPush(t.Context(), key, "a list").Err())
		_, held, err := locker.LookAndTry(t.Context(), look, keys, lease, time.Minute)
		require.ErrorContains(t, err, "WRONGTYPE")
		require.ErrorContains(t, err, key)
		assert.Nil(t, held)

		require.NoError(t, admin.Set(t.Context(), seen, "something", 0).Err())
		reply, held, err := locker.LookAndTry(t.Context(), look, keys, lease, time.Minute)
		require.NoError(t, err)
		assert.Nil(t, held)
		assert.Equal(t, []any{int64(1), int64(0)}, reply)
		locker.Wait()
		assert.Equal(t, []string{"a list"}, admin.LRange(t.Context(), key, 0, -1).Val())
	})
}
