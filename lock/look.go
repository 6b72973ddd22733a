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

// Look is a script that a try for a lock can follow in the same step: see
// [Locker.LookAndTry]. It is safe for concurrent use.
type Look struct {
	number  int
	compose func() (*redis.Script, error)
}

// NewLook takes the text of a script that writes nothing and returns an array, and a
// Lua condition on that array, which it calls look. Under it the lock is tried for: of
// the look's keys the one of that number, from 1.
func NewLook(source, condition string, number int) *Look {
	return &Look{number: number, compose: sync.OnceValues(func() (*redis.Script, error) {
		obtain, err := obtainScript()
		if err != nil {
			return nil, err
		}
		return redis.NewScript(fmt.Sprintf(composition, source, number, condition, obtain, number, number)), nil
	})}
}

// LookAndTry runs a look and, if its condition holds, makes one try for the lock as
// [Locker.TryAcquire] does, with nobody in between. It costs one round trip, two when
// Redis has not seen the script, and returns what the look did. No Lease and no error:
// the condition did not hold, the key is somebody else's, or the reply took longer than
// the lease.
//
// Look first and try then would take two, and whoever gets the lock would have to
// look again: in between, another may have had it, and left what it was for.
func (l *Locker) LookAndTry(ctx context.Context, look *Look, keys []string, lease, atMost time.Duration) (reply []any, held *Lease, err error) {
	if lease, err = terms(ctx, lease, atMost); err != nil {
		return nil, nil, err
	}
	script, err := look.compose()
	if err != nil {
		return nil, nil, err
	}
	key, value, sent := keys[look.number-1], newValue(), time.Now()
	taken, reply, err := lookAndTryReply(script.Run(ctx, l.rdb, keys, obtainArgs(value, lease)...))
	if err != nil {
		l.releaseUnsure(ctx, key, value, lease)
		return nil, nil, fmt.Errorf("lock: look: %w", err)
	}
	if !taken {
		return reply, nil, nil
	}
	if !time.Now().Before(sent.Add(lease)) { // the look is good, whatever became of the try
		l.releaseUnsure(ctx, key, value, lease)
		return reply, nil, nil
	}
	handle, err := redislock.New(&obtained{Scripter: l.rdb}).Obtain(ctx, key, lease, &redislock.Options{Token: value})
	if err != nil {
		l.releaseUnsure(ctx, key, value, lease)
		return nil, nil, fmt.Errorf("lock: acquire: %w", err)
	}
	return reply, keep(ctx, handle, sent, lease, atMost), nil
}

// lookAndTryReply is whether the lock was taken, and what the look returned.
func lookAndTryReply(cmd *redis.Cmd) (taken bool, look []any, err error) {
	reply, err := cmd.Slice()
	if err != nil {
		return false, nil, err
	}
	if len(reply) != 2 {
		return false, nil, fmt.Errorf("a reply of %d parts", len(reply))
	}
	look, isArray := reply[1].([]any)
	if !isArray {
		return false, nil, fmt.Errorf("a look of %T", reply[1])
	}
	return reply[0] != nil, look, nil
}

// composition of a look, the lock's number, the look's condition, redislock's script and
// the number twice. The two scripts see no more than their own keys and arguments. Most
// of a fleet finds the lock in other hands, which one GET tells. With our own value in it,
// it is that of a try whose reply was lost, and which the client has sent again: redislock
// obtains it again, and where the condition holds no more, nobody knows of it.
const composition = `local look = (function(KEYS, ARGV)
%s
end)(KEYS, {})
if look.err then
	return look
end
local holder = redis.call('GET', KEYS[%d])
local tried = false
if %s then
	if not holder or holder == ARGV[1] then
		tried = (function(KEYS, ARGV)
%s
		end)({ KEYS[%d] }, ARGV)
	end
elseif holder == ARGV[1] then
	redis.call('DEL', KEYS[%d])
end
return { tried, look }
`

// obtainScript is the text of the script with which redislock obtains a lock: it sends it
// when Redis says that it does not know it.
var obtainScript = sync.OnceValues(func() (string, error) {
	const value, lease = "value", time.Second
	asked := &unknowing{}
	_, err := redislock.New(asked).Obtain(context.Background(), "key", lease, &redislock.Options{Token: value})
	if !errors.Is(err, redislock.ErrNotObtained) || asked.script == "" || fmt.Sprint(asked.args) != fmt.Sprint(obtainArgs(value, lease)) {
		return "", errors.New("lock: this redislock obtains in another way: use v0.10.0")
	}
	return asked.script, nil
})

// obtainArgs are the script's: the value, how much of it tells holders apart, and the
// lease in milliseconds.
func obtainArgs(value string, lease time.Duration) []any {
	return []any{value, len(value), strconv.FormatInt(lease.Milliseconds(), 10)}
}

// unknowing is a Redis that knows no script, and has none return anything.
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

// obtained is the Redis that has just run redislock's script, and says so to one redislock
// client, which does not know. What this sends later goes through as it is.
type obtained struct {
	redis.Scripter
	said bool
}

func (o *obtained) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	if o.said {
		return o.Scripter.EvalSha(ctx, sha1, keys, args...)
	}
	o.said = true
	cmd := redis.NewCmd(ctx)
	cmd.SetVal("OK")
	return cmd
}
