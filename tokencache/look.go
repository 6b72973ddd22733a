package tokencache

import (
	"context"
	"errors"
)

// looked is what a fill's look came to.
type looked struct {
	changed <-chan struct{} // from before the look: what happens after it must not be missed
	view    *view
	err     error
}

// lookFirst is the look that a fill begins with; see lookBy for tell.
func (f *fill) lookFirst(ctx context.Context, tell func(context.Context) error) *looked {
	f.subscribed = f.src.cache.notifier.hears(f.src)
	f.freeSince = now()
	changed := f.src.changes()
	v, err := f.lookBy(ctx, tell, f.reader())
	return &looked{changed, v, err}
}

// lookNext is every further one, while the fill does not have the lock.
func (f *fill) lookNext(ctx context.Context) *looked {
	changed := f.src.changes()
	v, err := f.lookBy(ctx, f.src.tellPending, f.reader())
	return &looked{changed, v, err}
}

// look is one with the lock in hand, or with no use for it.
func (f *fill) look(ctx context.Context) (*view, error) {
	return f.lookBy(ctx, f.src.tellPending, f.src.store.read)
}

// lookBy asks Redis for everything, adopts what can be, and says what cannot. Tell is to
// bring it first what it has not heard.
func (f *fill) lookBy(ctx context.Context, tell func(context.Context) error, read func(context.Context) (*view, error)) (*view, error) {
	if !f.src.cache.breaker.allow() {
		return nil, f.src.cache.breaker.paused(f.src.store.keys.id)
	}
	ctx, cancel := f.patience(ctx)
	defer cancel()
	at := now()
	v, err := f.readBy(ctx, tell, read)
	f.src.mu.Lock()
	f.src.timings.looked(now().since(at), err)
	f.src.mu.Unlock()
	return v, f.impatient(ctx, err)
}

func (f *fill) readBy(ctx context.Context, tell func(context.Context) error, read func(context.Context) (*view, error)) (*view, error) {
	number := f.src.nextNumber() // first: a rejection from here on may overtake the read
	if err := tell(ctx); err != nil {
		return nil, err
	}
	v, err := read(ctx)
	if err != nil {
		return nil, err
	}
	if v.lockTTL == noTTL || v.lockTTL > longestLease { // by another clock, or by hand
		err := f.src.store.leaseForeverLock(ctx, f.lease())
		if err != nil && v.record == nil {
			return nil, err // nobody would get the lock, or not for long
		}
		if err == nil {
			v.lockTTL = f.lease()
		}
	}
	f.src.anchorAt(v, number)
	if v.garbled != "" {
		f.src.observe(Event{Kind: EventGarbled, Reason: v.garbled})
	}
	if r := v.record; r != nil {
		f.src.adopt(r.adoption(number))
	}
	return v, nil
}

// anchorAt notes where Redis' clock was in a look, which answers all news of before.
func (s *Source) anchorAt(v *view, number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shelf.anchor = s.shelf.anchor.next(v.at, v.now)
	if s.unread.number != 0 && number > s.unread.number {
		s.unread, s.answeredAt = unread{}, now()
	}
}

// patience bounds what a fill with a copy spends on one step in Redis, to the longest of
//
//   - the time until the copy is urgent, when the issuer may be asked around Redis
//   - half of what is left of the copy; after a look that failed, what is left of it beside two
//     calls of the issuer
//   - three looks, as long as the last that was answered took
//
// A step that takes longer has failed for this fill. The breaker goes by the time-out alone.
func (f *fill) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	c := f.src.usable()
	if c == nil || f.src.cache.config.NoDirect {
		return ctx, func() {}
	}
	remaining := c.remainingAt(now())
	f.src.mu.Lock()
	spare := f.src.timings.spare(remaining - c.window.dead)
	f.src.mu.Unlock()
	left := max(remaining-c.window.urgent, spare)
	if left > lookCommands*f.src.cache.config.RedisTimeout {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, left, errImpatient)
}

// errImpatient is the end of a step that took too long for the copy at hand.
var errImpatient = errors.New("tokencache: the copy would not have lasted")

// impatient makes the end of patience what it is: trouble with Redis, other than the end of
// the fill's own time.
func (f *fill) impatient(ctx context.Context, err error) error {
	if err == nil || !errors.Is(context.Cause(ctx), errImpatient) {
		return err
	}
	return redisErrorOf(err, f.src.store.keys.id)
}

// reader is what a fill reads with: if it may, in such a way that it has the lock where
// there is neither token nor failure.
func (f *fill) reader() func(context.Context) (*view, error) {
	if !f.situation().mayLockAtOnce() {
		return f.src.store.read
	}
	return func(ctx context.Context) (*view, error) {
		return f.src.store.readAndLock(ctx, f.src.cache.locker, f.lease(), f.lockAtMost())
	}
}
