package oauth2test

import (
	"net/http"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// Error codes of the token endpoint: RFC 6749 5.2, and RFC 8707 2 for the target.
const (
	invalidRequest       = "invalid_request"
	invalidClient        = "invalid_client"
	unauthorizedClient   = "unauthorized_client"
	unsupportedGrantType = "unsupported_grant_type"
	invalidScope         = "invalid_scope"
	invalidTarget        = "invalid_target"
)

// refused is why there is no token.
type refused struct {
	code, description string
}

func (r refused) reply() lookalike.Reply {
	return refusal(http.StatusBadRequest, r.code, r.description)
}

// unauthenticated is 401; who tried the Authorization header is told what to put there (RFC 6749 5.2).
func (req request) unauthenticated(description string) lookalike.Reply {
	rep := refusal(http.StatusUnauthorized, invalidClient, description)
	if req.header {
		rep.Header.Set("WWW-Authenticate", basicChallenge)
	}
	return rep
}

func refusal(status int, code, description string) lookalike.Reply {
	rep := lookalike.JSON(status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
	}{code, description})
	forbidStoring(rep.Header)
	rep.Error = code
	return rep
}

// forbidStoring is what RFC 6749 5.1 wants of every answer with a token.
func forbidStoring(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
}
