package door

import (
	"net/http"
	"strconv"
	"time"
)

// refusal is an answer of RFC 6749, section 5.2. Descriptions are fixed texts, without quotes and
// backslashes, which the RFC forbids there.
type refusal struct {
	status            int
	code, description string
	header            string // a header of its own, and its value; "" for none
	value             string
	retryIn           time.Duration // 0: there is no Retry-After
	cause             error         // for the audit alone
	issuer            issuerWords
}

// Codes of RFC 6749, sections 5.2 and 4.1.2.1, and of RFC 8628, section 3.5.
const (
	invalidRequest         = "invalid_request"
	invalidClient          = "invalid_client"
	unsupportedGrantType   = "unsupported_grant_type"
	invalidScope           = "invalid_scope"
	accessDenied           = "access_denied"
	serverError            = "server_error"
	temporarilyUnavailable = "temporarily_unavailable"
	slowDown               = "slow_down"
)

// Refusals that say nothing of the request. All that concern who asks, or for what, are here: there is
// one of each.
var (
	notFound = &refusal{status: http.StatusNotFound, code: invalidRequest,
		description: "no such path: GET /v1/tokens/NAME, POST /v1/tokens/NAME/reject or POST /oauth2/token"}
	aPageSentIt = &refusal{status: http.StatusForbidden, code: invalidRequest,
		description: "pages in browsers get no token: leave the headers Origin and Sec-Fetch-Site out"}
	misdirected = &refusal{status: http.StatusMisdirectedRequest, code: invalidRequest,
		description: "the Host header is not of this service: call it as localhost, or by a name that it is configured with"}
	noBearer = &refusal{status: http.StatusUnauthorized, code: invalidClient,
		description: "not a client of this service: send its secret as Authorization: Bearer, " +
			"or its certificate, or use the socket as its user",
		header: "WWW-Authenticate", value: `Bearer realm="onetoken"`}
	noBasic = &refusal{status: http.StatusUnauthorized, code: invalidClient,
		description: "not a client of this service: send its name and secret by HTTP Basic or in the body, " +
			"or its certificate, or use the socket as its user",
		header: "WWW-Authenticate", value: `Basic realm="onetoken", charset="UTF-8"`}
	denied = &refusal{status: http.StatusForbidden, code: accessDenied,
		description: "there is no such credential, or this client may not do that with it"}
	tooLarge = &refusal{status: http.StatusRequestEntityTooLarge, code: invalidRequest,
		description: "the body has more than 64 KiB"}
)

func badRequest(description string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: invalidRequest, description: description}
}

func badScope(description string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: invalidScope, description: description}
}

func wrongMethod(allow string) *refusal {
	return &refusal{status: http.StatusMethodNotAllowed, code: invalidRequest,
		description: "this path takes " + allow, header: "Allow", value: allow}
}

func wrongMedia(want string) *refusal {
	return &refusal{status: http.StatusUnsupportedMediaType, code: invalidRequest,
		description: "the body has to be sent as Content-Type: " + want}
}

func tooMany(wait time.Duration) *refusal {
	return &refusal{status: http.StatusTooManyRequests, code: slowDown,
		description: "more requests than this client may make: see Retry-After", retryIn: max(wait, time.Second)}
}

func (no *refusal) write(w http.ResponseWriter) {
	if no.header != "" {
		w.Header().Set(no.header, no.value)
	}
	if no.retryIn > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(wholeSeconds(no.retryIn), 10))
	}
	write(w, no.status, encoded(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		issuerWords
	}{no.code, no.description, no.issuer}))
}

// wholeSeconds rounds up: who comes earlier comes in vain.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
