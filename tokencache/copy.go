package tokencache

import "time"

// localCopy is this process's copy of a token. Immutable: replaced whole. It fits into
// one line of a processor's cache, as a Get among thousands of Sources misses it.
type localCopy struct {
	token     Token
	from      instant       // when remaining was counted; before it was true, never after
	remaining time.Duration // at from
	window    window
	draw      float32 // places the refresh within the window

	// unpublished marks the fruit of a direct call: Redis does not know it yet.
	unpublished bool
	// replaced: a record that this process could not open made way for it. It does that once,
	// and for its successor: two versions of this with one id would else call the issuer in
	// turn. See letsStand.
	replaced bool
}

func newLocalCopy(tok Token, remaining time.Duration, from instant, w window, draw float32) *localCopy {
	return &localCopy{
		token:     tok.endingAt(from.add(remaining).time()),
		from:      from,
		remaining: remaining,
		window:    w,
		draw:      draw,
	}
}

// freshFor is how long since from no fill is due.
func (c *localCopy) freshFor() time.Duration { return c.remaining - c.window.refresh }

func (c *localCopy) remainingAt(at instant) time.Duration { return c.remaining - at.since(c.from) }

func (c *localCopy) phaseAt(at instant) phase { return c.window.phaseOf(c.remainingAt(at)) }

// usableAt is false for no copy at all.
func (c *localCopy) usableAt(at instant) bool { return c != nil && c.phaseAt(at) > dead }

// is reports whether c holds the token of that fingerprint.
func (c *localCopy) is(fingerprint string) bool {
	return c != nil && c.token.Fingerprint() == fingerprint
}

// letsStand reports whether a record that this process cannot open may stay where it is. The
// copy that one has made way for lets the next stand, until it is urgent itself: a call put
// off for longer would come when the copy is dead, with all who want a token waiting.
func (c *localCopy) letsStand(at instant) bool { return c.replaced && c.phaseAt(at) > urgent }

// adoption is a token that might become the copy.
type adoption struct {
	token                 Token
	remaining             time.Duration
	at                    instant       // when remaining was true, or before
	asked                 uint64        // see rejections
	own                   bool          // straight from the issuer
	held                  bool          // by Redis, as a look or a write has found
	checked               time.Duration // ago: the issuer's last word on it; 0 for an answer to us
	checkedAt, redisNow   time.Time     // the same by Redis' clock, if it has it, and then
	epoch                 int           // of these: see anchor
	unpublished, replaced bool          // see localCopy
}

// adopt makes a the copy, unless it was rejected after it was asked for, or the
// copy at hand lives longer and may still be what the others have. It reports whether there is a
// usable copy afterwards, this or another.
func (s *Source) adopt(a adoption) (usable bool) {
	usable, news := s.take(a)
	if news != nil {
		s.observe(Event{Kind: EventAdopt, Remaining: news.remainingAt(now())})
	}
	return usable
}

// take returns the copy made of a only if it is another token than before.
func (s *Source) take(a adoption) (took bool, news *localCopy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takeLocked(a)
}

// takeLocked is take for a caller that holds s.mu.
func (s *Source) takeLocked(a adoption) (took bool, news *localCopy) {
	fp := a.token.Fingerprint()
	at, current := now(), s.copy.Load()
	a.epoch = s.anchor.epoch
	if s.broken != nil || s.rejected.forbid(fp, a) {
		return current.usableAt(at), nil
	}
	c := s.newCopy(a, current)
	if !c.usableAt(at) || current.is(fp) && s.knowsLater(c, current, a) {
		return current.usableAt(at), nil
	}
	if current.usableAt(at) && current.is(fp) && !current.yieldsTo(c, a, at) {
		return true, nil
	}
	if current.usableAt(at) && !current.is(fp) && current.remainingAt(at) >= c.remainingAt(at) && !s.succeeds(c, current, a) {
		return true, nil
	}
	if word := s.wordOf(a); !current.is(fp) || word.isAfter(s.lastWord, 0) {
		s.lastWord = word
	}
	s.copy.Store(c)
	s.lastLife = a.token.life()
	if s.fill != nil {
		closeOnce(s.fill.ready)
	}
	if current.is(fp) {
		return true, nil
	}
	return true, c
}

