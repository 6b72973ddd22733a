package tokencache

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/onetoken-go/onetoken/internal/wire"
	"github.com/onetoken-go/onetoken/lock"
)

// link is one credential's way to Redis. It adopts what a look finds, and gives up a step for which
// the copy at hand would not last.
type link struct {
	*shared
	state  *state
	store  store
	before func(ctx context.Context) error // courier.tellPending: Redis hears of all rejections before each look
}

// look asks Redis for everything, and adopts the token. Before that it brings Redis what Redis has
// not heard. If it may lock, the same step takes the lock where there is neither a token nor a
// failure.
func (l *link) look(ctx context.Context, mayLock bool) (*view, error) {
	if !l.breaker.allow() {
		return nil, l.breaker.paused(l.store.keys.id)
	}
	ctx, cancel := l.patience(ctx)
	defer cancel()
	v, err := l.lookNow(ctx, mayLock)
	l.state.do(func() { l.state.timings.looked(v, now()) })
	return v, l.impatient(ctx, err)
}

func (l *link) lookNow(ctx context.Context, mayLock bool) (*view, error) {
	number := l.state.nextNumber() // first: a rejection from here on may overtake the read
	if err := l.before(ctx); err != nil {
		return nil, err
	}
	v, err := l.read(ctx, mayLock)
	if err != nil {
		return nil, err
	}
	if v.lockTTL == noTTL || v.lockTTL > longestLease { // by another clock, or by hand
		err := l.store.mendLockTTL(ctx, l.lease())
		if err != nil && v.record == nil {
			return nil, err // nobody would get the lock, or not for long
		}
		if err == nil {
			v.lockTTL = l.lease()
		}
	}
	l.state.do(func() {
		l.state.shelf.anchor = l.state.shelf.anchor.next(v.at, v.now)
		l.state.unread.answer(number, now())
		if v.garbled != "" {
			l.state.observe(Event{Kind: EventGarbled, Reason: v.garbled})
		}
		if r := v.record; r != nil {
			l.state.take(r.adoption(number))
		}
	})
	return v, nil
}

func (l *link) read(ctx context.Context, mayLock bool) (*view, error) {
	if !mayLock {
		return l.store.read(ctx)
	}
	return l.store.readAndLock(ctx, l.locker, l.lease(), l.lockAtMost())
}

// acquire makes one try for the lock.
func (l *link) acquire(ctx context.Context) (*lock.Lease, error) {
	ctx, cancel := l.patience(ctx)
	defer cancel()
	lease, err := l.locker.TryAcquire(ctx, l.store.keys.lock(), l.lease(), l.lockAtMost())
	if err == nil || errors.Is(err, lock.ErrHeld) {
		l.state.do(l.state.pacer.redisAnswered)
		return lease, err
	}
	return nil, l.impatient(ctx, whoseError(ctx, err, l.store.keys.id))
}

// publish offers a token: see store.publish.
func (l *link) publish(ctx context.Context, o offer) (out Outcome, stored *record, err error) {
	ctx, cancel := l.patience(ctx)
	defer cancel()
	out, stored, err = l.store.publish(ctx, o)
	return out, stored, l.impatient(ctx, err)
}

// announceFree has those who wait for the lock look, or who would begin to.
func (l *link) announceFree(ctx context.Context) { _ = l.store.announce(ctx, wire.EventFree, "") }

// announceToken sends the others what is stored. An event that is lost costs them time, no more.
func (l *link) announceToken(ctx context.Context, r *record) { _ = l.store.announceToken(ctx, r) }

// aftermath is what trouble with Redis means for the next fill.
type aftermath uint8

const (
	fillsGoOn aftermath = iota
	fillsFail           // it is kept away for a while, and a Get without a copy fails
	fillsWait           // it is kept away, and a Get waits for who goes around Redis, or does so itself
)

// redisTrouble tells of trouble with Redis, and does in the same step what follows.
func (l *link) redisTrouble(cause error, then aftermath) {
	e := redisErrorOf(cause, l.store.keys.id)
	l.state.observe(Event{Kind: EventDegraded, Trouble: e.Trouble, Err: e})
	least := l.breaker.retryIn(now())
	news, refused, without := false, e.refused(), 0
	l.state.pace(func(p *pacer, c *localCopy, at instant) {
		if news = p.redisFailed(refused); then != fillsGoOn {
			p.holdForRedis(e, least, c, at) // the prober ends this hold if Redis is back before: see resume
		}
		if then == fillsWait {
			p.excuse()
		}
		if c == nil {
			without = 1
		}
	})
	if news { // the breaker speaks up for a silent one
		l.reports.log(slog.LevelWarn, "redis refuses", whose(e.ID, "err", e.Error(), "meanwhile", l.config.meanwhile(without))...)
	}
}

// lease is how long the lock outlives this process.
func (l *link) lease() (lease time.Duration) {
	l.state.do(func() { lease = leaseOf(l.state.shelf.window, l.state.shelf.lastLife) })
	return lease
}

// lockAtMost bounds what the lock is kept alive for: two calls, and the commands
// around them.
func (l *link) lockAtMost() time.Duration {
	return 2*l.config.FetchTimeout + 4*l.config.RedisTimeout
}

// lookCommands is how many commands a look takes at the most: two for a script that
// Redis does not know, and one for a lock without a TTL.
const lookCommands = 3

// patience bounds what somebody with a copy spends on one step in Redis, to the longest of
//
//   - the time until the copy is urgent, when the issuer may be asked around Redis
//   - half of what is left of the copy; after a look that failed, what is left of it beside two
//     calls of the issuer
//   - three looks, as long as the last that was answered took
//
// A step that takes longer has failed. The breaker goes by the time-out alone.
func (l *link) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	c := l.state.usable()
	if c == nil || l.config.NoDirect {
		return ctx, func() {}
	}
	remaining := c.remainingAt(now())
	left := remaining - c.window.urgent
	l.state.do(func() { left = max(left, l.state.timings.spare(remaining-c.window.dead)) })
	if left > lookCommands*l.config.RedisTimeout {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, left, errImpatient)
}

// errImpatient is the end of a step that took too long for the copy at hand.
var errImpatient = errors.New("tokencache: the copy would not have lasted")

// impatient makes the end of patience what it is: trouble with Redis, other than the end of
// the caller's own time.
func (l *link) impatient(ctx context.Context, err error) error {
	if err == nil || !errors.Is(context.Cause(ctx), errImpatient) {
		return err
	}
	return redisErrorOf(err, l.store.keys.id)
}
