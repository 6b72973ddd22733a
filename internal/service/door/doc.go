// Package door is the token door of the service: an http.Handler that hands out tokens to clients in any
// language, which have neither the secret of a credential nor an address on its issuer's allow list.
//
//	GET  /v1/tokens/{name}         the token of a credential; HEAD as well
//	GET  /v1/tokens/{name}?kind=   where it has several kinds: tenant, which is the default, or app
//	POST /v1/tokens/{name}/reject  that an API has refused it before its end
//	POST /oauth2/token             the same token by OAuth 2 client credentials (RFC 6749, section 4.4)
//
// Who asks is told by package clients: by Bearer secret, certificate or the user id at a unix socket; at
// /oauth2/token by Basic or in the form in place of Bearer.
//
// # A token
//
//	{"access_token":"t-…","token_type":"Bearer","expires_in":6590,"refresh_in":5295,"fingerprint":"9f…","kind":"tenant"}
//
// expires_in is in whole seconds, at least 1, and less than the token lives: it is the time in which the
// service would hand it out, which keeps off its last seconds. refresh_in says when to ask again: by then
// the next token should be there. It is at least 1 and never above expires_in. The fingerprint
// names the token in logs and in a rejection, and is no secret; it is that of the pair where tokens come in pairs.
//
// Who asks for a credential without a token waits for the first one, [Patience] at the longest.
//
// # A rejection
//
// The body is JSON with one of {"access_token":"t-…"} and {"fingerprint":"9f…"}. The answer is 200 and
//
//	{"outcome":"invalidated"}  it was the current token. Ask for the next one
//	{"outcome":"replaced"}     it is not the current token, or not any more: nothing was done. Ask for that one
//	{"outcome":"paced"}        it is current, but the issuer has handed it out again since it was refused a
//	                           moment ago: nothing was done, as asking once more would not help yet
//
// All three are answers to the question and not errors: with a status of an error many an HTTP client would
// repeat by itself what does not help. Only a token that the service or its Redis holds can be rejected:
// no other costs the fleet anything.
//
// # OAuth 2
//
// scope is the name of a credential, or name:kind. Without it the client gets the only credential
// that it has. The answer has access_token, token_type, expires_in and scope. Parameters in the URL, twice,
// or a secret in two places are refused; what is unknown is not read.
//
// # Refusals
//
// They are those of RFC 6749, section 5.2: {"error":"…","error_description":"…"}, of fixed texts.
//
//	400  invalid_request, unsupported_grant_type, invalid_scope
//	401  invalid_client           no client, or a wrong secret, or two
//	403  access_denied            no such credential, or not this client's, or not for this: one text for all
//	403  invalid_request          a browser sent it, from a page of somebody's
//	404, 405, 413, 415            invalid_request: path, method (with Allow), more than 64 KiB, Content-Type
//	421  invalid_request          the Host header names another host
//	429  slow_down                above the client's rate, with Retry-After
//	502  server_error             the issuer refused, and a person has to act
//	503  temporarily_unavailable  no token now, with Retry-After
//
// A 502 or 503 that is the issuer's has issuer, issuer_code, issuer_message and issuer_log_id besides, as
// far as they are known.
//
// # Promised
//
//   - With a token at hand nothing waits: a digest, two look-ups and an encoding.
//   - To everybody who is refused for who he is, or for a credential, the same steps lead to the same
//     text: neither tells what there is.
//   - No refusal has anything of a secret or a token in it, nor has what [Config] Audit is told. The
//     package logs nothing.
//   - No answer may be stored (Cache-Control: no-store), and none has a header of CORS.
//
// # Pages of the web
//
// A page that somebody opens on the same host must not reach the door. A request with an Origin, or with
// a Sec-Fetch-Site of another site, is refused whoever sends it: programs send neither.
//
// Against a name that suddenly means this host (DNS rebinding) the Host header is checked, where the
// connection is plain TCP: it has to be localhost, a loopback address or one of Config.Hosts. At a listener
// beyond loopback any IP address is good too, since rebinding takes a name. With TLS any Host is good: a
// browser that was led here does not accept the certificate. So it is at a unix socket, which no page reaches.
//
// # Reading order
//
// door.go takes a request to its endpoint: tokens.go, reject.go (with refused.go) or oauth.go (with form.go). visit.go
// has the steps that these have in common. Before them stands origin.go, after them refusal.go and
// trouble.go. vault.go is what the package needs of those who hold tokens, handout.go what it makes of
// them, use.go what it tells.
package door
