package fetcher

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/aside"
	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	// maxBody is far above any answer with a token (under 1 KiB; JWTs of 4 KiB
	// are announced), and bounds what a broken issuer can cost.
	maxBody = 64 << 10
	// maxToken keeps a token fit for a header of a request.
	maxToken = 8 << 10
)

// answer is what came back, before anyone believes it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// fields of an answer. Pointers tell a missing one from a zero.
type fields struct {
	Code        *int   `json:"code"`
	Msg         string `json:"msg"`
	AppToken    string `json:"app_access_token"`
	TenantToken string `json:"tenant_access_token"`
	Expire      *int64 `json:"expire"`
}

var errTooLong = errors.New("answer too long")

// readBody reads and closes the body, until ctx ends. It closes a body that came with an interim
// status unread: mostly that is a connection.
func readBody(ctx context.Context, resp *http.Response) ([]byte, error) {
	type read struct {
		body []byte
		err  error
	}
	r, ok := aside.Run(ctx, func() (r read) {
		defer closeBody(resp)
		if !isInterim(resp.StatusCode) {
			r.body, r.err = readBounded(resp.Body)
		}
		return r
	}, func(read) {})
	if !ok {
		go closeBody(resp) // which ends the Read
		return nil, ctx.Err()
	}
	return r.body, r.err
}

// readBounded reads one byte more than it accepts, to notice a longer body.
func readBounded(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err == nil && len(body) > maxBody {
		return nil, errTooLong
	}
	return body, err
}

// brokenOff says how an answer broke off. Its words follow "feishu answered: ", as those about
// every answer without a code do.
func brokenOff(ctx context.Context, err error) string {
	switch {
	case errors.Is(err, errTooLong):
		return fmt.Sprintf("more than %d KiB", maxBody>>10)
	case ended(ctx) != nil:
		return "not in full before the call was ended"
	}
	return "a part, then the connection broke off"
}

// judge makes a token of an answer, or an error. A code decides first, the HTTP status last. A
// redirect gives no token, whatever its body holds.
func (f *Feishu) judge(a answer) (tokencache.Token, error) {
	if isInterim(a.status) {
		return tokencache.Token{}, f.refuse(a, verdictOfStatus(a.status), "an offer to speak another protocol", nil)
	}
	r, trouble := parse(a.body)
	if r.Code != nil && *r.Code != 0 {
		return tokencache.Token{}, f.refuseCode(a, *r.Code, r.Msg)
	}
	if trouble == "" {
		trouble = r.trouble()
	}
	if isRedirect(a.status) {
		trouble = "a redirect"
	}
	if trouble != "" {
		return tokencache.Token{}, f.refuse(a, f.suspectBaseURL(r.verdict(a.status), a.status), trouble, nil)
	}
	life := time.Duration(*r.Expire) * time.Second // trouble() has bounded it
	return tokencache.NewToken(r.AppToken, r.TenantToken, life), nil
}

// parse returns what can be read of a body, and what is wrong with it, in words that do not quote
// it. A field of a wrong type leaves the others readable, so that it does not hide the code.
func parse(body []byte) (r fields, trouble string) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, byteOrderMark))
	err := json.Unmarshal(body, &r)
	if err == nil {
		return r, ""
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		switch e.Field {
		case "":
			return r, "JSON, but not an object"
		case "code":
			r.Code = nil // json has made room for it before it looked
		}
		return r, fmt.Sprintf("JSON of another shape: %s is of a wrong type or out of range", e.Field)
	}
	switch {
	case len(body) == 0:
		return r, "nothing, the body is empty"
	case body[0] == '<':
		return r, "a page of HTML, perhaps of a proxy"
	case isUTF16(body):
		return r, "text in UTF-16, where JSON is in UTF-8"
	}
	return r, "something that is not JSON"
}

// byteOrderMark is what some gateways and editors put before UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// isUTF16 goes by the byte order mark, or, as all JSON begins in ASCII, by a zero in the first
// two bytes.
func isUTF16(body []byte) bool {
	if len(body) < 2 {
		return false
	}
	first, second := body[0], body[1]
	return first == 0xfe && second == 0xff || first == 0xff && second == 0xfe || (first == 0) != (second == 0)
}

// trouble says what keeps the fields from being a token; "" means nothing.
func (r fields) trouble() string {
	switch {
	case r.Code == nil:
		return "JSON, but no code"
	case r.AppToken == "":
		return "no app_access_token"
	case !isToken(r.AppToken):
		return "app_access_token is too long, or has characters that no token has"
	case r.TenantToken != "" && !isToken(r.TenantToken):
		return "tenant_access_token is too long, or has characters that no token has"
	case r.Expire == nil:
		return "no expire"
	case !r.lives():
		return fmt.Sprintf("expire of %d s, outside of 1 to %d", *r.Expire, longestExpire)
	}
	return ""
}

const longestExpire = int64(feishuMaxLife / time.Second)

// lives reports whether expire is a life that the issuer gives.
func (r fields) lives() bool { return *r.Expire >= 1 && *r.Expire <= longestExpire }

// verdict judges an answer that is neither a refusal nor a token. If it has a code the issuer
// itself has sent it, by a slip.
func (r fields) verdict(status int) verdict {
	switch {
	case r.Code == nil || status >= 300:
		return verdictOfStatus(status)
	case r.Expire != nil && !r.lives():
		return oddLife
	}
	return verdict{}
}

// suspectBaseURL puts before the advice what is likely wrong with the base URL, if the answer shows
// it. A server that wants TLS answers plain HTTP with a 400, or sends the client on to https://.
func (f *Feishu) suspectBaseURL(v verdict, status int) verdict {
	switch {
	case f.overHTTP && (status == http.StatusBadRequest || isRedirect(status)):
		v.advice = "see whether the base URL has to begin with https://: " + v.advice
	case f.below && v == notFound:
		v.advice = "leave the path out of the base URL, or check it: " + tokenPath + " is added to it"
	}
	return v
}

// isToken accepts what can stand in an Authorization header.
func isToken(s string) bool { return len(s) <= maxToken && isWord(s) }

// refuseCode makes the error of an answer that has a code.
func (f *Feishu) refuseCode(a answer, code int, msg string) *tokencache.IssuerError {
	v := verdictOfCode(code)
	if f.message(msg) == "" { // blanks, or what does not print
		msg = v.meaning
	}
	e := f.refuse(a, v, msg, nil)
	e.Code = code
	return e
}

// refuse makes the error of a verdict, with what only the answer knows. The status 429 outranks
// verdicts by which the issuer would be asked again sooner.
func (f *Feishu) refuse(a answer, v verdict, message string, cause error) *tokencache.IssuerError {
	if a.status == http.StatusTooManyRequests && v.asksSooner() {
		v = rateLimited
	}
	e := &tokencache.IssuerError{
		Issuer:  issuerName,
		Status:  a.status,
		Message: f.message(message),
		LogID:   f.logID(a.header),
		Class:   v.class,
		Local:   v.local,
		Advice:  v.advice,
		Err:     cause,
	}
	if v.heedsWait() || a.status == http.StatusServiceUnavailable {
		e.RetryAfter = retryAfter(a.header, time.Now())
	}
	return e
}
