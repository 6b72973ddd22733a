package lock

import (
	"context"
	"crypto/rand"
	_ "embed" // release.lua
	"encoding/base64"
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
	rdb      redis.Scripter
	locks    *redislock.Client
	releases sync.WaitGroup // left behind by failed tries, see Wait
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
	lease, err := l.terms(ctx, lease, atMost)
	if err != nil {
		return nil, err
	}
	value := newValue()
	sent := time.Now()
	held, err := l.obtain(ctx, key, value, sent.Add(lease), lease)
	if errors.Is(err, redislock.ErrNotObtained) {
		return nil, ErrHeld
	}
	if err != nil {
		l.releaseUnsure(key, value, lease)
		return nil, fmt.Errorf("lock: acquire: %w", err)
	}
	return keep(held, sent, lease, atMost), nil
}

// Wait returns once no release of a failed try is under way. It is for whoever
// closes the Redis client; call it after the last try has returned.
func (l *Locker) Wait() { l.releases.Wait() }

// terms of a try: the first lease, if there is to be a try at all.
func (l *Locker) terms(ctx context.Context, lease, atMost time.Duration) (time.Duration, error) {
	lease = min(lease, atMost).Truncate(time.Millisecond)
	if lease <= 0 {
		return 0, errors.New("lock: a lease is at least 1 ms")
	}
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("lock: nothing tried: %w", err)
	}
	if isNil(l.rdb) {
		return 0, errors.New("lock: nothing tried: New needs a redis client")
	}
	return lease, nil
}

// obtain takes the lock until the deadline. A reply after it is worth nothing:
// the lease it grants may have ended.
func (l *Locker) obtain(ctx context.Context, key, value string, deadline time.Time, lease time.Duration) (*redislock.Lock, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	held, err := l.locks.Obtain(ctx, key, lease, &redislock.Options{Token: value})
	if err == nil && !time.Now().Before(deadline) {
		return nil, context.DeadlineExceeded
	}
	return held, err
}

// releaseUnsure releases what a failed try may have taken. The script is our
// own, as redislock hands out a handle to release only for a try that
// succeeded. After a lease there is nothing left to release.
func (l *Locker) releaseUnsure(key, value string, lease time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), lease)
	l.releases.Go(func() {
		defer cancel()
		// By its text: an answer that the script is not known may come when nobody
		// waits for it any more.
		_ = survive(func() error { return releaseScript.Eval(ctx, l.rdb, []string{key}, value).Err() })
	})
}

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

// newValue returns 128 random bits. They are ours rather than redislock's,
// because it does not tell the value of a try that failed.
func newValue() string {
	var bits [16]byte
	_, _ = rand.Read(bits[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(bits[:])
}
