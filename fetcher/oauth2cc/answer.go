package oauth2cc

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/call"
	"github.com/onetoken-go/onetoken/tokencache"
)

// judge makes a token of an answer, or an error. An error code decides first, then the HTTP status:
// only a success has a token.
func (f *Fetcher) judge(a call.Answer) (tokencache.Token, error) {
	if call.IsInterim(a.Status) {
		return f.refuse(a, f.caller.OfStatus(a.Status), "an offer to speak another protocol")
	}
	r, trouble := read(a.Text())
	if trouble != "" {
		return f.refuse(a, f.caller.OfStatus(a.Status), f.orRedirect(a, trouble))
	}
	code, description, ok := r.refusal()
	switch {
	case !ok:
		return f.refuse(a, f.caller.OfStatus(a.Status), f.orRedirect(a, wrongType("error")))
	case code != "":
		return f.refuseCode(a, code, description, r)
	case a.Status >= 300:
		return f.refuse(a, f.caller.OfStatus(a.Status), f.orRedirect(a, "JSON, but no error"))
	}
	access, wrong := r.token(f.caller.Clean)
	if wrong != nil {
		return f.refuse(a, wrong.verdict, wrong.words)
	}
	life, wrong := r.life(f.config.Life, f.config.MaxLife)
	if wrong != nil {
		return f.refuse(a, wrong.verdict, wrong.words)
	}
	return token(access, life), nil
}

func (f *Fetcher) orRedirect(a call.Answer, trouble string) string {
	if call.IsRedirect(a.Status) {
		return "a redirect"
	}
	return trouble
}

// refusal returns the code of an error, and its words. A code that is not a string is none: ok is
// false then.
func (r fields) refusal() (code, description string, ok bool) {
	for _, form := range forms {
		code, ok = r.text(form.code)
		if !ok {
			return "", "", false
		}
		if code != "" {
			return code, r.first(form.words), true
		}
	}
	code, description = r.fault()
	return code, description, true
}

// forms of an error: that of RFC 6749, section 5.2, in which Auth0 has a message of its rate limit's;
// Okta's, https://developer.okta.com/docs/reference/error-codes/; and Apigee's,
// https://docs.apigee.com/api-platform/reference/policies/oauth-http-status-code-reference
var forms = []struct {
	code  string
	words []string
}{
	{"error", []string{"error_description", "message"}},
	{"errorCode", []string{"errorSummary"}},
	{"ErrorCode", []string{"Error"}},
}

// fault is the error of an Apigee that answers for itself, not in the name of a server. Whatever is not
// of that shape is none.
func (r fields) fault() (code, description string) {
	var fault struct {
		Words  string `json:"faultstring"`
		Detail struct {
			Code string `json:"errorcode"`
		} `json:"detail"`
	}
	if json.Unmarshal(r["fault"], &fault) != nil {
		return "", ""
	}
	return fault.Detail.Code, fault.Words
}

// first returns the first of the fields that is there.
func (r fields) first(names []string) string {
	for _, name := range names {
		if words, _ := r.text(name); words != "" {
			return words
		}
	}
	return ""
}

// flaw is what keeps a success from being of use.
type flaw struct {
	verdict call.Verdict
	words   string
}

var (
	// These are permanent: the server would give the same again, and asking only mint one more token
	// that is thrown away.
	notBearer = call.Verdict{
		Class:  tokencache.ClassPermanent,
		Advice: "only bearer tokens can be shared: have the server give this client one (no DPoP, no certificate), or check the token URL",
	}
	oddToken = call.Verdict{
		Class:  tokencache.ClassPermanent,
		Advice: "a token has to fit into a header: have the server give this client a token of 8 KiB at most, for fewer scopes or with fewer claims, in printable ASCII",
	}
	noLife = call.Verdict{
		Class:  tokencache.ClassPermanent,
		Advice: "set Life to how long this server's tokens live: it does not say so itself",
	}
	oddLife = call.Verdict{
		Class:  tokencache.ClassPermanent,
		Advice: "have the server state expires_in in seconds, as a number",
	}
	shortLife = call.Verdict{
		Class:  tokencache.ClassPermanent,
		Advice: "have the server give this client tokens that live longer",
	}
	longLife = call.Verdict{
		Class:  tokencache.ClassPermanent,
		Advice: "raise MaxLife, or have the server give this client shorter ones",
	}

	noToken = call.Verdict{
		Class:  tokencache.ClassUnknown,
		Advice: "an answer without a token seldom is the issuer's own: check the token URL, the proxy and the firewall",
	}
)

