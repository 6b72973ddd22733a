package tokencache

import (
	"time"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// listener takes the events of one credential. It believes what is sealed, as only who has the
// secret can send that; anything else prompts a look. The events of all Sources pass through the
// goroutine that calls it, so it neither asks Redis nor waits.
type listener struct {
	prompter // and by it the link
}

func (l *listener) channel() string { return l.store.keys.channel() }

func (l *listener) closed() bool { return l.state.broken() != nil }

// heard takes every event.
func (l *listener) heard(kind, about string) {
	entered := false
	if l.state.do(func() { entered = l.state.life.enter() }); !entered {
		return
	}
	defer l.state.reported()
	switch kind {
	case wire.EventToken:
		l.heardToken(about)
	case wire.EventRejection:
		l.heardRejection(about)
	case wire.EventFree: // whoever had the lock left no token
		l.state.do(func() { l.prompt(lockFree) })
	default: // of a later version
	}
}

// subscribed has a fill that sleeps look, as it has not heard what happened before; again, whoever has
// a copy, too.
func (l *listener) subscribed(again bool) {
	if again {
		l.soon(max(longestSpread, time.Duration(l.sources.Load())*spreadOfOne))
		return
	}
	l.state.do(l.state.changed.ring)
}

// heardToken adopts the token of an event, without a look, if its seal opens and its times
// agree with the last look. Otherwise it has the Source look.
func (l *listener) heardToken(about string) {
	number, at := l.state.nextNumber(), now() // first: as with a look
	h, ok := wire.ParseTokenHint(about)
	if !ok {
		l.ignored("not understood")
		l.soon(longestSpread)
		return
	}
	known := false
	l.state.do(func() { known = l.state.shelf.knows(h) })
	if known {
		return
	}
	spread := min(longestSpread, max(h.Left(), minLife)/4)
	if tok, ok := l.open(h); ok {
		taken, lookedThen := l.take(h, tok, number, at)
		switch {
		case taken:
			return
		case lookedThen: // few did, and so they need not spread their next look
			spread = coldSpread
		}
	}
	l.soon(spread)
}

func (l *listener) ignored(reason string) {
	l.state.observe(Event{Kind: EventIgnored, Reason: reason})
}

func (l *listener) open(h wire.TokenHint) (tok Token, ok bool) {
	if h.Sealed == "" { // too large for an event
		return Token{}, false
	}
	app, tenant, err := l.store.seal.OpenToken(l.store.keys.id, h.Fingerprint, h.Life, h.At, h.Sealed)
	if err != nil {
		l.ignored(err.Error())
		return Token{}, false
	}
	return NewToken(app, tenant, h.Life), true
}

// take makes tok the copy, or h the issuer's last word on the copy, if the shelf believes it and
// this process has not seen the token rejected since: else a look decides. LookedThen: the last look
// was in the very millisecond in which h was stored, so that nobody knows which came first.
func (l *listener) take(h wire.TokenHint, tok Token, number uint64, at instant) (taken, lookedThen bool) {
	st := l.state
	st.mu.Lock()
	defer st.mu.Unlock()
	a, ok := st.shelf.believe(h, tok, number, at)
	if !ok {
		return false, st.shelf.anchor.redis.Equal(h.At.StoredAt)
	}
	before := st.shelf.usable(at)
	t := st.take(a)
	if t.stored == nil {
		return t.ended, false
	}
	if before != nil && before.unpublished {
		st.observe(Event{Kind: EventPutBack, Outcome: OutcomeKept, Remaining: a.remaining}) // by another
	}
	st.shelf.heard++
	if st.shelf.anchor.since(h.At.StoredAt, st.unread.at) < 0 { // a look would find no more
		st.unread.drop()
	}
	st.pacer.free()
	if t.stored.phaseAt(at) != fresh { // the issuer has no other yet
		pause := pauseOf(st.shelf.window, h.Life)
		st.pacer.holdFor(max(0, pause-a.checked), nil, st.shelf.usable(at), at)
	}
	st.schedule()
	st.wake()
	return true, false
}

// heardRejection drops the copy, if the news is of a later moment than the issuer's last word
// on it.
func (l *listener) heardRejection(about string) {
	at := now()
	h, ok := wire.ParseRejectionHint(about)
	if !ok {
		l.ignored("not understood")
		return
	}
	if err := l.store.seal.OpenRejection(l.store.keys.id, h.Fingerprint, h.At, h.Sealed); err != nil {
		l.ignored(err.Error())
		return
	}
	st := l.state
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.life.broken == nil && st.shelf.hearRejection(h, at) != nil {
		st.free()
		st.wake()
	}
}
