package feishutest

import (
	"crypto/rand"
	"time"
)

// Pair of tokens that were minted together.
type Pair struct {
	App    string // app access token
	Tenant string // tenant access token
	Minted time.Time
	// End of its life, the first moment at which it is no longer valid.
	// SetRemaining moves it.
	End time.Time
	// Revoked is when it was revoked; zero if it was not.
	Revoked time.Time
}

// remaining life by the issuer's clock; 0 if p is revoked or nil.
func (p *Pair) remaining(now time.Time) time.Duration {
	if p == nil || !p.Revoked.IsZero() {
		return 0
	}
	return max(p.End.Sub(now), 0)
}

// ledger holds the issuer's tokens and its rule. It takes now, waits for
// nothing, and is guarded by the Issuer that owns it.
type ledger struct {
	life, window           time.Duration
	everyCall, keepRevoked bool
	current                *Pair // minted last; nil at first
	pairs                  []*Pair
	forgetAt               int // how many pairs there may be; 0 means maxRecords
	byToken                map[string]*Pair
}

// due is the rule: does a call now get a new pair?
func (l *ledger) due(now time.Time) bool {
	if l.current == nil || l.everyCall {
		return true
	}
	if !l.current.Revoked.IsZero() && !l.keepRevoked {
		return true
	}
	return l.current.End.Sub(now) < l.window
}

func (l *ledger) mint(now time.Time) *Pair {
	l.forgetEnded(now)
	p := &Pair{App: "a-" + rand.Text(), Tenant: "t-" + rand.Text(), Minted: now, End: now.Add(l.life)}
	l.current = p
	l.pairs = append(l.pairs, p)
	l.byToken[p.App], l.byToken[p.Tenant] = p, p
	return p
}

// forgetEnded bounds the memory of an issuer that runs as a process for long.
// Where too many pairs live, it tries again only at twice their number.
func (l *ledger) forgetEnded(now time.Time) {
	if len(l.pairs) < max(l.forgetAt, maxRecords) {
		return
	}
	var kept []*Pair
	for n, p := range l.pairs {
		if n >= len(l.pairs)/2 || p.End.After(now) {
			kept = append(kept, p)
			continue
		}
		delete(l.byToken, p.App)
		delete(l.byToken, p.Tenant)
	}
	l.pairs, l.forgetAt = kept, 2*len(kept)
}

func (l *ledger) revoke(token string, now time.Time) bool {
	p := l.byToken[token]
	if p.remaining(now) == 0 {
		return false
	}
	p.Revoked = now
	return true
}

func (l *ledger) hasCurrent(now time.Time) bool { return l.current.remaining(now) > 0 }

// wholeSeconds is `expire`: what is left of p's life, revoked or not.
func wholeSeconds(p *Pair, now time.Time) int { return int(p.End.Sub(now) / time.Second) }
