package feishutest

import (
	"slices"
	"time"
)

// Stats counts what the token endpoints have done.
type Stats struct {
	// Calls that were answered with a token. An answer counts once it is
	// given, whether or not its client was still there.
	Calls int `json:"calls"`
	// Rotations is how many pairs were minted, by calls or by hand.
	Rotations int `json:"rotations"`
	// Refused is how many calls got anything else: refusals and faults.
	Refused int `json:"refused"`
}

// add counts a decided call.
func (s *Stats) add(c Call) {
	if c.Granted() {
		s.Calls++
	} else {
		s.Refused++
	}
}

// Stats returns the counts so far, of all apps, and of calls that named none of them.
func (i *Issuer) Stats() Stats {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.stats
}

// Stats returns the counts of the app.
func (a *App) Stats() Stats {
	a.issuer.mu.Lock()
	defer a.issuer.mu.Unlock()
	return a.stats
}

// Call of a token endpoint, as the issuer saw it.
type Call struct {
	// AppID that the call named; "" if it is none of the issuer's.
	AppID string
	// Arrived is before the latency, Answered after it.
	Arrived, Answered time.Time
	// Remaining life of the app's current pair when the call arrived: a client
	// that knows the rule calls with less than the window left. 0 if there was
	// none, or a revoked one.
	Remaining time.Duration
	// App and Tenant are the tokens it was answered with, "" if with none.
	// [TenantTokenPath] answers without the app access token.
	App, Tenant string
	// Expire as it was answered.
	Expire time.Duration
	// Minted tells that the call rotated the token. With a fault after the
	// fact, such as LostReply, it may have done so although App is "".
	Minted bool
	// Code of the answer, if the issuer gave one: 0 with a token.
	Code int
	// Fault that spoiled the answer; "" if none did.
	Fault string
}

// Granted reports whether the call was answered with a token.
func (c Call) Granted() bool { return c.App != "" || c.Tenant != "" }

// Calls returns a copy of the record of all decided calls, oldest first; of
// more than 65,536, only the later ones.
func (i *Issuer) Calls() []Call {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.journal.All()
}

// Calls returns those of Issuer.Calls that named the app.
func (a *App) Calls() []Call {
	return slices.DeleteFunc(a.issuer.Calls(), func(c Call) bool { return c.AppID != a.id })
}

// Pairs returns a copy of all pairs, oldest first; of more than 65,536, the
// later ones and those that live.
func (i *Issuer) Pairs() []Pair {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.book.All()
}

// Pairs returns those of Issuer.Pairs that are the app's.
func (a *App) Pairs() []Pair {
	return slices.DeleteFunc(a.issuer.Pairs(), func(p Pair) bool { return p.AppID != a.id })
}
