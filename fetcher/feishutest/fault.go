package feishutest

import (
	"fmt"
	"net/http"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// Fault is one way for the token endpoints to misbehave, for Issuer.SetFault,
// Issuer.FailNext and those of an App. The zero value is none.
//
// Most faults come in place of the issuer's work: nothing is checked and
// nothing minted. [LostReply], [SlowBody] and [BrokenBody] spoil an answer that
// the issuer has made, and maybe minted for.
type Fault struct{ shared lookalike.Fault }

// String names the fault, as in Call.Fault. "" for none.
func (f Fault) String() string { return f.shared.String() }

func instead(name string, build func() lookalike.Reply) Fault {
	return Fault{lookalike.Instead(name, build)}
}

// Refusal answers HTTP 200 with a code and a message.
func Refusal(code int, msg string) Fault {
	return instead(fmt.Sprintf("code %d", code), func() lookalike.Reply { return refusal(http.StatusOK, code, msg) })
}

// WrongSecret is the refusal of a secret that is wrong: code 10014.
func WrongSecret() Fault { return Refusal(10014, "app secret invalid") }

// RateLimited answers HTTP 429 with code 99991400 and one header, such as
// x-ogw-ratelimit-reset or Retry-After, of any value. With header "" it has none.
func RateLimited(header, value string) Fault {
	return instead("rate limited", func() lookalike.Reply {
		rep := refusal(http.StatusTooManyRequests, 99991400, "request trigger frequency limit")
		if header != "" {
			rep.Header.Set(header, value)
		}
		return rep
	})
}

// Status answers with an HTTP status and a line of plain text, as gateways do.
func Status(status int) Fault { return Fault{lookalike.Status(status)} }

// Redirect answers HTTP 307, which asks for the request, secret and all, to be
// sent again to the location.
func Redirect(location string) Fault { return Fault{lookalike.Redirect(location)} }

// Answer answers with anything. Header is added to the usual ones, or replaces
// them; a name without values takes one away. It may be nil. Neither Calls nor
// Stats believe that the body is a token, even if it is one.
func Answer(status int, header http.Header, body string) Fault {
	return Fault{lookalike.Answer(status, header, body)}
}

// HTML answers HTTP 200 with a web page, as captive portals and proxies do.
func HTML() Fault { return Fault{lookalike.HTML()} }

// EmptyBody answers HTTP 200 with nothing.
func EmptyBody() Fault { return Fault{lookalike.EmptyBody()} }

func answer200(name, body string) Fault {
	return Fault{lookalike.Answer200(name, "application/json", body)}
}

// WrongShape answers HTTP 200 with JSON that is no answer: fields are of other
// types.
func WrongShape() Fault {
	return answer200("wrong shape", `{"code":"0","app_access_token":{"value":"a-x"},"expire":[7200]}`)
}

// Expire answers with a token that was never minted and any JSON for its
// `expire`: `0`, `-1`, `1e300`, `9223372036854775807`, `"7200"`, `null`.
func Expire(raw string) Fault {
	return answer200("expire "+raw,
		`{"app_access_token":"a-never-minted","code":0,"expire":`+raw+`,"msg":"ok","tenant_access_token":"t-never-minted"}`)
}

// EmptyToken answers with a token of no characters.
func EmptyToken() Fault {
	return answer200("empty token", `{"app_access_token":"","code":0,"expire":7200,"msg":"ok","tenant_access_token":""}`)
}

// Reset resets the connection in place of an answer.
func Reset() Fault { return Fault{lookalike.Reset()} }

// Timeout never answers: it lasts until the client goes away.
func Timeout() Fault { return Fault{lookalike.Timeout()} }

// EndlessBody answers HTTP 200 with a body of spaces that never ends.
func EndlessBody() Fault { return Fault{lookalike.EndlessBody()} }

// LostReply decides the call as ever, minting if it is time, and then resets
// the connection: the client never learns of it.
func LostReply() Fault { return Fault{lookalike.LostReply()} }

// BrokenBody cuts the connection in the middle of the issuer's own answer.
func BrokenBody() Fault { return Fault{lookalike.BrokenBody()} }

// SlowBody pauses before every byte of the issuer's own answer, of which there
// are about 130. It counts as answered with a token, since a client with
// enough patience gets one.
func SlowBody(pause time.Duration) Fault { return Fault{lookalike.SlowBody(pause)} }
