// Package gateway is the door of the service for SDKs: an http.Handler that looks like Feishu's and Lark's open platform
// to a program, which has a client's secret in the place of the app's, and neither the app's secret nor its tokens.
//
//	POST /open-apis/auth/v3/tenant_access_token/internal   a stand-in for the tenant access token
//	POST /open-apis/auth/v3/app_access_token/internal      the same, and one for the app access token
//	*    /open-apis/...                                    passed on, with the token in the stand-in's place
//
// These are passed on with the app's secret in the place of the client's:
//
//	POST /callback/ws/endpoint                 needs ws in the client's may
//	POST /open-apis/auth/v3/app_ticket/resend  needs ws
//	POST /open-apis/authen/v2/oauth/token      needs user_login, as do the endpoints of authen/v1 that give users' tokens
//
// # A stand-in
//
// It says which client may have which kind of token of which credential, until when, and is sealed with a key that
// follows from the client's secret: see standin.go. The service keeps nothing of it, so that every service of a fleet
// with the same clients takes it. It lives for 30 min to 2 h, whatever becomes of the token behind it, and dies with
// its client, with the secret that it was got by, with the grant, or when the credential comes to mean another app. Its
// loss is that of a client's right for so long: treat it as a token.
//
// # A call
//
//  1. plainPath (path.go) refuses what is no path under one host, or one that two servers might read in two ways.
//  2. callFor (call.go) finds the client by the stand-in, and asks the vault for the app with its token.
//  3. forward (forward.go) has httputil.ReverseProxy send the request to the app's base URL: rewrite makes the address,
//     and drops what must not go on.
//  4. Package fetcher/bearer puts in the token. If the API rejects that, the fleet is told, and the call is sent once
//     more, with the next token, if its body had 1 MiB or less. So what SDKs do themselves after a rejection is not
//     needed, and does no harm.
//
// # Refusals
//
// They have the API's form, {"code":…,"msg":…}, and its codes where it has one: 10014 (with status 200) for a secret that
// is no client's or an app that is not granted to it (1000040345 for ws, 20002 with 400 at the sign-in), 10003 (200)
// for a malformed request of a token, 99991661 (400) without a token, 99991671 (400) with a malformed one, 99991663 (400) for a
// token that is no stand-in, or a dead one, 99991400 (429) above the client's rate. A code that is an HTTP status is the
// gateway's own:
//
//	400  a path, or a body, that cannot be read in one way, or did not arrive whole
//	403  the client may not: ws (with status 200: SDKs repeat any other for ever), user_login; or a token endpoint that is
//	     not served
//	404, 405
//	502  the issuer refuses the app, and a person has to act; or the API did not answer
//	503  no token now, with Retry-After
//
// # Promised
//
//   - Nothing but the base URLs of credentials is ever reached. Redirects are passed on, and never followed.
//   - The app's secret goes to its base URL alone, and its tokens too. No answer of the gateway's own has either.
//   - Bodies, downloads, events and WebSockets pass while they come: not more than 1 MiB of a request's body is kept, and
//     256 MiB of all, so that it can be sent once more. Cookies and trailers do not pass in either direction.
//   - One client has 2,000 requests under way at most. What the log is told of an error has no text of a request or an answer.
//   - A right that a reload takes away is gone at once: also for a request whose body is still coming to the gateway, or that
//     waits for a token. What was sent to the API goes on.
//
// # Not promised
//
// Answers are not searched: an API that echoes the headers it got would show the token. Feishu's and Lark's have none
// that is known.
//
// The answer of /callback/ws/endpoint has the address of a long connection and a ticket to it, which leads past the
// gateway; that of a sign-in has a user's token. So both have to be allowed.
//
// # Reading order
//
// gateway.go takes a request to its endpoint, which path.go finds: issue.go, call.go or secret.go. These end in forward.go
// or in a refusal (refusal.go); upstream.go is where calls go. standin.go is what clients hold, unread.go how a body ends that
// nobody waited for, bounds.go what clients can make the gateway hold, cause.go what is said of errors. config.go and vault.go are what the package needs, use.go what it tells.
package gateway
