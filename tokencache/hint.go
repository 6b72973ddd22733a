package tokencache

import (
	"strings"
	"time"
)

// Events are hints: they may be lost, late, repeated, reordered or forged, and everything
// works without them. docs/interop.md has their format.
const (
	eventToken     = "T" // the issuer's last word on what is stored: a tokenHint
	eventRejection = "I" // a token was rejected: a rejectionHint
	eventFree      = "F" // the lock was left without a token; a failure, if there was one, is recorded
)

// longestSealInEvent bounds the seal of an event. Redis copies an event once for each hearer:
// 4,000 copies of 44 KB hold it up for half a second. The event of a larger token has no seal,
// and its hearers look.
const longestSealInEvent = 4 << 10

// tokenHint is the news of a token: it was stored, has another end now, or was confirmed.
type tokenHint struct {
	fingerprint string
	life        time.Duration // what the issuer gave it
	at          tokenTimes
	sealed      string // empty for a token too large for an event
}

func (h tokenHint) String() string {
	words := []string{h.fingerprint, unixMillis(h.at.storedAt), unixMillis(h.at.checkedAt), unixMillis(h.at.endsAt), millis(h.life)}
	if h.sealed != "" {
		words = append(words, h.sealed)
	}
	return strings.Join(words, " ")
}

// parseTokenHint ignores further words, which a later version may send.
func parseTokenHint(about string) (h tokenHint, ok bool) {
	words := strings.Split(about, " ")
	if len(words) < 5 || words[0] == "" {
		return tokenHint{}, false
	}
	stored, ok1 := parseMoment(words[1])
	checked, ok2 := parseMoment(words[2])
	ends, ok3 := parseMoment(words[3])
	life, ok4 := exactMillis(words[4])
	if !ok1 || !ok2 || !ok3 || !ok4 || life <= 0 || life > longestLife {
		return tokenHint{}, false
	}
	h = tokenHint{fingerprint: words[0], life: life, at: tokenTimes{stored, checked, ends}}
	if len(words) > 5 {
		h.sealed = words[5]
	}
	return h, true
}

// left is how long the token lives at most after h.at.storedAt.
func (h tokenHint) left() time.Duration { return min(h.at.endsAt.Sub(h.at.storedAt), h.life) }

// rejectionHint is the news of a rejection.
type rejectionHint struct {
	fingerprint string
	at          time.Time // by Redis' clock
	sealed      string
}

func (h rejectionHint) String() string {
	return h.fingerprint + " " + unixMillis(h.at) + " " + h.sealed
}

func parseRejectionHint(about string) (h rejectionHint, ok bool) {
	words := strings.Split(about, " ")
	if len(words) < 3 || words[0] == "" {
		return rejectionHint{}, false
	}
	at, ok := parseMoment(words[1])
	return rejectionHint{words[0], at, words[2]}, ok
}

// parseMoment reads a moment of Redis' clock.
func parseMoment(s string) (time.Time, bool) {
	ms, ok := exactMillis(s)
	return time.UnixMilli(ms.Milliseconds()), ok
}
