package tokencache

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/singleflight"
)

// courier brings to Redis what Redis has not heard: rejections, and tokens that were got around it, or
// that it did not take.
// It does so on each look, and after trouble in a goroutine of its own, as nobody may want a token.
// It needs no lock: scripts decide.
type courier struct {
	*link
	listen  func()             // engine.listen
	telling singleflight.Group // of rejections, by fingerprint

	// state.mu guards below.
	timer      *time.Timer // the next delivery after trouble
	asideTimer *time.Timer // the next that is due because this process stood aside
	cancel     func()      // ends the delivery under way; nil if there is none
}

// reject notes a rejection and drops the copy.
func (c *courier) reject(fp string) error {
	st := c.state
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.life.broken != nil {
		return st.life.broken
	}
	at := now()
	dropped, err := st.shelf.reject(fp, at)
	if dropped != nil {
		if row, wait := st.pacer.rejected(dropped, at); wait > 0 {
			st.pacer.keepOff(wait, c.store.of.rejectedInARow(row, refusalAdvice), at)
			st.observe(Event{Kind: EventInvalidate, Outcome: OutcomePaced}) // before the Source can be closed
		}
		st.free()
	}
	return err
}

// tell brings a rejection to Redis, once, however many ask for it, and waits until ctx ends. A hook of
// the client's may end the goroutine, and whoever waits for a singleflight that ends so waits for ever:
// so another goroutine asks Redis.
func (c *courier) tell(ctx context.Context, fp string) error {
	flight := c.telling.DoChan(fp, func() (any, error) {
		if !c.work.begin() {
			return nil, ErrClosed
		}
		defer c.work.end()
		err := <-aside(func() error { return c.tellNow(fp) }, c.cutShort)
		if errors.Is(err, ErrRedis) {
			c.later(err)
		}
		return nil, err
	})
	select {
	case told := <-flight:
		return told.Err
	case <-ctx.Done():
		return whyEnded(ctx)
	}
}

func (c *courier) tellNow(fp string) error {
	st := c.state
	n := notice{fp: fp, issuer: c.store.of.Issuer(), by: c.replica(), draw: st.pacer.jitter.draw()}
	var r rejection
	entered, pending := false, false
	st.do(func() {
		entered = st.life.enter()
		r, pending = st.shelf.rejected[fp]
		n.nonce, n.remaining = r.nonce, st.shelf.lastLife // the life of the last token, and so about the most it may have left: a tombstone must last for as long
	})
	if !entered {
		return ErrClosed
	}
	defer st.reported()
	if !pending || !r.toTell(now()) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*c.config.RedisTimeout)
	defer cancel()
	v, err := c.store.invalidate(ctx, n)
	if err != nil {
		err = redisErrorOf(err, c.store.keys.id) // ctx is nobody's
		st.observe(Event{Kind: EventInvalidate, Err: err})
		return err
	}
	st.observe(Event{Kind: EventInvalidate, Outcome: v.out})
	st.do(func() {
		st.shelf.rejected.told(fp, r.number, v.out == OutcomeCoolDown, v.at, st.shelf.anchor.epoch)
		if v.out == OutcomeAlone {
			c.standAside(fp, r.number, v)
		}
	})
	if v.out == OutcomeCoolDown {
		return ErrCoolDown
	}
	if v.news && v.out != OutcomeAlone { // also of one that Redis has lost: others may have it
		_ = c.store.announceRejection(ctx, fp, v.at) // a hint
	}
	return nil
}

// standAside keeps this process off for a while, as nobody else has rejected the token, which
// stays for the others. After that Redis is told once more, and drops it: on the next look, or by
// a delivery a little later if nobody wants a token. The caller holds state.mu.
func (c *courier) standAside(fp string, number uint64, v verdict) {
	st, at := c.state, now()
	if st.life.broken != nil || !st.shelf.rejected.spare(fp, number, v.wait, at) {
		return
	}
	st.pacer.standsAside(v.wait, c.store.of.rejectedInARow(v.row, aloneAdvice), st.shelf.usable(at), at)
	st.settle()
	stopTimer(c.asideTimer)
	c.asideTimer = time.AfterFunc(v.wait+putBackBackoff.base, c.deliver)
}

// tellPending brings to Redis what it did not hear while it was down. Nothing is
// read or put back before.
func (c *courier) tellPending(ctx context.Context) error {
	var pending []string
	c.state.do(func() { pending = c.state.shelf.rejected.pending(now()) })
	for _, fp := range pending {
		if err := c.tell(ctx, fp); err != nil && !errors.Is(err, ErrCoolDown) {
			return err
		}
	}
	return nil
}

// later has a delivery come when Redis may be back. Err is that of the last attempt, if there was one.
func (c *courier) later(err error) {
	least := c.breaker.retryIn(now())
	e, ok := errors.AsType[*RedisError](err)
	asked := !ok || e.Trouble != TroublePaused
	c.state.do(func() { c.deliverIn(c.state.pacer.putBackIn(asked, least)) })
}

// deliverIn sets the timer, unless the Source is closed. The caller holds state.mu.
func (c *courier) deliverIn(wait time.Duration) {
	if c.state.life.broken == nil {
		stopTimer(c.timer)
		c.timer = time.AfterFunc(wait, c.deliver)
	}
}

// stop ends what is under way and on its way. The caller holds state.mu.
func (c *courier) stop() {
	stopTimer(c.timer)
	stopTimer(c.asideTimer)
	if c.cancel != nil {
		c.cancel()
	}
}

