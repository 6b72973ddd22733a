package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/absence"
)

// refusal is an answer of the gateway's own, in the API's form. Messages are fixed texts, but for an issuer's.
//
// Source of the codes: https://open.feishu.cn/document/server-docs/getting-started/server-error-codes. A code
// that is an HTTP status is none of the API's.
type refusal struct {
	status, code int
	msg          string
	why          string // in a few fixed words, for the audit
	oauth        string // RFC 6749's word, where the endpoint is one of OAuth
	allow        string // methods, of a 405
	retryIn      time.Duration
	cause        error // for the audit alone
	issuer       issuerWords
}

// form of an endpoint's refusals.
type form int

const (
	ofAPI            form = iota // {"code":…,"msg":…}
	ofOAuth                      // the words of RFC 6749 besides
	ofLongConnection             // "data":{} besides: SDKs read into that before they look at the code
)

// issuerWords are what a refusal has besides if the issuer is why.
type issuerWords struct {
	Issuer  string `json:"issuer,omitempty"`
	Code    int    `json:"issuer_code,omitempty"`
	Message string `json:"issuer_message,omitempty"`
	LogID   string `json:"issuer_log_id,omitempty"`
}

const atThisGateway = "; at this gateway app_secret is that of a client in its configuration, who is granted the app"

// Refusals of token endpoints, which the API sends with the status 200.
var (
	wrongSecret   = &refusal{status: http.StatusOK, code: 10014, msg: "app secret invalid" + atThisGateway, why: "wrong secret or app"}
	invalidParams = &refusal{status: http.StatusOK, code: 10003, why: "malformed request",
		msg: "invalid param: the body has to be a JSON object of 64 KiB at most with app_id and app_secret"}
)

// Refusals of tokens.
var (
	noToken = &refusal{status: http.StatusBadRequest, code: 99991661, why: "no token",
		msg: "Missing access token for authorization: send the one that this gateway's token endpoint gave, as Authorization: Bearer"}
	badFormat = &refusal{status: http.StatusBadRequest, code: 99991671, why: "malformed token",
		msg: "Invalid access token format: one Authorization header, with Bearer and a token"}
	deadToken = &refusal{status: http.StatusBadRequest, code: 99991663, why: "dead stand-in",
		msg: "Invalid access token for authorization: it has ended, or its client, its secret or its grant is gone from this gateway's configuration"}
	foreignToken = &refusal{status: http.StatusBadRequest, code: 99991663, why: "a token of somebody's",
		msg: "Invalid access token for authorization: this gateway has not given it. A user's needs user_tokens in the client's may, and the client's certificate"}
)

// Refusals of requests, whoever sends them.
var (
	noForwardProxy = &refusal{status: http.StatusBadRequest, code: http.StatusBadRequest, why: "absolute URL",
		msg: "onetoken: this is no forward proxy: set its address as the SDK's base URL, and send paths"}
	oddPath = &refusal{status: http.StatusBadRequest, code: http.StatusBadRequest, why: "odd path",
		msg: "onetoken: the path has an empty part (does the base URL end in a slash? leave that out), or dots, slashes, backslashes, semicolons, question marks or control characters in one, be it encoded: send it plainly"}
	notHere = &refusal{status: http.StatusNotFound, code: http.StatusNotFound, why: "no such path",
		msg: "onetoken: this gateway serves /open-apis/ and /callback/ws/endpoint"}
	noSuchEndpoint = &refusal{status: http.StatusForbidden, code: http.StatusForbidden, why: "another token endpoint",
		msg: "onetoken: this gateway gives tokens at auth/v3/tenant_access_token/internal and auth/v3/app_access_token/internal alone: those of self-built apps"}
	brokenBody = &refusal{status: http.StatusBadRequest, code: http.StatusBadRequest, why: "broken body",
		msg: "onetoken: the request did not arrive whole"}
	tooManyUnderWay = &refusal{status: http.StatusTooManyRequests, code: 99991400, why: "too many under way", oauth: "temporarily_unavailable",
		msg: "request trigger frequency limit: 2000 requests of this client are under way at this gateway", retryIn: time.Second}
	unreadable = &refusal{status: http.StatusBadRequest, code: http.StatusBadRequest, why: "malformed request", oauth: "invalid_request",
		msg: "onetoken: the body has to be a JSON object or a form of 64 KiB at most, not compressed, with the app's id and secret once each"}
)

func wrongMethod(allow string) *refusal {
	return &refusal{status: http.StatusMethodNotAllowed, code: http.StatusMethodNotAllowed, why: "method", msg: "onetoken: this takes " + allow, allow: allow}
}

// mayNot names the word that is missing in the client's may. Status is 403, but for an endpoint of which SDKs repeat whatever
// has not the status 200, for ever and without a word.
func mayNot(permission string, status int) *refusal {
	return &refusal{status: status, code: http.StatusForbidden, why: "may not " + permission, oauth: "unauthorized_client",
		msg: "onetoken: this client may not do that: add " + permission + " to its may in the gateway's configuration"}
}

func aboveRate(wait time.Duration) *refusal {
	return &refusal{status: http.StatusTooManyRequests, code: 99991400, why: "rate", oauth: "temporarily_unavailable",
		msg: "request trigger frequency limit: this client's rate at this gateway", retryIn: max(wait, time.Second)}
}

// noTokenNow says why there is none.
func noTokenNow(a absence.Absence) *refusal {
	no := &refusal{status: a.Status, code: a.Status, msg: "onetoken: " + a.Description, why: "no token now", oauth: "temporarily_unavailable", retryIn: a.RetryIn, cause: a.Cause}
	if a.Issuer != nil {
		no.issuer = issuerWords{a.Issuer.Issuer, a.Issuer.Code, a.Issuer.Message, a.Issuer.LogID}
	}
	return no
}

// noAnswer has a cause of fixed words: what net/http says may quote the API, which may quote the secret that it got.
func noAnswer(cause error) *refusal {
	return &refusal{status: http.StatusBadGateway, code: http.StatusBadGateway, why: "no answer", oauth: "server_error",
		msg: "onetoken: the API did not answer", cause: inFixedWords(cause)}
}

func (no *refusal) write(w http.ResponseWriter, as form) {
	header := w.Header()
	if no.allow != "" {
		header.Set("Allow", no.allow)
	}
	if no.retryIn > 0 {
		seconds := strconv.FormatInt(int64((no.retryIn+time.Second-1)/time.Second), 10)
		header.Set("Retry-After", seconds)
		header.Set("X-Ogw-Ratelimit-Reset", seconds) // which SDKs of Feishu's look at
	}
	body := struct {
		Code        int    `json:"code"`
		Msg         string `json:"msg"`
		Error       string `json:"error,omitempty"`
		Description string `json:"error_description,omitempty"`
		Data        any    `json:"data,omitempty"`
		issuerWords
	}{Code: no.code, Msg: no.msg, issuerWords: no.issuer}
	switch as {
	case ofOAuth:
		body.Error, body.Description = no.oauth, no.msg
	case ofLongConnection:
		body.Data = struct{}{}
	}
	answer(w, no.status, body)
}

// answer writes JSON of a body of ours, of which all can be encoded.
func answer(w http.ResponseWriter, status int, body any) {
	text, _ := json.Marshal(body)
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client has gone, or asks for the head alone
}