// issuersWord is the moment the issuer was asked for what it last said about a token.
type issuersWord struct {
	at    instant   // by our own clocks, or before
	redis time.Time // by Redis' clock; zero if that does not know
	epoch int       // of redis: see anchor
}

// wordOf is the last word that a was made of. The caller holds s.mu.
func (s *Source) wordOf(a adoption) issuersWord {
	return issuersWord{a.at.add(-a.checked), a.checkedAt, s.anchor.epoch}
}

// isAfter reports whether w is later by more than the tolerance by our clocks, or later at all
// by Redis' clock if both have that of one epoch.
func (w issuersWord) isAfter(other issuersWord, by time.Duration) bool {
	if w.sameClock(other) {
		return w.redis.After(other.redis)
	}
	return w.at.isAfter(other.at, by)
}

func (w issuersWord) sameClock(other issuersWord) bool {
	return w.epoch == other.epoch && !w.redis.IsZero() && !other.redis.IsZero()
}

// knowsLater reports whether c, of the token that the copy, dead or alive, is of, was made of an
// earlier word of the issuer's than the copy: a failover of Redis or somebody has brought that
// back, or events have overtaken each other. Without one clock of Redis' for both it has to be
// a longer word as well. The caller holds s.mu.
func (s *Source) knowsLater(c, current *localCopy, a adoption) bool {
	at := now()
	word := s.wordOf(a)
	if a.own || !s.lastWord.isAfter(word, sameEnd) {
		return false
	}
	return s.lastWord.sameClock(word) || c.remainingAt(at)-current.remainingAt(at) > sameEnd
}

// succeeds reports whether Redis holds c, made of a, where it held the copy, though the copy lives
// longer by more than two looks may differ. No token makes way for a shorter one in Redis, so the
// copy was rejected or lost there. The issuer has to have been asked for a later than for the
// copy, by one clock: else a failover of Redis may have brought a back. The caller holds s.mu.
func (s *Source) succeeds(c, current *localCopy, a adoption) bool {
	if !a.held || current.unpublished {
		return false
	}
	at, word := now(), s.wordOf(a)
	if current.remainingAt(at)-c.remainingAt(at) <= sameEnd {
		return false
	}
	return word.sameClock(s.lastWord) && word.isAfter(s.lastWord, 0)
}

// yieldsTo reports whether the copy c gives way to other, made of the adoption a of the same
// token: not if the issuer has told us since, around Redis, that the token ends earlier.
func (c *localCopy) yieldsTo(other *localCopy, a adoption, at instant) bool {
	if !c.unpublished || a.own || other.remainingAt(at) <= c.remainingAt(at) {
		return true
	}
	return a.checked < at.since(c.from)
}

// newCopy keeps the draw of the same token: one is made for each.
func (s *Source) newCopy(a adoption, current *localCopy) *localCopy {
	draw := float32(0)
	if current.is(a.token.Fingerprint()) {
		draw = current.draw
	} else {
		draw = float32(s.jitter.draw())
	}
	w := windowOf(s.credential.Window(), a.token.life(), s.cache.isRun(), float64(draw))
	c := newLocalCopy(a.token, a.remaining, a.at, w, draw)
	c.unpublished = a.unpublished
	c.replaced = a.replaced || current.is(a.token.Fingerprint()) && current.replaced
	return c
}

// placeRefresh moves the refresh of the copy to where it belongs now that Run has begun or ended.
// The draw stays: one is made for each token. The caller holds s.mu.
func (s *Source) placeRefresh() {
	c := s.copy.Load()
	if c == nil {
		return
	}
	moved := *c
	moved.window = windowOf(s.credential.Window(), c.token.life(), s.cache.isRun(), float64(c.draw))
	s.copy.Store(&moved)
}
