// Package oauth2test has an issuer that speaks OAuth 2, grant type client credentials (RFC 6749 4.4),
// for tests and for trying things out without an account anywhere.
//
// It mints at every call, as such issuers do, and keeps the tokens that it minted before valid until
// their own end. Within a test it needs no socket, and then works in a testing/synctest bubble too,
// where a day passes in a moment:
//
//	issuer := oauth2test.New(oauth2test.Config{})
//	client := &http.Client{Transport: issuer.RoundTripper()}
//
// It is an http.Handler as well, for httptest.NewServer or a process. It serves:
//
//	POST /token                                   the token endpoint
//	*    /api                                     a protected API, by any method: says whose token it got, and what body
//	GET  /.well-known/oauth-authorization-server  where these are (RFC 8414)
//	GET  /.well-known/openid-configuration        the same, for clients that look there
//	GET  /jwks                                    no keys: tokens are opaque
//	POST /_revoke                                 ends the valid tokens of ?client_id=, or of all clients
//	GET  /_stats                                  Stats as JSON
//
// Everything else is a 404 in plain text.
//
// # The token endpoint
//
// A client states its id and secret by HTTP Basic, each form-urlencoded first (RFC 6749 2.3.1), or in
// the body; [Client] says what it may ask for: scope, audience (as Auth0 has it, up to one), resource
// (RFC 8707, any number). Further parameters are ignored, and those without a value count as left out. It refuses:
//
//	error                    HTTP  when
//	invalid_client           401   no such client, or another secret, or by a way that the client may not use; with
//	                               WWW-Authenticate if it came with an Authorization header
//	invalid_request          400   no form; a parameter twice, in the URL, or missing; id and secret in two ways at once
//	unsupported_grant_type   400   another than client_credentials
//	unauthorized_client      400   Client.Unauthorized
//	invalid_scope            400   a scope that is malformed or not the client's
//	invalid_target           400   an audience or resource that is not the client's (RFC 8707, RFC 8693)
//
// A request that nobody may make is refused first, then a client that is not one, then the rest in this
// order. Every answer of this endpoint forbids caches to store it.
//
// # The protected API
//
// It takes any valid token, and answers in JSON: client_id, scope and audience of the token, and size and
// SHA-256 of the body that it was sent. With ?scope=read it wants a token of that scope. Challenges are those of RFC 6750:
//
//	HTTP  WWW-Authenticate: Bearer realm="oauth2test"        when
//	401                                                      no token was sent
//	401   ... error="invalid_token"                          it is not, or no longer, valid
//	403   ... error="insufficient_scope", scope="read"       it is valid, but has not that scope
//
// With ?bare=true a 401 comes without WWW-Authenticate, as from many an API that cares little.
//
// # When a call is decided
//
// As in package feishutest: a call waits for the latency, and is then decided, whether or not its client
// is still there. [Config.OnRequest] tells of a call that has arrived and is not yet decided.
//
// # Faults
//
// [Issuer.FailNext] and [Issuer.SetFault] make the token endpoint misbehave, [Issuer.FailNextAPI] and
// [Issuer.SetAPIFault] the API: see [Fault]. [Issuer.Revoke] ends a token early.
//
// # Checking afterwards
//
// [Issuer.Calls] and [Issuer.Tokens] are a record of every call and every token, with times, for tests that check what
// went on.
package oauth2test
