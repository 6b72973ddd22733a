package fetcher

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/call"
	"github.com/onetoken-go/onetoken/tokencache"
)

// fields of an answer. Pointers tell a missing one from a zero.
type fields struct {
	Code        *int   `json:"code"`
	Msg         string `json:"msg"`
	AppToken    string `json:"app_access_token"`
	TenantToken string `json:"tenant_access_token"`
	Expire      *int64 `json:"expire"`
}

// judge makes a token of an answer, or an error. A code decides first, the HTTP status last. A
// redirect gives no token, whatever its body holds.
func (f *Feishu) judge(a call.Answer) (tokencache.Token, error) {
	if call.IsInterim(a.Status) {
		return tokencache.Token{}, f.caller.Refuse(a, f.caller.OfStatus(a.Status), "an offer to speak another protocol", nil)
	}
	r, trouble := parse(a.Text())
	if r.Code != nil && *r.Code != 0 {
		return tokencache.Token{}, f.refuseCode(a, *r.Code, r.Msg)
	}
	if trouble == "" {
		trouble = r.trouble(f.longestExpire())
	}
	if call.IsRedirect(a.Status) {
		trouble = "a redirect"
	}
	if trouble != "" {
		return tokencache.Token{}, f.caller.Refuse(a, f.suspectBaseURL(f.verdict(r, a.Status), a.Status), trouble, nil)
	}
	life := time.Duration(*r.Expire) * time.Second // trouble() has bounded it
	return tokencache.NewToken(r.AppToken, r.TenantToken, life), nil
}

// parse returns what can be read of a text, and what is wrong with it, in words that do not quote
// it. A field of a wrong type leaves the others readable, so that it does not hide the code.
func parse(body []byte) (r fields, trouble string) {
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
	return r, call.NotJSON(body)
}

// trouble says what keeps the fields from being a token that lives no longer than longest, in
// seconds; "" means nothing.
func (r fields) trouble(longest int64) string {
	switch {
	case r.Code == nil:
		return "JSON, but no code"
	case r.AppToken == "":
		return "no app_access_token"
	case !call.IsToken(r.AppToken):
		return "app_access_token is too long, or has characters that no token has"
	case r.TenantToken != "" && !call.IsToken(r.TenantToken):
		return "tenant_access_token is too long, or has characters that no token has"
	case r.Expire == nil:
		return "no expire"
	case !r.lives(longest):
		return fmt.Sprintf("expire of %d s, outside of 1 to %d", *r.Expire, longest)
	}
	return ""
}

// lives reports whether expire is a life that the issuer gives.
func (r fields) lives(longest int64) bool { return *r.Expire >= 1 && *r.Expire <= longest }

// longestExpire is the MaxLife of the config, in seconds.
func (f *Feishu) longestExpire() int64 { return int64(f.credential.MaxLife() / time.Second) }

// verdict judges an answer that is neither a refusal nor a token. If it has a code the issuer
// itself has sent it, by a slip.
func (f *Feishu) verdict(r fields, status int) call.Verdict {
	switch {
	case r.Code == nil || status >= 300:
		return f.caller.OfStatus(status)
	case r.Expire != nil && !r.lives(f.longestExpire()):
		return oddLife
	}
	return call.Verdict{}
}

// suspectBaseURL puts before the advice what is likely wrong with the base URL, if the answer shows
// it.
func (f *Feishu) suspectBaseURL(v call.Verdict, status int) call.Verdict {
	if f.below && v == f.caller.NotFound() {
		v.Advice = "leave the path out of the base URL, or check it: " + tokenPath + " is added to it"
	}
	return f.caller.SuspectHTTP(v, status)
}

// refuseCode makes the error of an answer that has a code.
func (f *Feishu) refuseCode(a call.Answer, code int, msg string) *tokencache.IssuerError {
	v := verdictOfCode(code)
	if f.caller.Clean.Message(msg) == "" { // blanks, or what does not print
		msg = v.Meaning
	}
	e := f.caller.Refuse(a, v, msg, nil)
	e.Code = code
	return e
}
