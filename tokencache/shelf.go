package tokencache

import (
	"sync/atomic"
	"time"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// shelf is what this process holds of a credential: the copy, what it has seen rejected, and what
// orders the two. It is plain data under its Source's mutex, knows no Redis and no fill, and
// returns what has happened: its owner tells those whom it concerns.
type shelf struct {
	copy   *atomic.Pointer[localCopy] // the Source's, as Get reads it without the mutex
	window time.Duration              // the issuer's
	jitter *jitter

	numbers  uint64 // see rejections
	rejected rejections
	anchor   anchor        // of the last look
	lastWord issuersWord   // the issuer's, on the copy
	lastLife time.Duration // of the last adopted token
	heard    uint64        // counts adoptions from events
}

// nextNumber is taken by every question and by every rejection.
func (s *shelf) nextNumber() uint64 {
	s.numbers++
	return s.numbers
}

// usable returns the copy if it can be handed out, else nil.
func (s *shelf) usable(at instant) *localCopy {
	if c := s.copy.Load(); c.usableAt(at) {
		return c
	}
	return nil
}

// taken is what became of an adoption.
type taken struct {
	usable  bool       // there is a usable copy now, this or another
	stored  *localCopy // nil if the copy is the one that it was
	another bool       // and is of another token than before
	ended   bool       // the copy could be handed out until now: the issuer has said that it is over
}

// take makes a the copy, unless it was rejected after it was asked for, or the copy at hand lives
// longer and may still be what the others have. A refresher has Run active.
func (s *shelf) take(a adoption, refresher bool, at instant) taken {
	fp, current := a.token.Fingerprint(), s.copy.Load()
	a.epoch = s.anchor.epoch
	a.redisNow = a.redisNow.Add(at.since(a.at)) // a rejection of since then may have overtaken a
	if s.rejected.forbid(fp, a) {
		return taken{usable: current.usableAt(at)}
	}
	c, word := s.newCopy(a, current, refresher), a.word()
	if !c.usableAt(at) && !s.endsCopy(current, c, a, at) || !s.mayReplace(current, c, a, at) {
		return taken{usable: current.usableAt(at)}
	}
	if !current.is(fp) || word.isAfter(s.lastWord, 0) {
		s.lastWord = word
	}
	s.copy.Store(c)
	if !c.usableAt(at) {
		return taken{ended: current.usableAt(at)}
	}
	s.lastLife = a.token.life()
	return taken{usable: true, stored: c, another: !current.is(fp)}
}

// newCopy keeps the draw of the same token: one is made for each.
func (s *shelf) newCopy(a adoption, current *localCopy, refresher bool) *localCopy {
	same := current.is(a.token.Fingerprint())
	draw := float32(0)
	if same {
		draw = current.draw
	} else {
		draw = float32(s.jitter.draw())
	}
	c := newLocalCopy(a.token, a.remaining, a.at, windowOf(s.window, a.token.life(), refresher, float64(draw)), draw)
	c.unpublished = a.unpublished
	c.replaced = a.replaced || same && current.replaced
	return c
}

// endsCopy reports whether c is made of a later word a of the issuer's on the copy, and of a shorter one:
// that counts also if it leaves nothing that could be handed out. Neither the same word ends a copy, of
// which Redis lets less stand, nor one that confirms its end: what of a token is never handed out goes by
// the life that the issuer gave it, so a copy of its last seconds may be good where Redis' record is not.
func (s *shelf) endsCopy(current, c *localCopy, a adoption, at instant) bool {
	tolerance := sameEnd
	if a.own {
		tolerance = 0
	}
	return current.is(a.token.Fingerprint()) && a.word().isAfter(s.lastWord, tolerance) && current.remainingAt(at)-c.remainingAt(at) > sameEnd
}

// mayReplace reports whether c, made of a, may take the place of the current copy.
func (s *shelf) mayReplace(current, c *localCopy, a adoption, at instant) bool {
	if current.is(a.token.Fingerprint()) {
		return !s.knowsLater(current, c, a, at) && (!current.usableAt(at) || current.yieldsTo(c, a, at))
	}
	return !current.usableAt(at) || current.remainingAt(at) < c.remainingAt(at) || s.succeeds(current, c, a, at)
}

// knowsLater reports whether the issuer's word that c was made of is older than the one this process
// has on the same token: a failover of Redis or somebody has brought the older back, or events have
// overtaken each other. If no clock of Redis' dates both, the older word has to promise more as well.
func (s *shelf) knowsLater(current, c *localCopy, a adoption, at instant) bool {
	if a.own || !s.lastWord.isAfter(a.word(), sameEnd) {
		return false
	}
	return s.lastWord.sameClock(a.word()) || c.remainingAt(at)-current.remainingAt(at) > sameEnd
}

// succeeds reports whether Redis holds c, made of a, where it held the copy, though the copy lives
// longer by more than two looks may differ. No token makes way for a shorter one in Redis, so the
// copy was rejected or lost there. The issuer has to have been asked for a later than for the
// copy, by one clock: else a failover of Redis may have brought a back.
func (s *shelf) succeeds(current, c *localCopy, a adoption, at instant) bool {
	if !a.inRedis || current.unpublished || current.remainingAt(at)-c.remainingAt(at) <= sameEnd {
		return false
	}
	return a.word().sameClock(s.lastWord) && a.word().isAfter(s.lastWord, 0)
}

// sameEnd is how far apart two ends of one token may be: `expire` has whole seconds, and
// an event takes its time.
const sameEnd = 2 * time.Second

// believe makes an adoption of an event's token. It refuses without an anchor, and if the times do
// not agree with the anchor: then a look decides. What is left of the token is the least that the
// event and the anchor allow.
func (s *shelf) believe(h wire.TokenHint, tok Token, number uint64, at instant) (a adoption, ok bool) {
	margin := windowOf(s.window, h.Life, false, 0).dead
	if !s.anchor.agrees(h.At.StoredAt, at, margin) || !h.At.StoredAt.After(s.anchor.redis) {
		return adoption{}, false
	}
	return adoption{
		token:     tok,
		remaining: min(h.Left(), -s.anchor.since(h.At.EndsAt, at)),
		at:        at,
		asked:     number,
		checked:   max(0, s.anchor.since(h.At.CheckedAt, at)),
		checkedAt: h.At.CheckedAt,
		redisNow:  s.anchor.redisAt(at).Add(mostAhead), // not StoredAt: it may be late
	}, true
}

// knows reports whether this process has heard h before, or sent it.
func (s *shelf) knows(h wire.TokenHint) bool {
	return s.copy.Load().is(h.Fingerprint) && s.lastWord.redis.Equal(h.At.CheckedAt)
}

// reject notes a rejection by this process, and returns the copy if it was that token, and is not
// any more. ErrCoolDown: it stays.
func (s *shelf) reject(fp string, at instant) (dropped *localCopy, err error) {
	c := s.copy.Load()
	if s.rejected.cooling(fp, at) {
		if c.is(fp) {
			return nil, ErrCoolDown
		}
		return nil, nil // a repetition
	}
	s.rejections().add(fp, rejection{number: s.nextNumber(), stored: c.is(fp) && !c.unpublished}, at)
	return s.drop(fp), nil
}

// hearRejection notes what an event tells, and returns the copy if that dropped it: if the
// rejection is later than the issuer's last word on it.
func (s *shelf) hearRejection(h wire.RejectionHint, at instant) (dropped *localCopy) {
	switch {
	case s.rejected[h.Fingerprint].hasHeard(h.At): // what was adopted since is allowed to be
		return nil
	case !s.anchor.foretells(h.At, at, -sameClock, mostAhead):
		// It is late, was dated by another clock, or is told again by who has kept the event: only
		// a look can tell whether the token was handed out since. It is no reason to believe that
		// Redis knows what this process has rejected, nor for a cool-down.
		s.rejections().addLate(h, s.nextNumber(), s.anchor.since(h.At, at) >= 0, s.anchor.epoch, at)
		return s.drop(h.Fingerprint)
	case s.hasOvertaken(h):
		return nil
	}
	return s.rejectedElsewhere(h.Fingerprint, h.At, at)
}

// hasOvertaken reports whether the copy is the rejected token, as the issuer has handed it out
// again since.
func (s *shelf) hasOvertaken(h wire.RejectionHint) bool {
	return s.copy.Load().is(h.Fingerprint) && s.lastWord.epoch == s.anchor.epoch && s.lastWord.redis.After(h.At)
}

// rejectedElsewhere notes that others have rejected a token, at a time of Redis' clock, which is
// zero if it is not known. It returns the copy if that dropped it.
func (s *shelf) rejectedElsewhere(fp string, redis time.Time, at instant) (dropped *localCopy) {
	s.rejections().add(fp, rejection{number: s.nextNumber(), told: true, redis: redis, epoch: s.anchor.epoch}, at)
	return s.drop(fp)
}

// hasNews reports whether there is anything that Redis has not heard.
func (s *shelf) hasNews(at instant) bool {
	c := s.usable(at)
	return c != nil && c.unpublished || len(s.rejected.pending(at)) > 0
}

// rejections are those, to be added to: most credentials never have one.
func (s *shelf) rejections() rejections {
	if s.rejected == nil {
		s.rejected = make(rejections)
	}
	return s.rejected
}

// knowsRejected reports whether this process has seen the token rejected. If it has a copy all the
// same, the issuer has handed it out again since.
func (s *shelf) knowsRejected(fp string) bool {
	_, known := s.rejected[fp]
	return known
}

// drop lets go of the copy if it is the token of that fingerprint, and then returns it.
func (s *shelf) drop(fp string) (dropped *localCopy) {
	c := s.copy.Load()
	if !c.is(fp) {
		return nil
	}
	s.copy.Store(nil)
	return c
}

// published notes that Redis knows the copy c, if there is one, or a better token.
func (s *shelf) published(c *localCopy) {
	current := s.copy.Load()
	if c == nil || !c.unpublished || !current.is(c.token.Fingerprint()) || current.from != c.from {
		return // another, or another end of it, was adopted meanwhile
	}
	known := *current // Run may have moved its refresh
	known.unpublished = false
	s.copy.Store(&known)
}

// placeRefresh moves the refresh of the copy to where it belongs now that Run has begun or ended.
// The draw stays: one is made for each token.
func (s *shelf) placeRefresh(refresher bool) {
	c := s.copy.Load()
	if c == nil {
		return
	}
	moved := *c
	moved.window = windowOf(s.window, c.token.life(), refresher, float64(c.draw))
	s.copy.Store(&moved)
}
