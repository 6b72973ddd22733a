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
	held   *redislock.Lock
	lease  time.Duration
	end    time.Time // never extended past it
	expiry *time.Timer

	lost     chan struct{}
	lose     func() // closes lost and stops the keeper; any number of times
	stop     context.CancelFunc
	kept     chan struct{} // closed when the keeper has ended
	released atomic.Bool
}

// keep starts the keeper of a lock that was asked for at the moment sent. It has
// nothing of that ctx, which may be used for something else once the try is over.
func keep(held *redislock.Lock, sent time.Time, lease, atMost time.Duration) *Lease {
	ctx, stop := context.WithCancel(context.Background())
	l := &Lease{
		held:  held,
		lease: lease,
		end:   sent.Add(atMost),
		lost:  make(chan struct{}),
		stop:  stop,
		kept:  make(chan struct{}),
	}
	l.lose = sync.OnceFunc(func() {
		stop()
		close(l.lost)
	})
	deadline := sent.Add(lease)
	// A timer of its own, as the keeper may hang in a call when the time comes.
	l.expiry = time.AfterFunc(time.Until(deadline), l.lose)
	go l.keeper(ctx, deadline)
	return l
}

// Value returns what stands in Redis under the key while the lock is ours, for
// scripts that shall act only then.
func (l *Lease) Value() string { return l.held.Token() }

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
	err := l.held.Release(ctx)
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

// keeper extends the lease until ctx ends or the end is reached.
func (l *Lease) keeper(ctx context.Context, deadline time.Time) {
	defer close(l.kept)
	pause := l.third(deadline)
	for l.end.Sub(deadline) >= time.Millisecond && sleep(ctx, pause) {
		next, err := l.extend(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, redislock.ErrNotObtained):
			l.lose()
			return
		case err != nil:
			pause = l.lease / 13 // nine tries, and none as the lease runs out
		default:
			deadline, pause = next, l.third(next)
			l.expiry.Reset(time.Until(deadline))
		}
	}
}

// third is when a third of a lease is over, reckoned from when it was asked for: what the
// reply took is part of it.
func (l *Lease) third(deadline time.Time) time.Duration {
	return time.Until(deadline.Add(-l.lease + l.lease/3))
}

// extend asks Redis for another lease, or for what is left until the end, and
// returns the new deadline.
func (l *Lease) extend(ctx context.Context) (time.Time, error) {
	sent := time.Now()
	lease := min(l.lease, l.end.Sub(sent)).Truncate(time.Millisecond)
	if lease <= 0 {
		return l.end, context.DeadlineExceeded // a TTL of 0 would delete the key
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
