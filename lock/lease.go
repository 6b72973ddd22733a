package lock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bsm/redislock"
)

// Lease is a lock held, until it is released or lost. It is safe for concurrent
// use.
type Lease struct {
	claim  *Claim
	held   *redislock.Lock // nil if Redis did not say whether it is ours
	expiry *time.Timer

	lost     chan struct{}
	lose     func() // closes lost and stops the keeper; any number of times
	stop     context.CancelFunc
	kept     chan struct{} // closed when the keeper has ended
	released atomic.Bool
}

// newLease is that of a lock which redislock has obtained, which it then keeps extending; or,
// without one, of a lock that runs out when its first lease is over.
func newLease(c *Claim, held *redislock.Lock) *Lease {
	ctx, stop := context.WithCancel(context.Background()) // nothing of the taker's, who may be gone
	l := &Lease{claim: c, held: held, lost: make(chan struct{}), stop: stop, kept: make(chan struct{})}
	l.lose = sync.OnceFunc(func() {
		stop()
		close(l.lost)
	})
	// A timer of its own, as the keeper may hang in a call when the time comes.
	l.expiry = time.AfterFunc(time.Until(c.deadline()), l.lose)
	if held == nil {
		close(l.kept)
		return l
	}
	go l.keeper(ctx, c.deadline())
	return l
}

// lostLease is that of a lock which has become another's.
func lostLease(c *Claim) *Lease {
	l := newLease(c, nil)
	l.expiry.Stop()
	l.released.Store(true) // there is nothing of ours
	l.lose()
	return l
}

// Value returns what stands in Redis under the key while the lock is ours, for
// scripts that shall act only then.
func (l *Lease) Value() string { return l.claim.value }

// Lost returns a channel that is closed when Redis says that the lock is no
// longer ours, or when the lease must have run out because it was not extended
// in time. What Redis knows is learnt at the next extension. After Release it
// means nothing.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Release gives the lock back and stops the keeper. That it was not ours any
// more is no error, and a successor's lock is left alone. Once it has succeeded
// further calls do nothing; after an error it may be called again, or left: the
// lease runs out by itself.
//
// Ctx bounds the call. It should not be one that ended with the work the lock
// was for. Release waits for the keeper, which may be in one last call to
// Redis, but not longer than ctx.
func (l *Lease) Release(ctx context.Context) error {
	l.stop()
	if l.released.Load() {
		return nil
	}
	err := l.giveBack(ctx)
	select {
	case <-l.kept:
		l.expiry.Stop()
	case <-ctx.Done():
	}
	if err != nil && !errors.Is(err, redislock.ErrLockNotHeld) {
		return fmt.Errorf("lock: release: %w", err)
	}
	l.released.Store(true)
	return nil
}

func (l *Lease) giveBack(ctx context.Context) error {
	if l.held == nil {
		return l.claim.release(ctx)
	}
	return l.held.Release(ctx)
}

// keeper extends the lease until ctx ends or the end is reached.
func (l *Lease) keeper(ctx context.Context, deadline time.Time) {
	defer close(l.kept)
	pause := l.third(deadline)
	for l.end().Sub(deadline) >= time.Millisecond && sleep(ctx, pause) {
		next, err := l.extend(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, redislock.ErrNotObtained):
			l.lose()
			return
		case err != nil:
			pause = l.claim.lease / 13 // nine tries, and none as the lease runs out
		default:
			deadline, pause = next, l.third(next)
			l.expiry.Reset(time.Until(deadline))
		}
	}
}

// third is when a third of a lease is over, reckoned from when it was asked for: what the
// reply took is part of it.
func (l *Lease) third(deadline time.Time) time.Duration {
	return time.Until(deadline.Add(-l.claim.lease + l.claim.lease/3))
}

// end is when the lease is not extended any more.
func (l *Lease) end() time.Time { return l.claim.made.Add(l.claim.atMost) }

// extend asks Redis for another lease, or for what is left until the end, and
// returns the new deadline.
func (l *Lease) extend(ctx context.Context) (time.Time, error) {
	sent := time.Now()
	lease := min(l.claim.lease, l.end().Sub(sent)).Truncate(time.Millisecond)
	if lease <= 0 {
		return l.end(), context.DeadlineExceeded // a TTL of 0 would delete the key
	}
	return sent.Add(lease), survive(func() error { return l.held.Refresh(ctx, lease, nil) })
}

// sleep returns false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
