package lock

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"
)

// The lock is redislock's, also where it is tried for within another script: that takes
// redislock's own script, and makes a redislock.Lock of what it did. Redislock offers
// neither, so each is asked for through a Redis that is none.

// nothingObtained is what stands for redislock's script if that is not known.
const nothingObtained = "return false"

// obtainScript is the text of the script with which redislock obtains a lock: it sends it
// when Redis says that it does not know it. Another version than v0.10.0 may go about it in
// another way. Then nothing is obtained within a look, and a try of its own has to follow.
var obtainScript = sync.OnceValue(func() string {
	const value, lease = "value", time.Second
	asked := &unknowing{}
	_, err := redislock.New(asked).Obtain(context.Background(), "key", lease, &redislock.Options{Token: value})
	if !errors.Is(err, redislock.ErrNotObtained) || fmt.Sprint(asked.args) != fmt.Sprint(obtainArgs(value, lease)) {
		return nothingObtained
	}
	return asked.script
})

// obtainArgs are the script's: the value, how much of it tells holders apart, and the
// lease in milliseconds.
func obtainArgs(value string, lease time.Duration) []any {
	return []any{value, len(value), strconv.FormatInt(lease.Milliseconds(), 10)}
}

// handleOf makes a redislock.Lock of one that was just obtained.
func (l *Locker) handleOf(ctx context.Context, key, value string, lease time.Duration) (*redislock.Lock, error) {
	return redislock.New(&knowing{Scripter: l.rdb}).Obtain(ctx, key, lease, &redislock.Options{Token: value})
}

// unknowing is a Redis that knows no script, and in which no lock can be obtained.
type unknowing struct {
	redis.Scripter
	script string
	args   []any
}

func (u *unknowing) EvalSha(ctx context.Context, _ string, _ []string, _ ...any) *redis.Cmd {
	cmd := redis.NewCmd(ctx)
	cmd.SetErr(redis.ErrNoScript)
	return cmd
}

func (u *unknowing) Eval(ctx context.Context, script string, _ []string, args ...any) *redis.Cmd {
	u.script, u.args = script, args
	cmd := redis.NewCmd(ctx)
	cmd.SetErr(redis.Nil)
	return cmd
}

// knowing is the Redis in which the lock has just been obtained, and says so when asked
// first. What comes later goes through as it is.
type knowing struct {
	redis.Scripter
	said bool
}

func (k *knowing) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	if k.said {
		return k.Scripter.EvalSha(ctx, sha1, keys, args...)
	}
	k.said = true
	cmd := redis.NewCmd(ctx)
	cmd.SetVal("OK")
	return cmd
}
