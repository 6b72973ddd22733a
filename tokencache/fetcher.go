package tokencache

import "context"

// A Fetcher asks an issuer for a token: one attempt, no retries, no cache of
// its own; pacing is the Cache's business. Implementations must be safe for
// concurrent use.
//
// The contract that the rest stands on: minting a token does not end the ones
// minted before. A second, accidental call must be harmless.
type Fetcher interface {
	// Credential tells whose token this is. It must not change between calls.
	Credential() Credential
	// Fetch makes the call. A refusal is an *IssuerError; anything else counts
	// as transient. The message of either is told to the whole fleet and logged:
	// no secret in it. Fetch should return soon after ctx ends; if it does not,
	// the Cache leaves it behind.
	Fetch(ctx context.Context) (Token, error)
}

// FetchFunc makes a Fetcher of a function, which is bound by what [Fetcher] says of Fetch. If it
// is nil, or the Credential the zero one, every method of the Source says so.
func FetchFunc(credential Credential, fetch func(context.Context) (Token, error)) Fetcher {
	return fetchFunc{credential, fetch}
}

type fetchFunc struct {
	credential Credential
	fetch      func(context.Context) (Token, error)
}

func (f fetchFunc) Credential() Credential                   { return f.credential }
func (f fetchFunc) Fetch(ctx context.Context) (Token, error) { return f.fetch(ctx) }
