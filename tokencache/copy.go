package tokencache

import "time"

// localCopy is this process's copy of a token. Immutable: replaced whole.
type localCopy struct {
	token     Token
	from      instant       // when remaining was counted; before it was true, never after
	remaining time.Duration // at from
	freshFor  time.Duration // since from
	draw      float64       // places the refresh within the window
	window    window

	// unpublished marks the fruit of a direct call: Redis does not know it yet.
	unpublished bool
}

func newLocalCopy(tok Token, remaining time.Duration, from instant, w window, draw float64) *localCopy {
	return &localCopy{
		token:     tok.endingAt(from.add(remaining).time()),
		from:      from,
		remaining: remaining,
		freshFor:  remaining - w.refresh,
		draw:      draw,
		window:    w,
	}
}

func (c *localCopy) remainingAt(at instant) time.Duration { return c.remaining - at.since(c.from) }

func (c *localCopy) phaseAt(at instant) phase { return c.window.phaseOf(c.remainingAt(at)) }

// usableAt is false for no copy at all.
func (c *localCopy) usableAt(at instant) bool { return c != nil && c.phaseAt(at) > dead }

// is reports whether c holds the token of that fingerprint.
func (c *localCopy) is(fingerprint string) bool {
	return c != nil && c.token.Fingerprint() == fingerprint
}
