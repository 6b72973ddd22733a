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

	// unpublished: Redis does not know it yet, as it was got around Redis, or could not be published.
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

// yieldsTo reports whether the copy c gives way to other, made of the adoption a of the same
// token: not if the issuer has told us since, around Redis, that the token ends earlier.
func (c *localCopy) yieldsTo(other *localCopy, a adoption, at instant) bool {
	if !c.unpublished || a.own || other.remainingAt(at) <= c.remainingAt(at) {
		return true
	}
	return a.checked < at.since(c.from)
}
