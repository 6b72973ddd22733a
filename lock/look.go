package lock

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Look is a script that a try for a lock can follow in the same step: see
// [Locker.LookAndTry]. It is safe for concurrent use.
type Look struct {
	source, condition, free string
	lockKey                 int // among the look's keys, from 1

	compose func() *redis.Script
}

// NewLook takes the text of a script that writes nothing and returns an array, and two Lua
// conditions on that array, which they call look. Only under the first is the lock tried
// for. Free tells that the look has seen no lock, which saves another; "false" if it does
// not tell. LockKey is which of the look's keys the lock is, from 1. They share a cluster
// slot.
func NewLook(source, condition, free string, lockKey int) *Look {
	l := &Look{source: source, condition: condition, free: free, lockKey: lockKey}
	l.compose = sync.OnceValue(func() *redis.Script { return l.with(obtainScript()) })
	return l
}

// LookAndTry runs a look and, if its condition holds, makes one try for the lock as
// [Locker.TryAcquire] does, with nobody in between. It costs one round trip, two when
// Redis has not seen the script, and returns what the look did. No Lease and no error:
// the condition did not hold, the key is somebody else's, or the reply took longer than
// the lease. Without a Look, or with fewer keys than it was told, nothing is tried.
//
// Look first and try then would take two, and whoever gets the lock would have to
// look again: in between, another may have had it, and left what it was for.
func (l *Locker) LookAndTry(ctx context.Context, look *Look, keys []string, lease, atMost time.Duration) (reply []any, taken *Lease, err error) {
	if lease, err = l.terms(ctx, lease, atMost); err != nil {
		return nil, nil, err
	}
	if look == nil || look.lockKey < 1 || look.lockKey > len(keys) {
		return nil, nil, errors.New("lock: LookAndTry needs a Look, and the key of the lock among the keys")
	}
	key, value, sent := keys[look.lockKey-1], newValue(), time.Now()
	obtained, reply, err := lookAndTryReply(look.compose().Run(ctx, l.rdb, keys, obtainArgs(value, lease)...))
	if err != nil {
		l.releaseUnsure(key, value, lease)
		return nil, nil, fmt.Errorf("lock: look: %w", err)
	}
	if !obtained {
		return reply, nil, nil
	}
	if !time.Now().Before(sent.Add(lease)) { // the look is good, whatever became of the try
		l.releaseUnsure(key, value, lease)
		return reply, nil, nil
	}
	handle, err := l.handleOf(ctx, key, value, lease)
	if err != nil {
		l.releaseUnsure(key, value, lease)
		return nil, nil, fmt.Errorf("lock: acquire: %w", err)
	}
	return reply, keep(handle, sent, lease, atMost), nil
}

// lookAndTryReply is whether the lock was obtained, and what the look returned.
func lookAndTryReply(cmd *redis.Cmd) (obtained bool, look []any, err error) {
	reply, err := cmd.Result()
	if err != nil {
		return false, nil, err
	}
	parts, isArray := reply.([]any)
	if !isArray || len(parts) != 2 {
		return false, nil, malformed(fmt.Sprintf("%d parts of a %T", len(parts), reply))
	}
	look, isArray = parts[1].([]any)
	if !isArray {
		return false, nil, malformed(fmt.Sprintf("a look of %T", parts[1]))
	}
	if parts[0] != nil && parts[0] != "OK" {
		return false, nil, malformed(fmt.Sprintf("a try of %T", parts[0]))
	}
	return parts[0] != nil, look, nil
}

// malformed is a reply of another shape than the script gives. It is Redis' answer all the
// same, which a client's own error would not be.
type malformed string

func (m malformed) Error() string { return "a reply of " + string(m) }

// RedisError marks it as an answer: see [redis.Error].
func (malformed) RedisError() {}

//go:embed lookandtry.lua
var lookAndTryLua string

// with composes the look and redislock's script.
func (l *Look) with(obtain string) *redis.Script {
	return redis.NewScript(strings.NewReplacer(
		"<LOOK>", l.source, "<CONDITION>", l.condition, "<FREE>", l.free, "<OBTAIN>", obtain, "<LOCK>", strconv.Itoa(l.lockKey),
	).Replace(lookAndTryLua))
}
