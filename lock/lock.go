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
	drops sync.WaitGroup // releases of failed tries, in the background: see Wait
}

// New makes a Locker, without any I/O. With a nil client every try is an error. If the time-outs of
// the client are too long for the lease, wrap it in one that gives up earlier: a call on rdb may
// return an error before Redis has answered.
func New(rdb redis.Scripter) *Locker {
	return &Locker{rdb: rdb, locks: redislock.New(rdb)}
}

// TryAcquire makes one try to take the lock. It costs one round trip, and a
// second one when Redis has not seen the script before.
//
// Lease is how long Redis keeps the lock without hearing of us: at least 1 ms, cut to whole
// milliseconds. The keeper extends it, but never past atMost after this try, so that a holder that
// hangs lets go; an atMost below lease shortens the first lease as well. A try that takes longer
// than the lease has failed. Ctx bounds the try only: the Lease keeps nothing of it.
//
// ErrHeld says that the lock was not taken. After an error of the client Redis may have taken it
// all the same, and only the answer was lost. So a single try in the background, which may last as
// long as the lease, releases our value: the caller learns of the trouble at once, and
// [Locker.Wait] waits for the rest. If that fails too, or overtakes the first try on its way, the
// key stays for one lease.
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

// Wait returns once no release of a failed try is under way. Call it after the last try has
// returned, before you close the Redis client.
func (l *Locker) Wait() { l.drops.Wait() }

// survive turns a panic of the client or its hooks, which are not ours, into an error: in a
// goroutine of ours it would end the process.
func survive(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("lock: the redis client panicked with a %T", p)
		}
	}()
	return call()
}

// isNil reports whether rdb is nil, or a nil pointer in the interface.
func isNil(rdb redis.Scripter) bool {
	if rdb == nil {
		return true
	}
	v := reflect.ValueOf(rdb)
	return v.Kind() == reflect.Pointer && v.IsNil()
}
