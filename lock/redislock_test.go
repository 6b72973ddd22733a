package lock

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

func TestObtainScriptIsKnown(t *testing.T) {
	assert.NotEqual(t, nothingObtained, obtainScript(), "a cold fleet takes a round trip more with this redislock")
}

// With another redislock a look is a look, and the lock is left for a try of its own.
func TestLookWithAnotherRedislock(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		rdb := env.Client("a")
		look := NewLook("return { 'seen' }", "true", "false", 1)
		script := look.with(nothingObtained)
		look.compose = func() *redis.Script { return script }
		reply, taken, err := New(rdb).LookAndTry(t.Context(), look, []string{"k"}, time.Minute, time.Minute)
		require.NoError(t, err)
		assert.Nil(t, taken)
		assert.Equal(t, []any{"seen"}, reply)
		assert.Zero(t, rdb.Exists(t.Context(), "k").Val())
	})
}
