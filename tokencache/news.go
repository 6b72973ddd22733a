package tokencache

import (
	"time"
)

// heard takes every event, and an empty kind for a first subscription that stands. The events of
// all Sources pass through the goroutine that calls it, so it neither asks Redis nor waits.
func (s *Source) heard(kind, about string) {
	if !s.mayReport() {
		return
	}
	defer s.reported()
	switch kind {
	case eventToken:
		s.heardToken(about)
	case eventRejection:
		s.heardRejection(about)
	case eventGap:
		s.heardGap()
	case eventFree:
		s.heardFree()
	case "":
		s.wake(false)
	default: // of a later version
	}
}

// channel is where the events of the credential come.
func (s *Source) channel() string { return s.store.keys.channel() }

// wake has a fill that sleeps look again, or end if an event has brought its token.
func (s *Source) wake(heard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wakeLocked(heard)
}

func (s *Source) wakeLocked(heard bool) {
	if heard {
		s.takeover.heard()
	}
	s.changed.ring()
	s.settle()
}

// heardToken adopts the token of an event, without a look, if its seal opens and its times
// agree with the last look. Otherwise it has the Source look.
func (s *Source) heardToken(about string) {
	number, at := s.nextNumber(), now() // first: as with a look
	h, ok := parseTokenHint(about)
	if !ok {
		s.observe(Event{Kind: EventIgnored, Reason: "not understood"})
		s.rereadSoon(longestSpread)
		return
	}
	if s.knows(h) {
		return
	}
	spread := min(longestSpread, max(h.left(), minLife)/4)
	if tok, ok := s.open(h); ok {
		if s.takeHint(h, tok, number, at) {
			s.wake(true)
			return
		}
		if s.lookedWhen(h) {
			spread = coldSpread
		}
	}
	s.rereadSoon(spread)
}

// lookedWhen reports whether the last look was in the very millisecond in which h was stored, so that
// nobody knows which came first. Few replicas had one then, so they need not spread their next.
func (s *Source) lookedWhen(h tokenHint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.anchor.redis.Equal(h.at.storedAt)
}

func (s *Source) knows(h tokenHint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shelf.knows(h)
}

func (s *Source) open(h tokenHint) (tok Token, ok bool) {
	if h.sealed == "" { // too large for an event
		return Token{}, false
	}
	app, tenant, err := s.store.seal.openToken(s.ID(), h.fingerprint, h.life, h.at, h.sealed)
	if err != nil {
		s.observe(Event{Kind: EventIgnored, Reason: err.Error()})
		return Token{}, false
	}
	return NewToken(app, tenant, h.life), true
}

// takeHint makes tok the copy, or h the issuer's last word on the copy, if the shelf believes it and
// this process has not seen the token rejected since: else a look decides.
func (s *Source) takeHint(h tokenHint, tok Token, number uint64, at instant) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.shelf.believe(h, tok, number, at)
	if !ok {
		return false
	}
	before := s.copy.Load()
	t := s.takeLocked(a)
	if t.stored == nil {
		return false
	}
	if t.another {
		s.observe(Event{Kind: EventAdopt, Remaining: a.remaining})
	}
	if before.usableAt(at) && before.unpublished {
		s.observe(Event{Kind: EventPutBack, Outcome: OutcomeKept, Remaining: a.remaining}) // by another
	}
	s.shelf.heard++
	if s.shelf.anchor.since(h.at.storedAt, s.unread.at) < 0 { // a look would find no more
		s.unread = unread{}
	}
	s.pacer.free()
	if t.stored.phaseAt(at) != fresh { // the issuer has no other yet
		pause := pauseOf(s.credential.Window(), h.life)
		s.pacer.holdFor(max(0, pause-a.checked), nil, s.shelf.usable(at), at)
	}
	s.schedule()
	return true
}

// heardRejection drops the copy, if the news is of a later moment than the issuer's last word
// on it. Only who has the secret can send such news.
func (s *Source) heardRejection(about string) {
	at := now()
	h, ok := parseRejectionHint(about)
	if !ok {
		s.observe(Event{Kind: EventIgnored, Reason: "not understood"})
		return
	}
	if err := s.store.seal.openRejection(s.ID(), h.fingerprint, h.at, h.sealed); err != nil {
		s.observe(Event{Kind: EventIgnored, Reason: err.Error()})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil && s.shelf.hearRejection(h, at) != nil {
		s.dropped()
		s.wakeLocked(true)
	}
}

// wasRejected notes that others have rejected a token, at an unknown time.
func (s *Source) wasRejected(fp string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil && s.shelf.rejectedElsewhere(fp, time.Time{}, now()) != nil {
		s.dropped()
	}
	s.wakeLocked(true)
}

// dropped ends the hold, which was for one that has a copy. The caller holds s.mu.
func (s *Source) dropped() {
	s.pacer.free()
	s.schedule()
}

// heardGap has the Source look, as it may have missed events.
func (s *Source) heardGap() {
	s.rereadSoon(max(longestSpread, time.Duration(s.cache.countSources())*spreadOfOne))
}

// heardFree lets the next fill try for the lock, which its holder left without a token.
func (s *Source) heardFree() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prompt(s.promptFree)
}

