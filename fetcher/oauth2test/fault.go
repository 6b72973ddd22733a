package oauth2test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// Fault is one way to misbehave: of the token endpoint, for Issuer.SetFault and
// Issuer.FailNext, and of the protected API, for Issuer.SetAPIFault and
// Issuer.FailNextAPI. The zero value is none.
//
// Most faults come in place of the issuer's work: nothing is checked and
// nothing minted. [NoExpiresIn], [ExpiresIn], [TokenType], [EmptyToken],
// [LostReply], [SlowBody] and [BrokenBody] spoil an answer that the issuer has made, and
// minted for; the first four are for the token endpoint, and leave its refusals alone.
type Fault struct{ shared lookalike.Fault }

// String names the fault, as in Call.Fault. "" for none.
func (f Fault) String() string { return f.shared.String() }

// Refusal answers with an HTTP status, an error code and a description, which
// may be "".
func Refusal(status int, code, description string) Fault {
	return Fault{lookalike.Instead(code, func() lookalike.Reply { return refusal(status, code, description) })}
}

// WrongSecret is the refusal of a secret that is wrong: 401 and invalid_client.
func WrongSecret() Fault {
	return Refusal(http.StatusUnauthorized, invalidClient, "no such client, or another secret")
}

// TemporarilyUnavailable answers HTTP 503 with that error.
func TemporarilyUnavailable() Fault {
	return Refusal(http.StatusServiceUnavailable, "temporarily_unavailable", "the issuer is overloaded or being looked after")
}

// ServerError answers HTTP 500 with that error.
func ServerError() Fault {
	return Refusal(http.StatusInternalServerError, "server_error", "the issuer has met something unexpected")
}

// RateLimited answers HTTP 429 with the error slow_down and one header, such as
// Retry-After or x-ratelimit-reset, of any value. With header "" it has none.
func RateLimited(header, value string) Fault {
	return Fault{lookalike.Instead("rate limited", func() lookalike.Reply {
		rep := refusal(http.StatusTooManyRequests, "slow_down", "too many requests")
		if header != "" {
			rep.Header.Set(header, value)
		}
		return rep
	})}
}

// edited is the issuer's own answer with fields of its JSON changed; a raw value of nil leaves a field
// out. It changes no refusal.
func edited(name, field string, raw json.RawMessage) Fault {
	return Fault{lookalike.Spoiled(name, func(rep *lookalike.Reply) {
		var fields map[string]json.RawMessage
		if !rep.Granted || json.Unmarshal(rep.Body, &fields) != nil {
			return
		}
		delete(fields, field)
		text, err := json.Marshal(fields)
		if err != nil {
			panic(err) // it was read from such a text
		}
		if raw != nil { // by hand: what is to stand there may be no JSON
			text = fmt.Appendf(text[:len(text)-1], `,%q:%s}`, field, raw)
		}
		rep.Body = text
	})}
}

// NoExpiresIn leaves expires_in out, as the protocol allows.
func NoExpiresIn() Fault { return edited("no expires_in", "expires_in", nil) }

// ExpiresIn says any JSON for expires_in: `"3600"`, `0`, `-1`, `1e300`, `null`. The token lives as
// long as ever.
func ExpiresIn(raw string) Fault {
	return edited("expires_in "+raw, "expires_in", json.RawMessage(raw))
}

// TokenType says another token_type, such as "bearer" or "mac"; with "" it
// says none.
func TokenType(tokenType string) Fault {
	if tokenType == "" {
		return edited("no token_type", "token_type", nil)
	}
	text, err := json.Marshal(tokenType)
	if err != nil {
		panic(err) // no string does that
	}
	return edited("token_type "+tokenType, "token_type", text)
}

// EmptyToken answers with a token of no characters. It does not count as
// granted.
func EmptyToken() Fault {
	empty := edited("empty token", "access_token", json.RawMessage(`""`)).shared
	return Fault{lookalike.Spoiled(empty.String(), func(rep *lookalike.Reply) {
		*rep = empty.Spoil(func() lookalike.Reply { return *rep })
		rep.Granted = false
	})}
}

// WrongShape answers HTTP 200 with JSON that is no answer: fields are of other
// types.
func WrongShape() Fault {
	return Fault{lookalike.Answer200("wrong shape", "application/json", `{"access_token":{"value":"at-x"},"token_type":1,"expires_in":[3600]}`)}
}

// BareUnauthorized answers HTTP 401 without a challenge: of the protected API.
func BareUnauthorized() Fault {
	return Fault{lookalike.Instead("bare 401", bareUnauthorized)}
}

// Challenge answers with an HTTP status and the Bearer challenge of an error,
// such as invalid_token: of the protected API. The scope may be "".
func Challenge(status int, code, scope string) Fault {
	return Fault{lookalike.Instead(code, func() lookalike.Reply { return challenge(status, code, scope) })}
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

// Reset resets the connection in place of an answer.
func Reset() Fault { return Fault{lookalike.Reset()} }

// Timeout never answers: it lasts until the client goes away.
func Timeout() Fault { return Fault{lookalike.Timeout()} }

// EndlessBody answers HTTP 200 with a body of spaces that never ends.
func EndlessBody() Fault { return Fault{lookalike.EndlessBody()} }

// LostReply decides the call as ever, minting if it is right, and then resets
// the connection: the client never learns of it.
func LostReply() Fault { return Fault{lookalike.LostReply()} }

// BrokenBody cuts the connection in the middle of the issuer's own answer.
func BrokenBody() Fault { return Fault{lookalike.BrokenBody()} }

// SlowBody pauses before every byte of the issuer's own answer, of which there
// are about 90. It counts as answered with a token, since a client with
// enough patience gets one.
func SlowBody(pause time.Duration) Fault { return Fault{lookalike.SlowBody(pause)} }
