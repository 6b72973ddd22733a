package bearer

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// RejectedError says that the API has rejected the token, and that there is no reply to speak of:
// the error of a request under Config.Surface.
type RejectedError struct {
	// Reason is what Config.Rejects gave, such as "code 99991663".
	Reason string

	// StatusCode of the reply.
	StatusCode int

	// LogID names the request for the API's support: X-Tt-Logid, else X-Request-Id. "" if the reply
	// has neither.
	LogID string

	// Err is why the request was sent once only: ErrBodySpent; ErrSameToken; that of
	// Source.Invalidate, such as tokencache.ErrCoolDown; that of Source.Get. nil: it was sent twice,
	// and the second token rejected as well, so that the cause is not the token. With 99991663 the
	// API may want another kind of token.
	Err error
}

// ErrSameToken is in a RejectedError if the Source has no other token than the one that was
// rejected: the issuer has handed it out again, as Feishu may until its last 30 min.
var ErrSameToken = errors.New("bearer: the Source gave the rejected access token again")

// newRejectedError keeps nothing of the reply but what names it.
func newRejectedError(resp *http.Response, reason string, err error) *RejectedError {
	e := &RejectedError{Reason: reason, StatusCode: resp.StatusCode, LogID: resp.Header.Get("X-Tt-Logid"), Err: err}
	if e.LogID == "" {
		e.LogID = resp.Header.Get("X-Request-Id")
	}
	return e
}

// Error names reason, status, log id, and what to do.
func (e *RejectedError) Error() string {
	var b strings.Builder
	b.WriteString("bearer: the API rejected the access token")
	if e.Err == nil {
		b.WriteString(", and the one after it")
	}
	b.WriteString(" (" + e.Reason)
	if e.LogID != "" {
		b.WriteString(", log id " + printable(e.LogID))
	}
	b.WriteString("): ")
	switch {
	case e.Err == nil:
		b.WriteString("check that this API takes this kind of token of this app")
	case errors.Is(e.Err, ErrBodySpent):
		b.WriteString("it was not sent once more, as the body cannot be had a second time: make the request anew, or set Config.KeepBody")
	default:
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns Err.
func (e *RejectedError) Unwrap() error { return e.Err }

// Timeout reports whether time ran out while there was to be another token. It is for url.Error.
func (e *RejectedError) Timeout() bool { return errors.Is(e.Err, context.DeadlineExceeded) }

// printable is a header's value, cut and without what a terminal would take as a command.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 100)]
}
