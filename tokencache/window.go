package tokencache

import "time"

// window says what to do with a token by its remaining life. docs/design.md
// has the picture.
type window struct {
	refresh time.Duration // at or below: a fill is due
	urgent  time.Duration // at or below: the fill may go around a Redis that is down
	dead    time.Duration // at or below: never handed out
}

// windowOf is the whole policy: a pure function of the issuer's window, the
// token's life and one draw from [0, 1), made once per adopted token.
//
// A refresher draws from the first sixtieth of the window and an embedded
// replica from the tenth to the sixth part, so a refresher goes first and
// anyone covers for it without an election. With Feishu (life 2 h, window
// 30 min): a refresher between 29.5 and 29 min before the end, a replica
// between 26.6 and 24.6, urgent in the last 2 min, dead in the last 10 s. The
// three are in order whatever the window: urgent is half of it at most, dead a
// sixth. What lies between these two is the time an issuer has to answer while
// Redis is in trouble: a third of w, or 110 s if that is less.
func windowOf(issuerWindow, life time.Duration, refresher bool, draw float64) window {
	w := span(issuerWindow, life)
	delay := w/10 + time.Duration(draw*float64(w/6-w/10))
	if refresher {
		delay = time.Duration(draw * float64(w/60))
	}
	return window{
		refresh: w - delay,
		urgent:  min(2*time.Minute, w/2),
		dead:    min(10*time.Second, life/50, w/6),
	}
}

// span is how long before its end a token can be replaced: the issuer's window
// less a margin, because an issuer that rounds `expire` down to whole seconds,
// or whose clock drifts, still sees the window closed when we see it open, and
// would hand the same token out again.
func span(issuerWindow, life time.Duration) time.Duration {
	w := issuerWindow
	if w == 0 || life < w {
		w = life / 4
	}
	return w - min(30*time.Second, max(w/4, 1250*time.Millisecond), w/2)
}

// leaseOf is how long a lock outlives a dead holder. It must leave time for
// another to take over within the window of a short-lived token. Life is the
// last one seen, 0 before the first.
func leaseOf(issuerWindow, life time.Duration) time.Duration {
	if life == 0 {
		return longestLease
	}
	return min(longestLease, max(shortestLease, span(issuerWindow, life)/4))
}

// Bounds of a lease; read.lua knows the longer one, too.
const shortestLease, longestLease = 500 * time.Millisecond, 5 * time.Second

// pauseOf is how long the fleet waits before it asks again, after the issuer
// answered within the window with the token everybody already has.
func pauseOf(issuerWindow, life time.Duration) time.Duration {
	w := span(issuerWindow, life)
	return min(time.Minute, max(w/10, min(250*time.Millisecond, w/4)))
}

// phase is where in its life a copy stands.
type phase uint8

const (
	dead   phase = iota // not to be handed out
	urgent              // in the last part of its window
	due                 // in its window
	fresh
)

func (w window) phaseOf(remaining time.Duration) phase {
	switch {
	case remaining <= w.dead:
		return dead
	case remaining <= w.urgent:
		return urgent
	case remaining <= w.refresh:
		return due
	default:
		return fresh
	}
}

// untilNext is how long a phase still lasts: then other rules hold. What is dead
// stays so, for 0.
func (w window) untilNext(remaining time.Duration) time.Duration {
	switch w.phaseOf(remaining) {
	case fresh:
		return remaining - w.refresh
	case due:
		return remaining - w.urgent
	case urgent:
		return remaining - w.dead
	default:
		return 0
	}
}
