package lock

import (
	"context"
	_ "embed" // release.lua
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"
)

// ErrHeld means that the key is somebody else's.
var ErrHeld = errors.New("lock: held by another")

//go:embed release.lua
var releaseSource string

var releaseScript = redis.NewScript(releaseSource)

// Locker takes leases in one Redis. It is safe for concurrent use.
type Locker struct {
	rdb   redis.Scripter
	locks *redislock.Client
	drops sync.WaitGroup // left behind by tries, see Wait
}

// New makes a Locker; it does no I/O. Without a client every try is an error. A call on rdb may return an error before
// Redis has answered, or at all: wrap a client whose time-outs are too long for
// the lease.
func New(rdb redis.Scripter) *Locker {
	return &Locker{rdb: rdb, locks: redislock.New(rdb)}
}

// TryAcquire makes one try to take the lock. It costs one round trip, and a
// second one when Redis has not seen the script before.
//
// Lease is how long Redis keeps the lock without hearing of us: at least 1 ms,
// cut to whole milliseconds. While held it is extended, but never past atMost
// after this try, so that a holder that hangs lets go; an atMost below lease
// shortens the first lease as well. Ctx bounds the try only, not the Lease, which keeps nothing of it, and
// a try that takes longer than the lease has failed.
//
// ErrHeld says that the lock was not taken. After an error of the client's
// Redis may have done it and only the answer was lost, so our value is released
// again, by a single try in the background that may last as long as the lease:
// the caller learns of the trouble at once, and [Locker.Wait] waits for the
// rest. If that fails too, or overtakes the try on its way, the key stays for
// one lease.
func (l *Locker) TryAcquire(ctx context.Context, key string, lease, atMost time.Duration) (*Lease, error) {
	c, err := l.Claim(ctx, key, lease, atMost)
	if err != nil {
		return nil, err
	}
	held, err := c.obtain(ctx)
	if errors.Is(err, redislock.ErrNotObtained) {
		return nil, ErrHeld
	}
	if err != nil {
		c.Drop()
		return nil, fmt.Errorf("lock: acquire: %w", err)
	}
	return newLease(c, held), nil
}

// Wait returns once no release of a failed try is under way. It is for whoever
// closes the Redis client; call it after the last try has returned.
func (l *Locker) Wait() { l.drops.Wait() }

// survive makes an error of a panic: the client and its hooks are not ours, and in a
// goroutine of ours one would end the process.
func survive(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("lock: the redis client panicked with a %T", p)
		}
	}()
	return call()
}

// isNil sees nil pointers, too.
func isNil(rdb redis.Scripter) bool {
	if rdb == nil {
		return true
	}
	v := reflect.ValueOf(rdb)
	return v.Kind() == reflect.Pointer && v.IsNil()
}
