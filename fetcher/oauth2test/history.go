package oauth2test

import (
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// Stats counts what the token endpoint has done.
type Stats struct {
	// Calls that were answered with a token. An answer counts once it is
	// given, whether or not its client was still there.
	Calls int `json:"calls"`
	// Minted is how many tokens were minted, by calls or by Mint.
	Minted int `json:"minted"`
	// Refused is how many calls got anything else: refusals and faults.
	Refused int `json:"refused"`
}

// Stats returns the counts so far.
func (i *Issuer) Stats() Stats {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.stats
}

// Call of the token endpoint, as the issuer saw it.
type Call struct {
	// ClientID that the call named; "" if it is none of the issuer's.
	ClientID string
	// Auth is how it stated id and secret; "" if it did not.
	Auth AuthMethod
	// Scope, Audience and Resources as it asked for them.
	Scope, Audience string
	Resources       []string
	// Arrived is before the latency, Answered after it.
	Arrived, Answered time.Time
	// Token that it was answered with, "" if with none.
	Token string
	// ExpiresIn is the life of that token, also if a fault said another.
	ExpiresIn time.Duration
	// Minted tells that a token was minted. With a fault after the fact, such
	// as LostReply, it may have been although Token is "".
	Minted bool
	// Status of the answer; 0 if there was none.
	Status int
	// Error is its error code, "" with a token.
	Error string
	// Fault that spoiled the answer; "" if none did.
	Fault string
}

// Granted reports whether the call was answered with a token.
func (c Call) Granted() bool { return c.Token != "" }

// Calls returns a copy of the record of all decided calls, oldest first; of
// more than 65,536, only the later ones.
func (i *Issuer) Calls() []Call {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.journal.All()
}

// record counts a decided call; i.mu is held.
func (i *Issuer) record(c Call) {
	i.journal.Add(c)
	if c.Granted() {
		i.stats.Calls++
	} else {
		i.stats.Refused++
	}
}

// Token that was minted.
type Token struct {
	Value           string // the access token
	ClientID        string // whose it is
	Scope, Audience string // of it; "" if it has none
	Resources       []string
	Minted          time.Time
	// End of its life, the first moment at which it is no longer valid.
	End time.Time
	// Revoked is when it was revoked; zero if it was not.
	Revoked time.Time
}

// Tokens returns a copy of all tokens, oldest first; of more than 65,536, the
// later ones and those that live.
func (i *Issuer) Tokens() []Token {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.book.All()
}

func newBook() *lookalike.Book[Token] {
	return lookalike.NewBook(
		func(t *Token) []string { return []string{t.Value} },
		func(t *Token) time.Time { return t.End },
	)
}

// remaining life by the issuer's clock; 0 if t is revoked or nil.
func (t *Token) remaining(now time.Time) time.Duration {
	if t == nil {
		return 0
	}
	return lookalike.Remaining(t.End, t.Revoked, now)
}

// revoke reports whether t was valid until now.
func (t *Token) revoke(now time.Time) bool {
	if t.remaining(now) == 0 {
		return false
	}
	t.Revoked = now
	return true
}
