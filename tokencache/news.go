package tokencache

import (
	"errors"
	"time"

	"golang.org/x/time/rate"
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

// wake has a fill that sleeps look again, or end if an event has brought its token.
func (s *Source) wake(heard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wakeLocked(heard)
}

func (s *Source) wakeLocked(heard bool) {
	if heard {
		s.lockSeen = ""
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

// knows reports whether this process has heard h before, or sent it.
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
		s.observe(Event{Kind: EventIgnored, Reason: err.Error()})
		return Token{}, false
	}
	return NewToken(app, tenant, h.life), true
}

// takeHint makes tok the copy, or h the issuer's last word on the copy. It refuses without an
// anchor, if the times do not agree with the anchor, and if this process has seen the token
// rejected since: then a look decides. The copy's end is the earliest that the event and the
// anchor allow.
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
		epoch:     s.anchor.epoch,
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
	if s.anchor.since(h.at.storedAt, s.unread.at) < 0 { // a look would find no more
		s.unread = unread{}
	}
	s.hold = hold{}
	if c.phaseAt(at) != fresh { // the issuer has no other yet
		pause := pauseOf(s.credential.Window(), h.life)
		s.hold = s.holdOf(max(0, pause-a.checked), nil)
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
	before := s.copy.Load()
	switch {
	case s.broken != nil || s.rejected[h.fingerprint].hasHeard(h.at): // what was adopted since is allowed to be
	case !s.anchor.foretells(h.at, at, -sameClock, mostAhead):
		s.wasRejectedOnce(h, at)
	case !s.hasOvertaken(h):
		s.wasRejectedAt(h.fingerprint, h.at)
	}
	if s.copy.Load() != before {
		s.wakeLocked(true)
	}
}

// wasRejectedOnce notes a rejection that is late, was dated by another clock, or is told again by
// who has kept the event: only a look can tell whether the token was handed out since. It is no
// reason to believe that Redis knows what this process has rejected, nor for a cool-down. The
// caller holds s.mu.
func (s *Source) wasRejectedOnce(h rejectionHint, at instant) {
	s.rejected.addLate(h, s.nextNumber(), s.anchor.since(h.at, at) >= 0, s.anchor.epoch)
	s.dropRejected(h.fingerprint)
}

// hasOvertaken reports whether the copy is the rejected token, as the issuer has handed it out
// again since. The caller holds s.mu.
func (s *Source) hasOvertaken(h rejectionHint) bool {
	return s.copy.Load().is(h.fingerprint) && s.lastWord.epoch == s.anchor.epoch && s.lastWord.redis.After(h.at)
}

// wasRejected notes that others have rejected a token, at an unknown time.
func (s *Source) wasRejected(fp string) {
	s.mu.Lock()
	s.wasRejectedAt(fp, time.Time{})
	s.mu.Unlock()
	s.wake(true)
}

// wasRejectedAt is wasRejected for a caller that holds s.mu, at a time of Redis' clock.
func (s *Source) wasRejectedAt(fp string, at time.Time) {
	if s.broken != nil {
		return
	}
	s.rejected.add(fp, rejection{number: s.nextNumber(), told: true, redis: at, epoch: s.anchor.epoch})
	s.dropRejected(fp)
}

// dropRejected drops the copy if it is that token. The caller holds s.mu.
func (s *Source) dropRejected(fp string) {
	if s.copy.Load().is(fp) {
		s.hold = hold{} // it was for one that has a copy
		s.drop(fp)
	}
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
		s.hold = hold{}
	}
	s.wakeLocked(true)
}

// promptFree has whoever sleeps look, and the next fill, unless a failure holds it. The caller
// holds s.mu.
func (s *Source) promptFree() {
	if s.hold.err == nil {
		s.hold = hold{}
		s.schedule()
	}
	s.wakeLocked(true)
}

// What nobody vouches for prompts a few looks in a row, then one each second: whoever may
// publish can send any number of such events.
const (
	promptsInARow = 4
	promptEvery   = time.Second
)

// prompt does what an event asks for that anybody may have sent: now, or when the next such
// look may come. What comes sooner than that one is answered by it. The caller holds s.mu.
func (s *Source) prompt(do func()) {
	if s.broken != nil || s.promptTimer != nil {
		return
	}
	if s.prompts == nil {
		s.prompts = rate.NewLimiter(rate.Every(promptEvery), promptsInARow)
	}
	wait := s.prompts.Reserve().Delay()
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

// sameEnd is how far apart two ends of one token may be: `expire` has whole seconds, and
// an event takes its time.
const sameEnd = 2 * time.Second

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
	s.unread = unread{s.nextNumber(), at}
	if onItsWay {
		return
	}
	if at.since(s.answeredAt) < longestSpread {
		spread = max(spread, longestSpread)
	}
	wait := s.spread(spread, c.remainingAt(at))
	if rest := s.hold.rest(at); rest > 0 {
		wait = min(wait, rest)
	}
	s.hold = s.holdOf(wait, nil)
	s.settle()
	s.rereadIn(s.hold.wait)
}

// spread draws a moment for a look of who has a copy with so much left.
func (s *Source) spread(over, remaining time.Duration) time.Duration {
	return time.Duration(s.jitter.draw() * float64(min(over, remaining/4)))
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
	s.rereadIn(max(s.spread(longestSpread, c.remainingAt(at)), s.restOfTrouble()))
}

// restOfTrouble is how much longer Redis is not to be asked. The caller holds s.mu.
func (s *Source) restOfTrouble() time.Duration {
	if !errors.Is(s.hold.err, ErrRedis) {
		return 0
	}
	return s.hold.rest(now())
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
	if rest := s.restOfTrouble(); rest > 0 {
		s.rereadIn(rest)
		return
	}
	_, _ = s.start(fillAhead) // refused only when closed
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
	return s.changed.ch
}
