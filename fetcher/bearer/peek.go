package bearer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/internal/aside"
)

// maxPeek bounds what is read, and kept, of a reply: a rejection has a few hundred bytes.
const maxPeek = 16 << 10

var errBound = errors.New("bearer: too long for a rejection") // nobody sees it

// rejects reports whether a reply rejects the token. The body is whole again afterwards, its end
// and its error included.
func (t *Transport) rejects(req *http.Request, resp *http.Response) bool {
	if !mayReject(req, resp) {
		return false
	}
	ahead := &ahead{body: resp.Body}
	rejects := t.rejectsWithin(req.Context(), ahead)
	resp.Body = &whole{head: ahead.kept, end: ahead.end, body: resp.Body}
	return rejects
}

// rejectsWithin looks until ctx ends. The bodies of an http.Transport end with ctx by themselves,
// so there it does not look aside, which costs more than the look on most replies.
func (t *Transport) rejectsWithin(ctx context.Context, a *ahead) bool {
	if _, ok := t.base.(*http.Transport); ok || ctx.Done() == nil {
		return isRejection(a)
	}
	rejects, ok := aside.Run(ctx, func() bool { return isRejection(a) }, func(bool) {})
	if !ok {
		a.leave(ctx.Err())
		return false
	}
	return rejects
}

// mayReject tells by the head of a reply whether it may be a rejection.
func mayReject(req *http.Request, resp *http.Response) bool {
	switch {
	case resp.StatusCode < 200 || req.Method == http.MethodConnect: // the body is a connection
		return false
	case req.Method == http.MethodHead || resp.Body == nil || resp.Body == http.NoBody:
		return false
	case resp.ContentLength == 0 || resp.ContentLength > maxPeek:
		return false
	case resp.Header.Get("Content-Encoding") != "":
		return false
	case isFile(resp):
		return false
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // a bad parameter does not matter
	return media == "application/json"
}

// isFile reports whether a reply is a file that a user has stored, which may look like anything.
// The API tells only with a file how to save it, or sends only of a file a part.
func isFile(resp *http.Response) bool {
	if resp.StatusCode >= 400 {
		return isToBeSaved(resp.Header)
	}
	return resp.StatusCode == http.StatusPartialContent || has(resp.Header, "Content-Range") || has(resp.Header, "Content-Disposition")
}

// isToBeSaved looks at the head of an error. Gateways put "inline" there, so that no browser takes
// the error for a program; any other word counts as an attachment (RFC 6266, 4.2).
func isToBeSaved(h http.Header) bool {
	return slices.ContainsFunc(h["Content-Disposition"], func(disposition string) bool {
		kind, _, _ := strings.Cut(disposition, ";")
		return !strings.EqualFold(strings.TrimSpace(kind), "inline")
	})
}

func has(h http.Header, name string) bool { return len(h[name]) > 0 }

// isRejection reports whether a body is one object, and nothing else, with the code of a rejection
// and a message. It reads no further than it must, so that it does not hold up a long reply: any
// other code ends the look, and only a rejection is read to its end.
func isRejection(r io.Reader) bool {
	d := json.NewDecoder(&marked{r: r})
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return false
	}
	codes, messages := 0, 0
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return false
		}
		ok := false
		switch key {
		case "code":
			codes++
			ok = rejectsToken(d)
		case "msg":
			messages++
			ok = d.Decode(new(text)) == nil
		default:
			ok = d.Decode(new(skipped)) == nil
		}
		if !ok {
			return false
		}
	}
	return codes == 1 && messages == 1 && ends(d)
}

func rejectsToken(d *json.Decoder) bool {
	var code int
	return d.Decode(&code) == nil && fetcher.FeishuRejectsToken(code)
}

// ends reads the end of the object, and reports whether the body ends with it.
func ends(d *json.Decoder) bool {
	if _, err := d.Token(); err != nil {
		return false
	}
	_, err := d.Token()
	return err == io.EOF
}

// skipped is any value, checked and not kept.
type skipped struct{}

func (*skipped) UnmarshalJSON([]byte) error { return nil }

// text is a string, not kept.
type text struct{}

func (*text) UnmarshalJSON(value []byte) error {
	if value[0] != '"' {
		return errors.New("bearer: not a string") // nobody sees it
	}
	return nil
}

// marked leaves out one byte order mark of UTF-8 at the beginning.
type marked struct {
	r     io.Reader
	begun bool
}

const byteOrderMark = "\xef\xbb\xbf"

func (m *marked) Read(p []byte) (int, error) {
	if m.begun || len(p) < len(byteOrderMark) {
		return m.r.Read(p)
	}
	n, err := m.r.Read(p)
	m.begun = n > 0
	for err == nil && 0 < n && n < len(byteOrderMark) && string(p[:n]) == byteOrderMark[:n] {
		var more int
		more, err = m.r.Read(p[n:])
		n += more
	}
	if rest, ok := bytes.CutPrefix(p[:n], []byte(byteOrderMark)); ok {
		n = copy(p, rest)
	}
	return n, err
}

// ahead reads a body up to a bound, and keeps what it has read.
type ahead struct {
	body io.Reader

	mu   sync.Mutex // guards the rest
	kept []byte
	end  error // what the body ended with, if it has
}

func (a *ahead) Read(p []byte) (int, error) {
	room, err := a.room()
	if err != nil {
		return 0, err
	}
	n, err := a.body.Read(p[:min(len(p), room)])

	a.mu.Lock()
	defer a.mu.Unlock()
	if a.end != nil { // left meanwhile
		return 0, a.end
	}
	a.kept, a.end = append(a.kept, p[:n]...), err
	return n, err
}

func (a *ahead) room() (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.end != nil {
		return 0, a.end
	}
	if len(a.kept) > maxPeek {
		return 0, errBound
	}
	return maxPeek + 1 - len(a.kept), nil // one more, to know of more
}

// leave ends the body with err, and drops what a Read under way still brings. That Read ends when
// the caller closes the body.
func (a *ahead) leave(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.end = cmp.Or(a.end, err)
}

// whole is a body of which the head was read already, perhaps to its end.
type whole struct {
	head []byte
	end  error
	body io.ReadCloser
}

func (w *whole) Read(p []byte) (int, error) {
	switch {
	case len(w.head) > 0:
		n := copy(p, w.head)
		w.head = w.head[n:]
		return n, nil
	case w.end != nil:
		return 0, w.end
	}
	return w.body.Read(p)
}

func (w *whole) Close() error { return w.body.Close() }