// token returns the access token of a success.
func (r fields) token(clean call.Cleaner) (string, *flaw) {
	access, ok := r.text("access_token")
	kind, kindOK := r.text("token_type")
	switch {
	case !ok:
		return "", &flaw{oddToken, wrongType("access_token")}
	case access == "":
		return "", &flaw{noToken, "no access_token"}
	case !call.IsToken(access):
		return "", &flaw{oddToken, "access_token is too long, or has characters that no token has"}
	case !kindOK:
		return "", &flaw{notBearer, wrongType("token_type")}
	case kind != "" && !strings.EqualFold(kind, "bearer"):
		kind = call.Cut(clean.And(access).Line(kind), maxKind)
		return "", &flaw{notBearer, fmt.Sprintf("a token of type %q, not bearer", kind)}
	}
	return access, nil
}

// maxKind is how many characters of a token_type are repeated.
const maxKind = 32

// life returns how long the token lives: what expires_in says, as a number or as one in a string
// (Entra's v1.0 and PayPal), without its fraction; configured where it says nothing. So do 0 and less: no
// token ends before it is there.
func (r fields) life(configured, longest time.Duration) (time.Duration, *flaw) {
	stated := "no expires_in"
	if !r.lacks("expires_in") {
		seconds, ok := r.seconds()
		switch {
		case !ok:
			return 0, &flaw{oddLife, wrongType("expires_in")}
		case seconds > longest.Seconds():
			return 0, &flaw{longLife, fmt.Sprintf("expires_in of %s s, above the MaxLife of %v", short(seconds), longest)}
		case seconds >= minLife.Seconds():
			return time.Duration(math.Floor(seconds)) * time.Second, nil
		case seconds > 0:
			return 0, &flaw{shortLife, fmt.Sprintf("expires_in of %s s, below 1", short(seconds))}
		}
		stated = fmt.Sprintf("expires_in of %s s", short(seconds))
	}
	if configured == 0 {
		return 0, &flaw{noLife, stated + ", and no Life is configured"}
	}
	return configured, nil
}

// seconds reads expires_in. JSON's numbers are the only ones: ParseFloat knows more.
func (r fields) seconds() (float64, bool) {
	number, ok := r.text("expires_in")
	if !ok {
		number = string(r["expires_in"])
	}
	number = strings.TrimSpace(number)
	if number == "" || strings.Trim(number, "0123456789.+-eE") != "" {
		return 0, false
	}
	seconds, err := strconv.ParseFloat(number, 64)
	return seconds, err == nil
}

func short(seconds float64) string { return strconv.FormatFloat(seconds, 'g', 10, 64) }

// refuse makes the error of an answer without an error code.
func (f *Fetcher) refuse(a call.Answer, v call.Verdict, message string) (tokencache.Token, error) {
	return tokencache.Token{}, f.caller.Refuse(a, f.caller.SuspectHTTP(v, a.Status), message, nil)
}

// refuseCode makes the error of one that has a code. A server that sends a token along may repeat that
// in its words.
func (f *Fetcher) refuseCode(a call.Answer, code, description string, r fields) (tokencache.Token, error) {
	caller := f.caller
	access, _ := r.text("access_token")
	caller.Clean = caller.Clean.And(access)
	v := verdictOf(&caller, f.config.Auth, code, a.Status)
	words := withoutIDs(caller.Clean.Line(description))
	if words == "" { // blanks, or what does not print
		words = v.Meaning
	}
	return tokencache.Token{}, caller.Refuse(a, v, call.Cut(caller.Clean.Line(code), maxCode)+": "+words, nil)
}

// withoutIDs leaves out the ids and the time with which Entra ends a description, and which would make
// every failure another. One of the ids is in a header as well:
// https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
func withoutIDs(description string) string {
	words, _, _ := strings.Cut(description, "Trace ID: ")
	return strings.TrimSpace(words)
}

// maxCode is how many characters of an error code are repeated; the longest that RFC 6749 has is temporarily_unavailable.
const maxCode = 64