// cutShort is the error of a step that a hook of the client's has ended, by a panic or by Goexit: then
// panicked is nil.
func (c *courier) cutShort(panicked any) error {
	if panicked != nil {
		c.panicked(c.store.keys.id, panicked)
	}
	return redisErrorOf(errClientEnded, c.store.keys.id)
}

// deliver brings Redis all it has not heard, if there is anything, and nobody else is about it.
func (c *courier) deliver() {
	ctx, ok := c.begin()
	if !ok {
		return
	}
	defer c.work.end()
	defer c.end()
	if err := <-aside(func() error { return c.bring(ctx) }, c.cutShort); err != nil {
		c.later(err)
	}
}

// bring looks, as that brings Redis all rejections, and puts the token back.
func (c *courier) bring(ctx context.Context) error {
	var place ticket
	defer c.fills.leave(&place)
	enter := func(admitted func()) bool { return c.fills.enter(&place, rankNobody, admitted) }
	if c.fills.await(ctx, &place, enter) != nil || !c.hasNews() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	st, before := c.state, instant{}
	st.do(func() { before = st.pacer.hold.from })
	v, err := c.look(ctx, false)
	if err != nil {
		if ctx.Err() == nil && !errors.Is(err, ErrClosed) { // else our own time is up
			c.redisTrouble(err, fillsGoOn) // when the next fill may come is not the courier's to say
		}
		return err
	}
	st.do(func() {
		if st.round == nil && st.pacer.hold.from == before { // nobody has left another since: there is no more reason to wait
			st.pacer.redisAnswered()
			st.free()
		}
		st.changed.ring() // a fill that has begun meanwhile may sleep
	})
	c.putBack(ctx, v)
	c.listen()
	return nil
}

// begin reports whether there is anything to deliver, and nobody else may do it.
func (c *courier) begin() (ctx context.Context, ok bool) {
	st := c.state
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.life.broken != nil || !st.shelf.hasNews(now()) {
		return nil, false
	}
	if st.round != nil || c.cancel != nil { // another look will do it, if that reaches Redis; else later
		c.deliverIn(redisBackoff.base)
		return nil, false
	}
	if !c.work.begin() {
		return nil, false
	}
	st.life.enter()
	ctx, c.cancel = context.WithCancel(context.Background())
	return ctx, true
}

func (c *courier) hasNews() (has bool) {
	c.state.do(func() { has = c.state.shelf.hasNews(now()) })
	return has
}

func (c *courier) end() {
	c.state.do(func() {
		c.cancel()
		c.cancel = nil
	})
	c.state.reported()
}

// worthAWrite is how much longer than the stored token one from a direct call must
// live to be put back. A fleet that asked at the same moment has as many tokens as
// replicas. What is stored is rounded down, so each would seem a little better than
// the last.
const worthAWrite = time.Second

// putBack brings a token from a direct call to Redis, once that can be read. It
// has no part in the lock: the merge rule decides, and a tombstone of any age.
//
// It takes v.now, Redis' time, for a moment before now rather than before v.at, for the reason that
// gain has: else the token would seem younger than it is by the question's way to Redis.
func (c *courier) putBack(ctx context.Context, v *view) {
	mine, took := c.state.usable(), time.Duration(0)
	c.state.do(func() { took = c.state.timings.call })
	if mine == nil || !mine.unpublished || gain(mine, v.record) < worthAWrite {
		c.redisKnows(mine)
		return
	}
	age := now().since(mine.from)
	out, stored, err := c.publish(ctx, offer{
		token: mine.token, by: c.config.Replica, putBack: true, window: c.state.shelf.window,
		asked: v.now.Add(-age), elapsed: age, took: took,
	})
	c.state.observe(Event{Kind: EventPutBack, Outcome: out, Remaining: mine.remainingAt(now()), Err: err})
	if err != nil {
		c.later(err)
		return
	}
	c.redisKnows(mine)
	switch {
	case stored != nil && out != OutcomeKept:
		c.announceToken(ctx, stored)
	case out == OutcomeRejected:
		c.rejectedElsewhere(mine.token.Fingerprint())
	}
}

// gain is how much better than the stored record the copy c is. If both are of one token, there is
// something to tell only if the issuer's word on c was a shorter one.
//
// What is stored had that much left when it was read, up to now, not when it was
// asked for: a Redis that has just come back may have taken a second to answer,
// and the token of everyone whose question was on its way would seem better.
func gain(c *localCopy, stored *record) time.Duration {
	if stored == nil {
		return worthAWrite
	}
	longer := c.remainingAt(now()) - stored.remaining
	if c.is(stored.fingerprint) {
		return -longer
	}
	return longer
}

// redisKnows notes that Redis has that copy, if there is one, or a better token.
func (c *courier) redisKnows(mine *localCopy) {
	c.state.do(func() {
		c.state.pacer.putBackDone()
		c.state.shelf.published(mine)
	})
}

// rejectedElsewhere notes that others have rejected a token, at an unknown time, if this process
// has not heard of it: the event was missed.
func (c *courier) rejectedElsewhere(fp string) {
	st := c.state
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.shelf.knowsRejected(fp) || st.life.broken != nil {
		return
	}
	if st.shelf.rejectedElsewhere(fp, time.Time{}, now()) != nil {
		st.free()
	}
	st.wake()
}
