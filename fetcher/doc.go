// Package fetcher asks issuers for tokens, so that a tokencache.Cache has
// something to share. It knows one issuer, [Feishu]: the app access token of a
// self-built Feishu or Lark app.
//
// A call of [Feishu.Fetch] reads downward through the files:
//
//  1. feishu.go sends the one request, through internal/call, which has what all
//     fetchers decide alike. It is never sent twice: pacing and repeating are the
//     Cache's business, and a redirect is not followed, because a 307 would carry
//     the app secret elsewhere.
//  2. answer.go reads the bounded answer, whatever its HTTP status, and (but for a redirect) either
//     makes a token of it or finds what is wrong with it.
//  3. codes.go says what a code of the issuer means, and what a person should
//     do about it; internal/call judges an answer without a code by its HTTP
//     status, and reads how long a rate limit lasts.
//
// Every failure is a *tokencache.IssuerError:
//
//	what happened                               Class         Local
//	no answer: DNS, TLS, refused, time-out      transient     yes
//	answer broke off                            transient     no
//	code of the issuer                          see codes.go  address not allowed: yes
//	code nobody has documented                  unknown       no
//	code 0, but no token                        transient     no
//	without a code:
//	  HTTP 3xx, 404, 405, 410                   permanent     no
//	  HTTP 408, 425                             transient     no
//	  other HTTP below 500                      unknown       proxy wants a password: yes
//	  HTTP 5xx                                  transient     no
//
// HTTP 429 is rate limited, unless the answer has a token, or a code for which
// the fleet waits longer: a used-up quota, or what needs a person.
//
// No error holds the app secret, a token, a URL or the issuer's answer, save
// its message and log id: both bounded, of printable characters, and without
// the app secret should the issuer ever repeat it.
//
// Package oauth2cc asks OAuth 2 servers. Package bearer calls business APIs with
// the token; packages feishutest and oauth2test have issuers to test against.
// docs/fetcher.md shows how to write a Fetcher for another issuer, and the example
// below is its code.
package fetcher
