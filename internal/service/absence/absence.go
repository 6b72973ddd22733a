// Package absence says to a client why there is no token: the doors of the service word it each in its own
// form, and decide it here.
package absence

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Absence is why there is no token, as a client may be told. Its texts are fixed but for the issuer's, and hold
// no secret and no token.
type Absence struct {
	// Status is 502 if a person has to act before the issuer gives a token, and 503 if waiting helps.
	Status      int
	Description string
	RetryIn     time.Duration // 0: repeating does not help
	Issuer      *tokencache.IssuerError
	Cause       error // for the log alone
}

// Of is of an error of [tokencache.Source.Get].
func Of(err error) Absence {
	a := Absence{Status: http.StatusServiceUnavailable, Description: "no token now: " + why(err), RetryIn: soon(), Cause: err}
	issuer, ok := errors.AsType[*tokencache.IssuerError](err)
	if !ok || issuer == nil {
		return a
	}
	a.Issuer = issuer
	if issuer.RetryAfter > 0 {
		a.RetryIn = min(issuer.RetryAfter, longestRetry)
	}
	if !issuer.Class.NeedsPerson() {
		return a
	}
	a.Status = http.StatusBadGateway
	a.Description = "the issuer refuses, and a person has to act: see issuer_message and the log of this service"
	if issuer.RetryAfter <= 0 {
		a.RetryIn = 0
	}
	return a
}

func why(err error) string {
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

// OfKind is a fault of the configuration or of the issuer: all its tokens lack that kind.
func OfKind() Absence {
	return Absence{Status: http.StatusBadGateway, Description: "the issuer gives no token of this kind",
		Cause: errors.New("the issuer's answer had no token of the kind that was asked for")}
}

// AtItsEnd is told in the last second of a token that nothing has replaced.
func AtItsEnd() Absence {
	return Absence{Status: http.StatusServiceUnavailable, RetryIn: time.Second,
		Description: "no token now: the one at hand ends, and the next is still to come",
		Cause:       errors.New("less than a second is left of the token")}
}
