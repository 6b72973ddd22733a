package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/onetoken-go/onetoken/fetcher/internal/aside"
)

const (
	// maxBody is far above any answer with a token (under 1 KiB; JWTs of 4 KiB
	// are announced), and bounds what a broken issuer can cost.
	maxBody = 64 << 10
	// maxToken keeps a token fit for a header of a request.
	maxToken = 8 << 10
)

// Answer is what came back, before anyone believes it.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
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
		if !IsInterim(resp.StatusCode) {
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

// brokenOff says how an answer broke off. Its words follow "<issuer> answered: ", as those about
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

// Text returns the body without what may stand around its text: blanks, and in front of them a byte
// order mark.
func (a Answer) Text() []byte { return bytes.TrimSpace(bytes.TrimPrefix(a.Body, byteOrderMark)) }

// NotJSON says of a Text that is no JSON what it is instead, without quoting it.
func NotJSON(text []byte) string {
	switch {
	case len(text) == 0:
		return "nothing, the body is empty"
	case text[0] == '<':
		return "a page of HTML, perhaps of a proxy"
	case isUTF16(text):
		return "text in UTF-16, where JSON is in UTF-8"
	}
	return "something that is not JSON"
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

// IsToken accepts what can stand in an Authorization header.
func IsToken(s string) bool { return len(s) <= maxToken && IsWord(s) }

// IsWord reports whether s is printable ASCII without spaces.
func IsWord(s string) bool {
	for _, b := range []byte(s) {
		if b <= ' ' || b >= 0x7f {
			return false
		}
	}
	return true
}
