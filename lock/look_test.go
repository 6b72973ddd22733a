package lock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/lock"
)

// look is whether there is anything under its first key; the lock is the second.
var look = lock.NewLook("return { redis.call('EXISTS', KEYS[1]), #ARGV }", "look[1] == 0")

const seen = "what is looked at"

func TestLookAndTry(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		admin, keys := env.Admin(), []string{seen, key}
		load(t, env.Client("a"))
		locker, link := lock.New(env.Client("a", once)), env.Link("a")

		reply, held, err := locker.LookAndTry(t.Context(), look, keys, 2, lease, time.Minute)
		require.NoError(t, err)
		require.NotNil(t, held)
		assert.Equal(t, []any{int64(0), int64(0)}, reply, "the look has no arguments")
		assert.Equal(t, held.Value(), admin.Get(t.Context(), key).Val())
		assert.Zero(t, admin.Exists(t.Context(), seen).Val())

		link.ResetCounts()
		reply, other, err := locker.LookAndTry(t.Context(), look, keys, 2, lease, time.Minute)
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
		reply, held, err := lock.New(env.Client("a")).LookAndTry(t.Context(), look, []string{seen, key}, 2, lease, time.Minute)
		require.NoError(t, err)
		assert.Nil(t, held)
		assert.Equal(t, []any{int64(1), int64(0)}, reply)
		assert.Zero(t, admin.Exists(t.Context(), key).Val())
	})
}

func TestLookFails(t *testing.T) {
	t.Parallel()
	broken := lock.NewLook("return redis.error_reply('WRONGTYPE as it happens')", "true")
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		locker := lock.New(env.Client("a"))
		reply, held, err := locker.LookAndTry(t.Context(), broken, []string{key}, 1, lease, time.Minute)
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
		_, held, err := locker.LookAndTry(t.Context(), look, keys, 2, lease, time.Minute)
		require.NoError(t, err)
		require.NoError(t, held.Release(t.Context()))

		env.Link("a").DropReplies(1, redistest.Commands("EVALSHA"))
		_, held, err = locker.LookAndTry(t.Context(), look, keys, 2, lease, time.Minute)
		require.NoError(t, err)
		require.NotNil(t, held)
		assert.Equal(t, held.Value(), env.Admin().Get(t.Context(), key).Val())
		require.NoError(t, held.Release(t.Context()))
	})
}
