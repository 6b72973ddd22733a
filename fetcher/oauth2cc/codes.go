package oauth2cc

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher/internal/call"
	"github.com/onetoken-go/onetoken/tokencache"
)

var (
	wrongClient = call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "client authentication failed",
		Advice:  "check the client id and the client secret, whether the secret has expired, and whether the server wants them in the body",
	}
	notAllowed = call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "the client may not do this",
		Advice:  "check the client secret, and whether the server lets this client use client credentials, for this audience and these scopes",
	}
	wrongScope = call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "a scope is unknown, malformed, or not for this client",
		Advice:  "check the scopes against those that the server lets this client have",
	}
	wrongTarget = call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "the resource or audience is unknown, malformed, or not for this client",
		Advice:  "check the resource and the audience against those that the server lets this client have",
	}
	wrongGrant = call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "the server does not take client credentials here",
		Advice:  "check the token URL, and whether client credentials are enabled at the server",
	}
	wrongRequest = call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "the request lacks something, or has something twice",
		Advice:  "check what this server wants besides: scopes, audience, resource or further pairs, and id and secret in the body",
	}
	tryLater = call.Verdict{Meaning: "the server cannot answer now"}
	unknown  = call.Verdict{
		Class:   tokencache.ClassUnknown,
		Meaning: "a code without a description",
		Advice:  "look the code up in the server's documentation, or give its support the log id",
	}
)

// codes is every error that has a meaning for client credentials: those of RFC 6749, sections 5.2 and
// 4.1.2.1 (access_denied, server_error and temporarily_unavailable, which token endpoints send as
// well), RFC 8707 (invalid_target), RFC 8628 (slow_down), and what servers document besides.
var codes = map[string]call.Verdict{
	"invalid_client":         wrongClient,
	"unauthorized":           wrongClient, // Cloud Foundry's UAA
	"unauthorized_client":    notAllowed,  // Keycloak: also a wrong secret
	"access_denied":          notAllowed,  // Auth0: also a wrong secret
	"invalid_grant":          notAllowed,
	"invalid_scope":          wrongScope,
	"invalid_target":         wrongTarget,
	"invalid_resource":       wrongTarget, // Entra
	"unsupported_grant_type": wrongGrant,
	"invalid_request":        wrongRequest,

	"temporarily_unavailable": tryLater,
	"server_error":            tryLater,
	"slow_down":               tryLater,

	"too_many_requests": call.RateLimited, // Auth0
	"E0000047":          call.RateLimited, // Okta
}

// verdictOf judges an error by its code; one that nobody has documented by the HTTP status if that
// says something, as a server in trouble, or one that is not there, names that as it likes.
func verdictOf(c *call.Caller, code string, status int) call.Verdict {
	if v, ok := codes[code]; ok {
		if v == tryLater && status == http.StatusUnauthorized { // ServiceNow, of a wrong secret
			return call.Verdict{Class: tokencache.ClassUnknown, Meaning: wrongClient.Meaning, Advice: wrongClient.Advice}
		}
		return v
	}
	v := c.OfStatus(status)
	if v.Class == tokencache.ClassUnknown && !v.Local {
		return unknown
	}
	v.Meaning = cmp.Or(v.Meaning, unknown.Meaning)
	return v
}

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
// or may do so: then a secret from a file is worth reading again. Of a wrong secret Auth0 says access_denied, Keycloak
// unauthorized_client, and Cloud Foundry's UAA unauthorized, each with HTTP 401.
func RejectsSecret(err error) bool {
	switch ErrorCode(err) {
	case "invalid_client":
		return true
	case "unauthorized", "unauthorized_client", "access_denied":
		e, _ := errors.AsType[*tokencache.IssuerError](err)
		return e.Status == http.StatusUnauthorized
	}
	return false
}
