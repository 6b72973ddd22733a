package tokencache

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// state is what this process knows of one credential. What has to be decided and done in one step
// happens under its mutex. State asks neither Redis nor the issuer, and starts a fill only by its
// starter. Of a fill it knows the round, which callers wait for.
//
// Locks are taken in this order: Cache.mu or notifier.mu, state.mu, then that of work, breaker,
// admission, slots, lastDial or reporter; these six take no other. Nobody does I/O, opens a seal or
// calls foreign code with state.mu.
type state struct {
	observe func(Event) // queues, and calls nobody
	starter starter

	// quietUntil is the monotonic clock's reading before which a Get in the window need not look
	// further: a fill runs, or it is too early for one. After a suspension of the host it is late by
	// that, at most until the copy is dead.
	quietUntil atomic.Int64

	mu       sync.Mutex // guards below
	life     lifetime
	round    *round // the one that runs, or waits for a place
	shelf    shelf
	pacer    pacer
	takeover takeover
	timings  timings
	unread   unread
	changed  bell        // rung when a waiting fill should look again
	alarm    *time.Timer // of the next fill that nobody asks for, while Run is active
}

// isRun reports whether Run is active, so that this process refreshes first.
func (st *state) isRun() bool { return st.starter.runners.Load() > 0 }

// starter begins fills that nobody waits for.
type starter struct {
	runners *atomic.Int32 // calls of Run
	begin   func()        // engine.start; the caller holds state.mu
}

// usable returns the copy if it can be handed out, else nil. It takes no lock.
func (st *state) usable() *localCopy { return st.shelf.usable(now()) }

// do has something done in one step.
func (st *state) do(what func()) {
	st.mu.Lock()
	defer st.mu.Unlock()
	what()
}

// nextNumber is taken by whoever asks a question: see rejections.
func (st *state) nextNumber() (number uint64) {
	st.do(func() { number = st.shelf.nextNumber() })
	return number
}

// changes returns what is closed at the next event.
func (st *state) changes() (changed <-chan struct{}) {
	st.do(func() { changed = st.changed.next() })
	return changed
}

// broken is why the Source is of no use any more; nil if it is.
func (st *state) broken() (err error) {
	st.do(func() { err = st.life.broken })
	return err
}

// adopt makes a the copy if the shelf takes it. It reports whether there is a usable copy
// afterwards, this or another.
func (st *state) adopt(a adoption) (usable bool) {
	st.do(func() { usable = st.take(a).usable })
	return usable
}

// take is adopt for who holds st.mu. It wakes those who wait for any usable copy.
func (st *state) take(a adoption) taken {
	if st.life.broken != nil {
		return taken{}
	}
	at := now()
	t := st.shelf.take(a, st.isRun(), at)
	if t.stored != nil && st.round != nil {
		closeOnce(st.round.ready)
	}
	if t.ended { // as after a rejection
		st.free()
		st.wake()
	}
	if t.another {
		st.observe(Event{Kind: EventAdopt, Remaining: t.stored.remainingAt(at)})
	}
	return t
}

// whyUseless is why an answer of the issuer's did not become a copy.
func (st *state) whyUseless(fp string) (why error) {
	st.do(func() {
		if why = ErrExpired; st.shelf.knowsRejected(fp) {
			why = ErrRejected
		}
	})
	return why
}

// free ends the hold, and lets the next fill come. The caller holds st.mu.
func (st *state) free() {
	st.pacer.free()
	st.settle()
	st.schedule()
}

// wake has a fill that sleeps look again, or end if an event has brought its token. The caller holds
// st.mu.
func (st *state) wake() {
	st.takeover.heard()
	st.changed.ring()
	st.settle()
}

// pace tells the pacer something that depends on the copy at hand, or changes the hold: Get knows
// afterwards from when on it has to look further.
func (st *state) pace(what func(p *pacer, c *localCopy, at instant)) {
	st.do(func() {
		at := now()
		what(&st.pacer, st.shelf.usable(at), at)
		st.settle()
	})
}

// holdFor keeps the next fill away for a while.
func (st *state) holdFor(wait time.Duration, err error) {
	st.pace(func(p *pacer, c *localCopy, at instant) { p.holdFor(wait, err, c, at) })
}

// settle brings quietUntil up to date. The caller holds st.mu.
func (st *state) settle() {
	if st.round != nil {
		st.quietUntil.Store(math.MaxInt64) // until it is over
		return
	}
	at := now()
	st.quietUntil.Store(int64(at.mono + st.pacer.hold.rest(at)))
}

// schedule sets the alarm for the next fill, if the Cache runs. The caller holds st.mu.
func (st *state) schedule() {
	if st.life.broken != nil || st.round != nil || !st.isRun() {
		return
	}
	at, wait := now(), time.Duration(0)
	if c := st.shelf.usable(at); c != nil {
		wait = c.freshFor() - at.since(c.from)
	} else {
		wait = st.pacer.jitter.upTo(coldSpread) // many Sources at once, cold: a little apart
	}
	wait = max(wait, st.pacer.hold.rest(at)) + time.Millisecond // a timer may be a little early
	stopTimer(st.alarm)
	st.alarm = time.AfterFunc(wait, func() {
		st.refill()
		st.do(st.schedule) // if it came too early all the same
	})
}

// refill begins a fill in the background, if it is time for one.
func (st *state) refill() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.life.broken == nil && st.round == nil && st.pacer.hold.rest(now()) == 0 {
		st.starter.begin()
	}
}

// heldBySilence reports whether the next fill waits for Redis to answer, or this one waits
// for its turn to call directly for that reason. The caller holds st.mu.
func (st *state) heldBySilence() bool {
	return st.pacer.hold.isOfSilence() || st.round != nil && isSilence(st.round.cause)
}

// resume ends the hold that Redis' silence has left.
func (st *state) resume() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.life.broken != nil || !st.heldBySilence() {
		return
	}
	st.free()
	st.changed.ring()
}

// reported ends what life.enter began. The last to end it on a closed Source tells of EventClosed.
func (st *state) reported() {
	last := false
	st.do(func() { last = st.life.leave() })
	if last {
		st.observe(Event{Kind: EventClosed})
	}
}

// lifetime is how long a Source is of use, and who may observe something: what is observed of a
// Source comes before its EventClosed.
type lifetime struct {
	broken     error         // ErrClosed, or what is wrong with the Fetcher
	gone       chan struct{} // closed with ErrClosed
	reporting  int32         // how many may still observe: fills, rejections on their way, close
	saidClosed bool          // EventClosed was told: nobody may begin to observe
}

// enter reports whether the Source is there to observe something, and then has one more observe.
func (l *lifetime) enter() bool {
	if l.broken == nil {
		l.reporting++
	}
	return l.broken == nil
}

// leave reports whether nobody is left to observe.
func (l *lifetime) leave() (last bool) {
	l.reporting--
	last = l.broken != nil && l.reporting == 0 && !l.saidClosed
	l.saidClosed = l.saidClosed || last
	return last
}

// end makes the Source useless, and has its ending observed, too.
func (l *lifetime) end(err error) {
	l.reporting++
	if l.broken == nil {
		l.broken = err
	}
	closeOnce(l.gone)
}

func stopTimer(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
