package wire

import (
	"strings"
	"time"
)

// Events are hints: they may be lost, late, repeated, reordered or forged, and everything
// works without them.
const (
	EventToken     = "T" // the issuer's last word on what is stored: a TokenHint
	EventRejection = "I" // a token was rejected: a RejectionHint
	EventFree      = "F" // the lock was left without a token; a failure, if there was one, is recorded
)

// LongestSealInEvent bounds the seal of an event. Redis copies an event once for each hearer:
// 4,000 copies of 44 KB hold it up for half a second. The event of a larger token has no seal,
// and its hearers look.
const LongestSealInEvent = 4 << 10

// TokenHint is the news of a token: it was stored, has another end now, or was confirmed.
type TokenHint struct {
	Fingerprint string
	Life        time.Duration // what the issuer gave it
	At          TokenTimes
	Sealed      string // empty for a token too large for an event
}

// String is the event without its kind.
func (h TokenHint) String() string {
	words := []string{h.Fingerprint, UnixMillis(h.At.StoredAt), UnixMillis(h.At.CheckedAt), UnixMillis(h.At.EndsAt), Millis(h.Life)}
	if h.Sealed != "" {
		words = append(words, h.Sealed)
	}
	return strings.Join(words, " ")
}

// ParseTokenHint ignores further words, which a later version may send.
func ParseTokenHint(about string) (h TokenHint, ok bool) {
	words := strings.Split(about, " ")
	if len(words) < 5 || words[0] == "" {
		return TokenHint{}, false
	}
	stored, ok1 := parseMoment(words[1])
	checked, ok2 := parseMoment(words[2])
	ends, ok3 := parseMoment(words[3])
	life, ok4 := ExactMillis(words[4])
	if !ok1 || !ok2 || !ok3 || !ok4 || life <= 0 || life > LongestLife {
		return TokenHint{}, false
	}
	h = TokenHint{Fingerprint: words[0], Life: life, At: TokenTimes{stored, checked, ends}}
	if len(words) > 5 {
		h.Sealed = words[5]
	}
	return h, true
}

// Left is how long the token lives at most after h.At.StoredAt.
func (h TokenHint) Left() time.Duration { return min(h.At.EndsAt.Sub(h.At.StoredAt), h.Life) }

// RejectionHint is the news of a rejection.
type RejectionHint struct {
	Fingerprint string
	At          time.Time // by Redis' clock
	Sealed      string
}

// String is the event without its kind.
func (h RejectionHint) String() string {
	return h.Fingerprint + " " + UnixMillis(h.At) + " " + h.Sealed
}

// ParseRejectionHint ignores further words.
func ParseRejectionHint(about string) (h RejectionHint, ok bool) {
	words := strings.Split(about, " ")
	if len(words) < 3 || words[0] == "" {
		return RejectionHint{}, false
	}
	at, ok := parseMoment(words[1])
	return RejectionHint{words[0], at, words[2]}, ok
}

// parseMoment reads a moment of Redis' clock.
func parseMoment(s string) (time.Time, bool) {
	ms, ok := ExactMillis(s)
	return time.UnixMilli(ms.Milliseconds()), ok
}
