package tokencache

import "time"

// heard is told of every event, and with an empty kind of every (re)subscription. It runs
// where the events of all Sources arrive, so it asks nobody and waits for nobody.
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
	default:
		return // of a later version
	}
	s.wake(kind != "")
}

// wake has whoever waits for an event look again, or see that there is no need to.
func (s *Source) wake(heard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if heard {
		s.lockSeen = ""
	}
	close(s.changed)
	s.changed = make(chan struct{})
	s.settle()
}

// heardToken takes over the token of an event, without a look, if it opens and its times
// agree with those of the last look. Else a look will tell.
func (s *Source) heardToken(about string) {
	number, at := s.nextNumber(), now() // first: as with a look
	h, ok := parseTokenHint(about)
	if !ok {
		s.observe(Event{Kind: EventGarbled, Reason: "an event that is not understood"})
		s.rereadSoon(longestSpread)
		return
	}
	if s.knows(h) {
		return
	}
	if tok, ok := s.open(h); ok {
		if s.takeHint(h, tok, number, at) {
			return
		}
	}
	s.rereadSoon(min(longestSpread, max(h.left(), minLife)/4))
}

// knows reports whether h says what this process has heard before, or has told itself.
func (s *Source) knows(h tokenHint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copy.Load().is(h.fingerprint) && s.lastWord.redis.Equal(h.at.checkedAt)
}

func (s *Source) open(h tokenHint) (tok Token, ok bool) {
	if h.sealed == "" { // too large for an event
		return Token{}, false
	}
	app, tenant, err := s.store.seal.openToken(s.ID(), h.fingerprint, h.life, h.at, h.sealed)
	if err != nil {
		s.observe(Event{Kind: EventGarbled, Reason: "an event: " + err.Error()})
		return Token{}, false
	}
	return NewToken(app, tenant, h.life), true
}

// takeHint makes tok the copy, or h the last word on it, unless a look has to tell: without
// an anchor, with times that do not agree, or with a token that this process has seen rejected
// since. What is left of the token is the least that Redis' clock and ours allow.
func (s *Source) takeHint(h tokenHint, tok Token, number uint64, at instant) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	margin := windowOf(s.credential.Window(), h.life, false, 0).dead
	if s.broken != nil || !s.anchor.agrees(h.at.storedAt, at, margin) || !h.at.storedAt.After(s.anchor.redis) {
		return false
	}
	a := adoption{
		token:     tok,
		remaining: min(h.left(), -s.anchor.since(h.at.endsAt, at)),
		at:        at,
		asked:     number,
		checked:   max(0, s.anchor.since(h.at.checkedAt, at)),
		checkedAt: h.at.checkedAt,
		redisNow:  h.at.storedAt,
	}
	if s.rejected.forbid(h.fingerprint, a) {
		return false
	}
	before := s.copy.Load()
	took, news := s.takeLocked(a)
	c := s.copy.Load()
	if !took || !c.is(h.fingerprint) || before == c {
		return false
	}
	if news != nil {
		s.observe(Event{Kind: EventAdopt, Remaining: a.remaining})
	}
	if before.usableAt(at) && before.unpublished {
		s.observe(Event{Kind: EventPutBack, Outcome: OutcomeKept, Remaining: a.remaining}) // by another
	}
	s.toldTokens++
	s.rereading = false
	s.hold = hold{}
	if c.phaseAt(at) != fresh { // the issuer has no other yet
		pause := pauseOf(s.credential.Window(), h.life)
		s.hold = s.holdOf(max(0, pause-a.checked), nil)
	}
	if s.timer != nil {
		s.timer.Stop()
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
		s.observe(Event{Kind: EventGarbled, Reason: "an event that is not understood"})
		return
	}
	if err := s.store.seal.openRejection(s.ID(), h.fingerprint, h.at, h.sealed); err != nil {
		s.observe(Event{Kind: EventGarbled, Reason: "an event: " + err.Error()})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.hasHeard(h) && !s.hasOvertaken(h, at) {
		s.wasRejectedAt(h.fingerprint, h.at)
	}
}

// hasHeard reports whether this very rejection is known, from an event or as one's own: what
// was adopted since is allowed to be. The caller holds s.mu.
func (s *Source) hasHeard(h rejectionHint) bool {
	return s.rejected[h.fingerprint].redis.Equal(h.at)
}

// hasOvertaken reports whether the copy is the rejected token, as the issuer has handed it out
// again since. Of a rejection that is late, or dated by another clock, only a look can tell.
// The caller holds s.mu.
func (s *Source) hasOvertaken(h rejectionHint, at instant) bool {
	if !s.copy.Load().is(h.fingerprint) || s.lastWord.epoch != s.anchor.epoch {
		return false
	}
	return s.anchor.foretells(h.at, at, -sameClock, mostAhead) && s.lastWord.redis.After(h.at)
}

// wasRejected notes the rejection of a token by others, of an unknown moment.
func (s *Source) wasRejected(fp string) {
	s.mu.Lock()
	s.wasRejectedAt(fp, time.Time{})
	s.mu.Unlock()
	s.wake(true)
}

// wasRejectedAt notes it. The caller holds s.mu.
func (s *Source) wasRejectedAt(fp string, at time.Time) {
	if s.broken != nil {
		return
	}
	s.rejected.add(fp, rejection{number: s.nextNumber(), told: true, redis: at})
	if s.copy.Load().is(fp) {
		s.hold = hold{} // it was for one that has a copy
		s.drop(fp)
	}
}

// heardGap is the news that events may have been missed.
func (s *Source) heardGap() {
	s.rereadSoon(max(longestSpread, time.Duration(s.cache.countSources())*spreadOfOne))
}

// heardFree is the news that somebody has left the lock without a token.
func (s *Source) heardFree() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil && s.hold.err == nil {
		s.hold = hold{}
		s.schedule()
	}
}

const (
	// longestSpread is the time over which a fleet with copies reads the same news.
	longestSpread = 5 * time.Second
	// spreadOfOne is what each Source adds to that, if all of a process have to read.
	spreadOfOne = 2 * time.Millisecond
)

// sameEnd is how far apart two ends of one token may be: `expire` has whole seconds, and
// an event takes its time.
const sameEnd = 2 * time.Second

// rereadSoon has the fill come that answers news which only a look can confirm. Who has a copy
// spreads the look, as the whole fleet heard the same. Further news before that look is
// answered by it.
func (s *Source) rereadSoon(spread time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return
	}
	c, at := s.copy.Load(), now()
	if !c.usableAt(at) {
		s.hold = hold{}
		return
	}
	if s.rereading {
		return
	}
	s.rereading = true
	wait := time.Duration(s.jitter.draw() * float64(min(spread, c.remainingAt(at)/4)))
	if rest := s.hold.rest(at); rest > 0 {
		wait = min(wait, rest)
	}
	s.hold = s.holdOf(wait, nil)
	s.wakeIn(s.hold.wait)
}

// drop lets go of the copy if it is the token of that fingerprint. The caller
// holds s.mu.
func (s *Source) drop(fp string) {
	if s.copy.Load().is(fp) {
		s.copy.Store(nil)
		s.schedule()
	}
}

// changes returns what is closed at the next event.
func (s *Source) changes() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}