// promptUnread has whoever sleeps look, and without a copy the next fill too. The caller holds
// s.mu.
func (s *Source) promptUnread() {
	if s.usable() == nil {
		s.pacer.free()
	}
	s.wakeLocked(true)
}

// promptFree has whoever sleeps look, and the next fill, unless a failure holds it. The caller
// holds s.mu.
func (s *Source) promptFree() {
	if s.pacer.hold.err == nil {
		s.pacer.free()
		s.schedule()
	}
	s.wakeLocked(true)
}

// prompt does what an event asks for that anybody may have sent: now, or when the next such
// look may come. What comes sooner than that one is answered by it. The caller holds s.mu.
func (s *Source) prompt(do func()) {
	if s.broken != nil || s.promptTimer != nil {
		return
	}
	wait := s.pacer.promptIn(now())
	if wait == 0 {
		do()
		return
	}
	s.promptTimer = time.AfterFunc(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.promptTimer = nil
		if s.broken == nil {
			do()
		}
	})
}

const (
	// longestSpread is the time over which a fleet with copies spreads the looks after one event.
	longestSpread = 5 * time.Second
	// spreadOfOne is what each Source adds to that where all of a process have to look.
	spreadOfOne = 2 * time.Millisecond
)

// unread is news that only a look can confirm.
type unread struct {
	number uint64 // see rejections: a later look answers it; 0 for no news
	at     instant
}

// rereadSoon has the fill come that answers news which only a look can confirm. Who has a copy
// spreads the look, as the whole fleet heard the same. Further news before that look is
// answered by it, and what comes soon after it has time: anybody may tell of a token that ends
// in a moment.
func (s *Source) rereadSoon(spread time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return
	}
	c, at := s.copy.Load(), now()
	usable := c.usableAt(at)
	if !usable || s.fill != nil {
		s.prompt(s.promptUnread)
	}
	if !usable {
		return
	}
	onItsWay := s.unread.number != 0
	s.unread = unread{s.shelf.nextNumber(), at}
	if onItsWay {
		return
	}
	if at.since(s.answeredAt) < longestSpread {
		spread = max(spread, longestSpread)
	}
	wait := s.spread(spread, c.remainingAt(at))
	if rest := s.pacer.hold.rest(at); rest > 0 {
		wait = min(wait, rest)
	}
	s.pacer.holdFor(wait, nil, c, at)
	s.settle()
	s.rereadIn(s.pacer.hold.wait)
}

// spread draws a moment for a look of who has a copy with so much left.
func (s *Source) spread(over, remaining time.Duration) time.Duration {
	return s.jitter.upTo(min(over, remaining/4))
}

// rereadAgain has another fill come if the one that has just ended has not answered the news:
// Redis was read before, or could not be. The caller holds s.mu.
func (s *Source) rereadAgain() {
	if s.broken != nil || s.unread.number == 0 {
		return
	}
	c, at := s.copy.Load(), now()
	if !c.usableAt(at) { // whoever wants a token looks
		s.unread = unread{}
		return
	}
	s.rereadIn(max(s.spread(longestSpread, c.remainingAt(at)), s.pacer.restOfTrouble(at)))
}

// rereadIn sets the timer, which is not that of other fills: these may come later, or never.
// The caller holds s.mu.
func (s *Source) rereadIn(wait time.Duration) {
	if s.rereadTimer != nil {
		s.rereadTimer.Stop()
	}
	s.rereadTimer = time.AfterFunc(wait, s.reread)
}

// reread begins the look, unless one has come since, or a fill runs, whose end sees to it.
func (s *Source) reread() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil || s.fill != nil || s.unread.number == 0 {
		return
	}
	if rest := s.pacer.restOfTrouble(now()); rest > 0 {
		s.rereadIn(rest)
		return
	}
	_, _ = s.start(fillAhead) // refused only when closed
}

// changes returns what is closed at the next event.
func (s *Source) changes() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed.ch
}
