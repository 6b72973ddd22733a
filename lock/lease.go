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

// Lease is a lock that its caller holds until it is released or lost. It is safe for concurrent
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

// newLease makes the Lease of a lock that redislock has obtained, and has a goroutine extend it. If
// held is nil, nobody extends it, and it is lost when the first lease is over.
func newLease(c *Claim, held *redislock.Lock) *Lease {
	ctx, stop := context.WithCancel(context.Background()) // not the taker's, which may end first
	l := &Lease{claim: c, held: held, lost: make(chan struct{}), stop: stop, kept: make(chan struct{})}
	l.lose = sync.OnceFunc(func() {
		stop()
		close(l.lost)
	})
	// Not the keeper's timer: the keeper may hang in a call when the lease runs out.
	l.expiry = time.AfterFunc(time.Until(c.deadline()), l.lose)
	if held == nil {
		close(l.kept)
		return l
	}
	go l.keeper(ctx, c.deadline())
	return l
}

// lostLease makes the Lease of a lock that has become another's.
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

// Lost returns a channel that is closed when Redis says that the lock is no longer ours, or when
// nothing extended the lease in time, so that it must have run out. The keeper learns what Redis
// knows from its next extension. After Release the channel means nothing.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Release gives the lock back and stops the keeper. If the lock is not ours any more, Release
// leaves a successor's alone, and returns nil. Once it has succeeded further calls do nothing.
// After an error it may be called again, or not: the lease runs out by itself.
//
// Ctx bounds the call. Do not pass one that ends with the work that the lock was for. Release waits
// for the keeper, which may be in one last call to Redis, but not longer than ctx.
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
			pause = l.claim.lease / 13 // time for nine tries, the last before the lease runs out
		default:
			deadline, pause = next, l.third(next)
			l.expiry.Reset(time.Until(deadline))
		}
	}
}

// third returns how long it is until a third of the lease is over, counted from when the lease was
// asked for: the reply's time on its way is part of it.
func (l *Lease) third(deadline time.Time) time.Duration {
	return time.Until(deadline.Add(-l.claim.lease + l.claim.lease/3))
}

// end returns the moment after which the keeper extends no more.
func (l *Lease) end() time.Time { return l.claim.made.Add(l.claim.atMost) }

// extend asks Redis for another lease, or for what is left until the end, and returns the new
// deadline.
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
