package lock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"
)

// Look is a script that a try for a lock can follow in the same step: see
// [Locker.LookAndTry]. It is safe for concurrent use.
type Look struct {
	source    string
	condition string

	mu       sync.Mutex // guards below
	obtain   string     // redislock's script, once it is known
	composed *redis.Script
}

// NewLook takes the text of a script that writes nothing and returns an array, and a
// Lua condition on that array, which it calls look. Under it the lock is tried for.
func NewLook(source, condition string) *Look { return &Look{source: source, condition: condition} }

// LookAndTry runs a look and, if its condition holds, makes one try for the lock as
// [Locker.TryAcquire] does, with nobody in between. Keys are the look's, and the lock
// is the one of that number, from 1. It costs one round trip, two when Redis has not
// seen the script, and returns what the look did. No Lease and no error: the
// condition did not hold, or the key is somebody else's.
//
// Look first and try then would take two, and whoever gets the lock would have to
// look again: in between, another may have had it, and left what it was for.
func (l *Locker) LookAndTry(ctx context.Context, look *Look, keys []string, number int, lease, atMost time.Duration) (reply []any, held *Lease, err error) {
	both := &lookAndTry{Scripter: l.rdb, look: look, keys: keys, number: number}
	held, err = l.try(ctx, redislock.New(both), keys[number-1], lease, atMost)
	if errors.Is(err, ErrHeld) {
		err = nil
	}
	return both.reply, held, err
}

// lookAndTry is the Redis that one redislock client knows. Its script for obtaining a
// lock is sent within ours; those for what comes later go through as they are.
type lookAndTry struct {
	redis.Scripter
	look   *Look
	keys   []string
	number int

	tried bool // before the lease is anybody's
	reply []any
}

// EvalSha has redislock tell its script's text, which it does when Redis says that it
// does not know it.
func (l *lookAndTry) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	if l.tried {
		return l.Scripter.EvalSha(ctx, sha1, keys, args...)
	}
	cmd := redis.NewCmd(ctx)
	cmd.SetErr(redis.ErrNoScript)
	return cmd
}

// Eval runs both, and answers redislock what its script did.
func (l *lookAndTry) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	if l.tried {
		return l.Scripter.Eval(ctx, script, keys, args...)
	}
	l.tried = true
	cmd := redis.NewCmd(ctx)
	reply, err := l.look.with(script, l.number).Run(ctx, l.Scripter, l.keys, args...).Slice()
	switch {
	case err != nil:
		cmd.SetErr(err)
	case len(reply) != 2:
		cmd.SetErr(fmt.Errorf("lock: a reply of %d parts", len(reply)))
	default:
		l.reply, _ = reply[1].([]any)
		if cmd.SetVal(reply[0]); reply[0] == nil {
			cmd.SetErr(redis.Nil)
		}
	}
	return cmd
}

// with composes the two scripts, which see no more than their own keys and arguments.
func (l *Look) with(obtain string, number int) *redis.Script {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.obtain != obtain {
		l.obtain, l.composed = obtain, redis.NewScript(fmt.Sprintf(composition, l.source, l.condition, obtain, number))
	}
	return l.composed
}

// composition of a look, its condition, redislock's script and the lock's number.
const composition = `local look = (function(KEYS, ARGV)
%s
end)(KEYS, {})
if look.err then
	return look
end
local tried = false
if %s then
	tried = (function(KEYS, ARGV)
%s
	end)({ KEYS[%d] }, ARGV)
end
return { tried, look }
`
