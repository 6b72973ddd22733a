package oauth2cc

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher/internal/call"
	"github.com/onetoken-go/onetoken/tokencache"
)

// meaning of an error code: a verdict, and whether the way in which id and secret are sent may be its
// cause.
type meaning struct {
	call.Verdict
	howSent bool
}

// of is the verdict on a client that sends them so: the advice goes on with the other way.
func (m meaning) of(auth Auth) call.Verdict {
	if m.howSent {
		m.Advice += orSent(auth)
	}
	return m.Verdict
}

// orSent is the end of an advice.
func orSent(auth Auth) string {
	other := "in the body"
	if auth == Body {
		other = "by HTTP Basic"
	}
	return ", and whether the server wants id and secret " + other
}

var (
	wrongClient = meaning{call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "client authentication failed",
		Advice:  "check the client id and the client secret, whether the secret has expired",
	}, true}
	notAllowed = meaning{Verdict: call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "the client may not do this",
		Advice:  "check the client secret, and whether the server lets this client use client credentials, for this audience and these scopes",
	}}
	wrongScope = meaning{Verdict: call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "a scope is unknown, malformed, or not for this client",
		Advice:  "check the scopes against those that the server lets this client have",
	}}
	wrongTarget = meaning{Verdict: call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "the resource or audience is unknown, malformed, or not for this client",
		Advice:  "check the resource and the audience against those that the server lets this client have",
	}}
	wrongGrant = meaning{Verdict: call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "the server does not take client credentials here",
		Advice:  "check the token URL, and whether client credentials are enabled at the server",
	}}
	wrongRequest = meaning{call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "the request lacks something, or has something twice",
		Advice:  "check what this server wants besides: scopes, audience, resource or further pairs",
	}, true}
	wantsProof = meaning{Verdict: call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "the server wants a proof of possession with each request (DPoP)",
		Advice:  notBearer.Advice,
	}}
	notHere = meaning{Verdict: call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "this address wants a token, as an API does",
		Advice:  "check the token URL: a server that gives tokens does not answer so",
	}}
	tryLater = meaning{Verdict: call.Verdict{Meaning: "the server cannot answer now"}}
	limited  = meaning{Verdict: call.RateLimited}
	unknown  = call.Verdict{
		Class:   tokencache.ClassUnknown,
		Meaning: "a code without a description",
		Advice:  "look the code up in the server's documentation, or give its support the log id",
	}
)

// codes is every error that has a meaning for client credentials: those of RFC 6749, sections 5.2 and
// 4.1.2.1 (access_denied, server_error and temporarily_unavailable, which token endpoints send as
// well), RFC 8707 (invalid_target), RFC 8628 (slow_down), RFC 9449 (DPoP), RFC 6750 (of APIs), and what
// servers document besides.
var codes = map[string]meaning{
	"invalid_client":         wrongClient,
	"unauthorized":           wrongClient, // Cloud Foundry's UAA
	"unauthorized_client":    notAllowed,  // Keycloak: also a wrong secret
	"access_denied":          notAllowed,  // Auth0: also a wrong secret
	"invalid_grant":          notAllowed,
	"invalid_scope":          wrongScope,
	"invalid_target":         wrongTarget,
	"invalid_resource":       wrongTarget, // Entra, AD FS
	"unsupported_grant_type": wrongGrant,
	"invalid_request":        wrongRequest,

	"invalid_dpop_proof": wantsProof,
	"use_dpop_nonce":     wantsProof,
	"invalid_token":      notHere,
	"insufficient_scope": notHere,

	"temporarily_unavailable": tryLater,
	"server_error":            tryLater,
	"slow_down":               tryLater,

	"too_many_requests": limited, // Auth0
	"E0000047":          limited, // Okta

	apigeeWrongID: wrongClient,
}

// apigeeWrongID comes with whatever status a gateway of Apigee's sets, 500 among them, as if it passed.
//
// Source: https://docs.apigee.com/api-platform/reference/policies/oauth-http-status-code-reference.
const apigeeWrongID = "oauth.v2.InvalidClientIdentifier"

// verdictOf judges an error by its code; one that nobody has documented by the HTTP status if that
// says something, as a server in trouble, or one that is not there, names that as it likes. auth is how
// id and secret were sent.
func verdictOf(c *call.Caller, auth Auth, code string, status int) call.Verdict {
	known, ok := codes[code]
	if status == http.StatusUnauthorized { // by the standard of nothing but the id and the secret
		v := wrongClient.of(auth)
		switch {
		case code == "invalid_request": // Apigee, of a wrong id
			return v
		case !ok, known.Class == tokencache.ClassTransient: // ServiceNow, of a wrong secret: server_error
			v.Class = tokencache.ClassUnknown
			return v
		}
	}
	if status == http.StatusTooManyRequests && !slices.Contains(aboutClient, code) { // whatever it is called
		return call.Verdict{Class: tokencache.ClassRateLimited, Meaning: cmp.Or(known.Meaning, unknown.Meaning)}
	}
	if ok {
		return known.of(auth)
	}
	v := c.OfStatus(status)
	if v.Class == tokencache.ClassUnknown && !v.Local {
		return unknown
	}
	v.Meaning = cmp.Or(v.Meaning, unknown.Meaning)
	return v
}

// aboutClient are codes of a client that is not let in, which no waiting mends.
var aboutClient = []string{"invalid_client", "unauthorized", "unauthorized_client"}

// ErrorCode returns the code of the server's error, such as "invalid_client", also of an error that
// another process met and that came through Redis; "" if err is none of this package's, or has no
// code: the server did not answer, or not as OAuth 2 has it.
func ErrorCode(err error) string {
	e, ok := errors.AsType[*tokencache.IssuerError](err)
	if !ok || e == nil || e.Issuer != issuerName {
		return ""
	}
	code, _, found := strings.Cut(e.Message, ": ")
	if !found || e.Status == 0 || !call.IsWord(code) {
		return ""
	}
	return code
}

// RejectsSecret reports whether the server rejects, by this error, the client id or the client secret,
// or may do so: then a secret from a file is worth reading again. That is the code invalid_client, or
// Apigee's for it, and HTTP 401, unless a code says that it is about something else: of a wrong secret Auth0 says
// access_denied, Keycloak unauthorized_client, and a gateway before the server often nothing.
func RejectsSecret(err error) bool {
	e, ok := errors.AsType[*tokencache.IssuerError](err)
	if !ok || e == nil || e.Issuer != issuerName {
		return false
	}
	switch code := ErrorCode(err); {
	case code == "invalid_client", code == apigeeWrongID:
		return true
	case e.Status != http.StatusUnauthorized:
		return false
	default:
		return !slices.Contains(aboutElse, code)
	}
}

// aboutElse are codes that tell of something besides the id and the secret, also at 401.
var aboutElse = []string{
	"invalid_grant", "invalid_scope", "invalid_target", "invalid_resource", "unsupported_grant_type",
	"invalid_dpop_proof", "use_dpop_nonce", "invalid_token", "insufficient_scope",
}
