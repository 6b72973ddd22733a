package door

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// issuerWords are what a refusal has besides if the issuer is why.
type issuerWords struct {
	Issuer  string `json:"issuer,omitempty"`
	Code    int    `json:"issuer_code,omitempty"`
	Message string `json:"issuer_message,omitempty"`
	LogID   string `json:"issuer_log_id,omitempty"`
}

// refusalOf says why there is no token, or no outcome.
func refusalOf(err error) *refusal {
	no := &refusal{
		status: http.StatusServiceUnavailable, code: temporarilyUnavailable, cause: err,
		description: "no token now: " + whyNone(err), retryIn: soon(),
	}
	issuer, ok := errors.AsType[*tokencache.IssuerError](err)
	if !ok || issuer == nil {
		return no
	}
	no.issuer = issuerWords{issuer.Issuer, issuer.Code, issuer.Message, issuer.LogID}
	if issuer.RetryAfter > 0 {
		no.retryIn = min(issuer.RetryAfter, longestRetry)
	}
	if !issuer.Class.NeedsPerson() {
		return no
	}
	no.status, no.code = http.StatusBadGateway, serverError
	no.description = "the issuer refuses, and a person has to act: see issuer_message and the log of this service"
	if issuer.RetryAfter <= 0 {
		no.retryIn = 0
	}
	return no
}

func whyNone(err error) string {
	switch {
	case errors.Is(err, tokencache.ErrIssuer):
		return "the issuer gave none, and will be asked again"
	case errors.Is(err, tokencache.ErrRedis):
		return "this service does not reach its Redis"
	case errors.Is(err, tokencache.ErrClosed):
		return "this service is stopping, or has just been given another configuration"
	}
	return "the first one is still to come"
}

// longestRetry is what a client is told at most.
const longestRetry = time.Hour

// soon spreads clients who were refused together, over 1 to 5 s.
func soon() time.Duration { return time.Duration(1+rand.IntN(5)) * time.Second }

// noneOfKind is a fault of the configuration or of the issuer: all its tokens lack that one.
var noneOfKind = &refusal{status: http.StatusBadGateway, code: serverError,
	description: "the issuer gives no token of this kind",
	cause:       errors.New("the issuer's answer had no token of the kind that was asked for")}

// atItsEnd is told in the last second of a token that nothing has replaced.
var atItsEnd = &refusal{status: http.StatusServiceUnavailable, code: temporarilyUnavailable,
	description: "no token now: the one at hand ends, and the next is still to come", retryIn: time.Second,
	cause: errors.New("less than a second is left of the token")}
