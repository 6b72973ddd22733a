package lock

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/bsm/redislock"
)

// Claim is one try for a lock, under a value that no other try has. [Locker.TryAcquire]
// makes it with a command of its own. A caller that looks at something in a script, and
// wants the lock if it finds nothing, makes it in that script:
//
//	redis.call('SET', key, <Value>, 'NX', 'PX', <TTL in ms>)
//
// Then nobody comes between the look and the try. If the reply is lost the client may send the
// script again, so treat a key that holds the Value as taken, too. The caller keeps the lock with
// Keep, or gives it back with Drop. Lease and atMost count from when the Claim was made. A Claim is
// for one goroutine.
type Claim struct {
	locker        *Locker
	key, value    string
	made          time.Time
	lease, atMost time.Duration
}

// Claim prepares a try, and sends nothing. Lease and atMost are as in TryAcquire. Errors: a lease
// below 1 ms, a ctx that is over, or no client.
func (l *Locker) Claim(ctx context.Context, key string, lease, atMost time.Duration) (*Claim, error) {
	first := min(lease, atMost).Truncate(time.Millisecond)
	if first <= 0 {
		return nil, errors.New("lock: a lease is at least 1 ms")
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("lock: nothing tried: %w", err)
	}
	if isNil(l.rdb) {
		return nil, errors.New("lock: nothing tried: New needs a redis client")
	}
	return &Claim{locker: l, key: key, value: newValue(), made: time.Now(), lease: first, atMost: atMost}, nil
}

// Value returns what the script sets the key to.
func (c *Claim) Value() string { return c.value }

// TTL returns the TTL that the script gives the key: the shorter of lease and atMost, in whole
// milliseconds, 1 at least.
func (c *Claim) TTL() time.Duration { return c.lease }

// Over reports whether the lease has run out. A script's answer that comes later does not tell
// whether the lock is still ours.
func (c *Claim) Over() bool { return !time.Now().Before(c.deadline()) }

// Keep makes a Lease of a lock that the caller's script has taken. It costs one round trip,
// in which redislock obtains the lock under the value that the key already has, as its
// Options.Token allows; so call it before the work that the lock is for. Keep always returns a
// Lease, which the caller has to release:
//
//   - Redis says that the key is another's by now: the Lease is lost.
//   - Redis does not answer: nobody extends the Lease. It is lost when the first lease is over.
//
// Ctx bounds the call, not the Lease.
func (c *Claim) Keep(ctx context.Context) *Lease {
	held, err := c.obtain(ctx)
	if errors.Is(err, redislock.ErrNotObtained) {
		return lostLease(c)
	}
	return newLease(c, held) // nil after any other error
}

// Drop gives back what a script may have taken. It makes one try, in the background, which lasts no
// longer than the lease; [Locker.Wait] waits for it.
func (c *Claim) Drop() {
	ctx, cancel := context.WithTimeout(context.Background(), c.lease)
	c.locker.drops.Go(func() {
		defer cancel()
		_ = survive(func() error { return c.release(ctx) })
	})
}

func (c *Claim) deadline() time.Time { return c.made.Add(c.lease) }

// obtain has redislock take the lock, and gives up at the deadline: the lease that a later reply
// grants may have ended.
func (c *Claim) obtain(ctx context.Context) (*redislock.Lock, error) {
	ctx, cancel := context.WithDeadline(ctx, c.deadline())
	defer cancel()
	back := false
	defer func() {
		if !back { // a hook of the client's has ended the goroutine, or panics
			c.Drop()
		}
	}()
	held, err := c.locker.locks.Obtain(ctx, c.key, c.lease, &redislock.Options{Token: c.value})
	back = true
	if err == nil && c.Over() {
		return nil, context.DeadlineExceeded
	}
	return held, err
}

// release deletes the key if it has the value. The script is our own, as redislock hands out a
// handle to release only for a try that succeeded. release sends the script's text, not its hash:
// when Redis answers that it does not know a hash, perhaps nobody is left to send the text.
func (c *Claim) release(ctx context.Context) error {
	return releaseScript.Eval(ctx, c.locker.rdb, []string{c.key}, c.value).Err()
}

// newValue returns 128 random bits. They are ours rather than redislock's,
// because it does not tell the value of a try that failed.
func newValue() string {
	var bits [16]byte
	_, _ = rand.Read(bits[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(bits[:])
}
