package door

import (
	"net/http"

	"github.com/onetoken-go/onetoken/internal/service/absence"
)

// issuerWords are what a refusal has besides if the issuer is why.
type issuerWords struct {
	Issuer  string `json:"issuer,omitempty"`
	Code    int    `json:"issuer_code,omitempty"`
	Message string `json:"issuer_message,omitempty"`
	LogID   string `json:"issuer_log_id,omitempty"`
}

// refusalOf says why there is no token, or no outcome.
func refusalOf(err error) *refusal { return refusalFor(absence.Of(err)) }

// refusalFor words an absence as OAuth does.
func refusalFor(a absence.Absence) *refusal {
	no := &refusal{status: a.Status, code: temporarilyUnavailable, description: a.Description, retryIn: a.RetryIn, cause: a.Cause}
	if a.Status == http.StatusBadGateway {
		no.code = serverError
	}
	if a.Issuer != nil {
		no.issuer = issuerWords{a.Issuer.Issuer, a.Issuer.Code, a.Issuer.Message, a.Issuer.LogID}
	}
	return no
}

var (
	noneOfKind = refusalFor(absence.OfKind())
	atItsEnd   = refusalFor(absence.AtItsEnd())
)
