// Package call makes the one call that a fetcher makes of an issuer, and has what all fetchers
// decide alike: how much of an answer is read, what a lack of an answer or an HTTP status means, how
// long a rate limit lasts, and which of others' words are repeated. The connection is internal/transport's.
//
// What an answer says is read by the fetcher of that issuer.
package call
