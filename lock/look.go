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
// condition did not hold, the key is somebody else's, or the reply took longer than
// the lease.
//
// Look first and try then would take two, and whoever gets the lock would have to
// look again: in between, another may have had it, and left what it was for.
func (l *Locker) LookAndTry(ctx context.Context, look *Look, keys []string, number int, lease, atMost time.Duration) (reply []any, held *Lease, err error) {
	both := &lookAndTry{Scripter: l.rdb, ctx: ctx, look: look, keys: keys, number: number}
	held, err = l.try(ctx, redislock.New(both), keys[number-1], lease, atMost)
	switch {
	case held != nil && both.reply == nil: // another redislock, with another way to obtain
		_ = held.Release(ctx)
		return nil, nil, errors.New("lock: it was taken without a look")
	case both.reply != nil: // the look is good, whatever the try came to
		return both.reply, held, nil
	}
	return nil, nil, err
}

// lookAndTry is the Redis that one redislock client knows. Its script for obtaining a
// lock is sent within ours; those for what comes later go through as they are.
type lookAndTry struct {
	redis.Scripter
	ctx    context.Context // the caller's: a look may take longer than a lease
	look   *Look
	keys   []string
	number int

	tried bool  // what redislock sends from now on is not for obtaining
	reply []any // of the look
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
	tried, err := l.run(script, args)
	if cmd.SetVal(tried); err == nil && tried == nil {
		err = redis.Nil
	}
	cmd.SetErr(err)
	return cmd
}

// run sends both scripts, keeps the reply of the look, and returns the other's.
func (l *lookAndTry) run(obtain string, args []any) (tried any, err error) {
	reply, err := l.look.with(obtain, l.number).Run(l.ctx, l.Scripter, l.keys, args...).Slice()
	if err != nil {
		return nil, err
	}
	if len(reply) != 2 {
		return nil, fmt.Errorf("lock: a reply of %d parts", len(reply))
	}
	look, isArray := reply[1].([]any)
	if !isArray {
		return nil, fmt.Errorf("lock: a look of %T", reply[1])
	}
	l.reply = look
	return reply[0], nil
}

// with composes the two scripts, which see no more than their own keys and arguments.
func (l *Look) with(obtain string, number int) *redis.Script {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.obtain != obtain {
		l.obtain, l.composed = obtain, redis.NewScript(fmt.Sprintf(composition, l.source, l.condition, obtain, number, number, number))
	}
	return l.composed
}

// composition of a look, its condition, redislock's script and the lock's number, three
// times. Where the condition holds no more, a lock with our value is that of a try whose
// reply was lost, and which the client has sent again: nobody knows of it.
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
elseif redis.pcall('GET', KEYS[%d]) == ARGV[1] then
	redis.call('DEL', KEYS[%d])
end
return { tried, look }
`
