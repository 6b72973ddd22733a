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
// Then nobody comes between the look and the try. A client may send the script again, if
// the reply was lost: a key that has the Value by then was taken, too. What was taken is
// kept with Keep, or given back with Drop. All its time counts from when the Claim was made.
// A Claim is for one goroutine.
type Claim struct {
	locker        *Locker
	key, value    string
	made          time.Time
	lease, atMost time.Duration
}

// Claim prepares a try, and sends nothing. Lease and atMost are TryAcquire's, as is the
// error: a lease below 1 ms, a ctx that is over, or no client.
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

// Value is what the key is to be set to.
func (c *Claim) Value() string { return c.value }

// TTL is that which the key is to have, the shorter of lease and atMost: whole milliseconds, 1 at
// least.
func (c *Claim) TTL() time.Duration { return c.lease }

// Over reports whether the lease has run out. The answer of a script that comes later does
// not say whether the lock is still ours.
func (c *Claim) Over() bool { return !time.Now().Before(c.deadline()) }

// Keep makes a Lease of a lock that the caller's script has taken. It costs one round trip,
// in which redislock obtains the lock under the value that the key already has, as its
// Options.Token allows; so call it before the work that the lock is for. There is always a
// Lease, and it is the caller's to release:
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

// Drop gives back what a script may have taken, in the background: by one try, which lasts
// no longer than the lease. [Locker.Wait] waits for it.
func (c *Claim) Drop() {
	ctx, cancel := context.WithTimeout(context.Background(), c.lease)
	c.locker.drops.Go(func() {
		defer cancel()
		_ = survive(func() error { return c.release(ctx) })
	})
}

func (c *Claim) deadline() time.Time { return c.made.Add(c.lease) }

// obtain has redislock take the lock until the deadline. A reply after it is worth nothing:
// the lease that it grants may have ended.
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

// release deletes the key if it has the value. The script is our own, as redislock hands out
// a handle to release only for a try that succeeded. It goes by its text: an answer that
// Redis does not know the script may come when nobody waits for it any more.
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
