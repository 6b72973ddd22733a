package sim

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// app is one credential.
type app struct {
	index  int
	name   string // A, B
	issuer *feishutest.Issuer
	key    string      // of the credential within Redis' keys
	keeps  atomic.Bool // the issuer hands out what it has revoked

	mu      sync.Mutex     // guards below
	numbers map[string]int // by app access token
	pairs   []feishutest.Pair
	prints  map[string]string // by fingerprint
}

// keep has the issuer hand out what it has revoked, or not.
func (a *app) keep(on bool) {
	a.issuer.SetKeepRevoked(on)
	a.keeps.Store(on)
}

// inVain reports whether a call brought nothing that was needed: a token that had been
// given out before, or a new one before the window of the last.
func (a *app) inVain(c feishutest.Call, window time.Duration) bool {
	return c.Granted() && (!c.Minted || c.Remaining >= window)
}

// label names a token without showing it: A2 is the second of app A.
func (a *app) label(token string) string {
	if token == "" {
		return "none"
	}
	n, _ := a.pair(token)
	if n == 0 {
		return a.name + "?"
	}
	return fmt.Sprintf("%s%d", a.name, n)
}

// pair returns the number of a token, from 1, and what the issuer knows of it; 0 for
// one that it never gave out.
func (a *app) pair(token string) (int, feishutest.Pair) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.numbers[token] == 0 {
		a.pairs = a.issuer.Pairs()
		for i, p := range a.pairs {
			a.numbers[p.App] = i + 1
		}
	}
	n := a.numbers[token]
	if n == 0 {
		return 0, feishutest.Pair{}
	}
	return n, a.pairs[n-1]
}

// wasRevoked reports whether the current token of that moment, or the one before it, had
// been revoked. That may be found out late, since a rejection does not count while one
// before it cools.
func (a *app) wasRevoked(at time.Time) bool {
	current, before := false, false
	for _, p := range a.issuer.Pairs() {
		if !p.Minted.After(at) {
			current, before = !p.Revoked.IsZero(), current
		}
	}
	return current || before
}

// byFingerprint finds the token of an event or a record; "" if the issuer never gave it out.
func (a *app) byFingerprint(fp string) string {
	if fp == "" {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if app, known := a.prints[fp]; known {
		return app
	}
	a.prints = map[string]string{}
	for _, p := range a.issuer.Pairs() {
		a.prints[tokencache.NewToken(p.App, p.Tenant, time.Hour).Fingerprint()] = p.App
	}
	return a.prints[fp]
}

// stored is the token of a record's fingerprint, or the fingerprint if the issuer never gave
// one like that; "" if there is none.
func (a *app) stored(fp string) string { return cmp.Or(a.byFingerprint(fp), fp) }

// handedOutAgain reports whether the issuer has answered with a token who asked since.
func (a *app) handedOutAgain(app string, since time.Time) bool {
	for _, c := range a.issuer.Calls() {
		if c.App == app && !c.Arrived.Before(since) {
			return true
		}
	}
	return false
}

// answeredBetween reports whether the issuer has given a token to anybody between the two.
func (a *app) answeredBetween(from, to time.Time) bool {
	return slices.ContainsFunc(a.issuer.Calls(), func(c feishutest.Call) bool {
		return c.Granted() && c.Answered.After(from) && c.Answered.Before(to)
	})
}

// lastCall is the last that the issuer answered with that token; the zero Call if none was.
func (a *app) lastCall(token string) feishutest.Call {
	for _, one := range slices.Backward(a.issuer.Calls()) {
		if one.App == token {
			return one
		}
	}
	return feishutest.Call{}
}
