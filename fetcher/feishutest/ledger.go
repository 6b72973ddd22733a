package feishutest

import (
	"crypto/rand"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// Pair of tokens that were minted together.
type Pair struct {
	AppID  string // whose it is
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
	if p == nil {
		return 0
	}
	return lookalike.Remaining(p.End, p.Revoked, now)
}

// ledger has an app's rule, and its pair in force. It takes now, waits for
// nothing, and is guarded by the Issuer that owns it.
type ledger struct {
	life, window           time.Duration
	everyCall, keepRevoked bool
	current                *Pair // minted last; nil at first
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

func (l *ledger) mint(appID string, now time.Time) *Pair {
	l.current = &Pair{AppID: appID, App: "a-" + rand.Text(), Tenant: "t-" + rand.Text(), Minted: now, End: now.Add(l.life)}
	return l.current
}

func (l *ledger) hasCurrent(now time.Time) bool { return l.current.remaining(now) > 0 }

// newBook has the pairs of all apps, by either of their strings.
func newBook() *lookalike.Book[Pair] {
	return lookalike.NewBook(
		func(p *Pair) []string { return []string{p.App, p.Tenant} },
		func(p *Pair) time.Time { return p.End },
	)
}

// revoke reports whether p was valid until now.
func (p *Pair) revoke(now time.Time) bool {
	if p.remaining(now) == 0 {
		return false
	}
	p.Revoked = now
	return true
}

// wholeSeconds is `expire`: what is left of p's life, revoked or not.
func wholeSeconds(p *Pair, now time.Time) int { return int(p.End.Sub(now) / time.Second) }
