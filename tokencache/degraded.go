package tokencache

import (
	"context"
	"fmt"
	"time"
)

// withoutRedis ends a fill that Redis let down. A copy serves; without one, or
// at the very end of its life, the issuer is asked directly.
func (f *fill) withoutRedis(ctx context.Context, cause error) error {
	if ctx.Err() != nil { // our own time is up: nothing is wrong with Redis
		return ctx.Err()
	}
	if f.closed() {
		return ErrClosed
	}
	f.degraded(cause)
	c := f.usable()
	if f.why == fillPutBack {
		f.putBackLater()
		return cause
	}
	if c != nil && c.phaseAt(now()) > urgent && f.why != fillForced {
		return cause
	}
	if f.cache.config.NoDirect || !f.cache.directCalls.Allow() {
		return cause
	}
	return f.direct(ctx, cause)
}

// degraded notes trouble with Redis and paces what follows.
func (f *fill) degraded(cause error) {
	e := redisErrorOf(cause, f.store.keys.id)
	f.observe(Event{Kind: EventDegraded, Outcome: e.Name, Err: e})
	f.mu.Lock()
	f.troubles++
	n := f.troubles
	f.mu.Unlock()
	if n == 1 && answered(e.Err) { // the breaker speaks up for a silent one
		f.cache.config.Logger.Warn("redis refuses; local copies serve", "key", e.Key, "err", e)
	}
	wait := max(f.cache.breaker.retryIn(now()), redisBackoff.after(n, f.cache.config.Jitter()))
	f.holdFor(wait, e)
}

// direct asks the issuer around Redis. The lock only saves calls; a token got
// without it is as good as any.
func (f *fill) direct(ctx context.Context, cause error) error {
	got, err := f.fetch(context.WithoutCancel(ctx), EventDirectCall)
	if err != nil {
		e := issuerErrorOf(f.issuer, err)
		err = fmt.Errorf("%w (asked directly, because of %w)", e, cause)
		f.holdFor(backoffOf(e).after(f.oneMoreFailure(), f.cache.config.Jitter()), err)
		return err
	}
	f.forgetFailures()
	return f.keep(got)
}

// keep adopts a token that Redis does not know of, and sees to it that it will.
func (f *fill) keep(got fetched) error {
	a := got.adoption()
	a.direct = true
	if !f.adopt(a) {
		return f.unusable(ErrExpired)
	}
	f.putBackLater()
	return nil
}

// putBackLater tries when Redis may be back, spread over some seconds because
// the whole fleet waits for the same moment.
func (s *Source) putBackLater() {
	jitter := s.cache.config.Jitter
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putBacks++
	wait := max(s.cache.breaker.retryIn(now()), putBackBackoff.after(s.putBacks, jitter())) +
		time.Duration(jitter()*float64(2*time.Second))
	if s.broken != nil {
		return
	}
	if s.putBackTimer != nil {
		s.putBackTimer.Stop()
	}
	s.putBackTimer = time.AfterFunc(wait, s.startPutBack)
}

// putBackBackoff paces attempts: a Redis that answers may refuse to write for hours.
var putBackBackoff = backoff{250 * time.Millisecond, 30 * time.Second}

func (s *Source) startPutBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.copy.Load()
	if s.broken != nil || !c.usableAt(now()) || !c.unpublished {
		return
	}
	if s.fill != nil { // which will do it, if it reaches Redis; else later
		s.putBackTimer = time.AfterFunc(redisBackoff.base, s.startPutBack)
		return
	}
	_, _ = s.start(context.Background(), fillPutBack)
}

// putBack brings a token from a direct call to Redis, once that can be read. It
// has no part in the lock: the merge rule decides, and a tombstone of any age.
func (f *fill) putBack(ctx context.Context, v *view) {
	c := f.usable()
	if c == nil || !c.unpublished {
		return
	}
	if r := v.record; r != nil && (c.is(r.token.Fingerprint()) || r.remaining >= c.remainingAt(v.at)) {
		f.published(c)
		return
	}
	out, _, _, err := f.store.publish(ctx, offer{
		token: c.token, life: c.life, elapsed: now().since(c.from), by: f.cache.config.Replica,
	})
	f.observe(Event{Kind: EventPutBack, Outcome: string(out), Remaining: c.remainingAt(now()), Err: err})
	if err != nil {
		f.putBackLater()
		return
	}
	f.published(c)
	switch fp := c.token.Fingerprint(); {
	case out == outcomeStored:
		_ = f.store.announce(ctx, eventToken, fp)
	case out == outcomeRejected && !f.knowsRejected(fp):
		f.heard(eventRejection, fp) // later than by the event, which was missed
	}
}

// knowsRejected reports whether this process has seen the token rejected. If it
// has a copy all the same, the issuer has handed it out again since.
func (s *Source) knowsRejected(fp string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.rejected[fp]
	return known
}

// published clears the mark of c, if c is still the copy.
func (s *Source) published(c *localCopy) {
	known := *c
	known.unpublished = false
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putBacks = 0
	s.copy.CompareAndSwap(c, &known)
}

func (s *Source) untroubled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles = 0
}

func (s *Source) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken != nil
}

// oneMoreFailure counts calls in a row that only this process knows to have
// failed.
func (s *Source) oneMoreFailure() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures++
	return s.failures
}

func (s *Source) forgetFailures() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures, s.alone = 0, hold{}
}

// contend notes that the lock was seen in other hands; acquired tells whether it
// then came to us without a word from them.
func (s *Source) contend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contended = true
}

func (s *Source) acquired() {
	s.mu.Lock()
	takeover := s.contended
	s.contended = false
	s.mu.Unlock()
	if takeover {
		s.observe(Event{Kind: EventTakeover})
	}
}
