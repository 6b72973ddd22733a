package bearer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"sync"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/internal/aside"
)

// maxPeek bounds what is read, and kept, of a reply to find its code: it stands
// first or after the data, and rejections are a few hundred bytes.
const maxPeek = 1 << 20

var errBound = errors.New("bearer: too long to look through") // nobody sees it

// rejects says whether a reply rejects the token, by its code at whatever
// status. The body is whole again afterwards, its end and its error included.
func (t *Transport) rejects(req *http.Request, resp *http.Response) bool {
	if !mayHaveCode(req, resp) {
		return false
	}
	ahead := &ahead{body: resp.Body}
	code := t.codeWithin(req.Context(), ahead)
	resp.Body = &whole{head: ahead.kept, end: ahead.end, body: resp.Body}
	return fetcher.RejectsToken(code)
}

// codeWithin looks until ctx ends. The bodies of an http.Transport end with it by themselves;
// to look aside costs more than the look, on most replies.
func (t *Transport) codeWithin(ctx context.Context, a *ahead) int {
	if _, ok := t.base.(*http.Transport); ok || ctx.Done() == nil {
		return codeOf(a)
	}
	code, ok := aside.Run(ctx, func() int { return codeOf(a) }, func(int) {})
	if !ok {
		a.leave(ctx.Err())
	}
	return code
}

func mayHaveCode(req *http.Request, resp *http.Response) bool {
	switch {
	case resp.StatusCode < 200 || req.Method == http.MethodConnect: // the body is a connection
		return false
	case resp.Body == nil || resp.Body == http.NoBody || resp.ContentLength == 0:
		return false
	case resp.Header.Get("Content-Encoding") != "":
		return false
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // a bad parameter does not matter
	return media == "application/json"
}

// codeOf returns the code of the outermost object, and 0 if there is none. It
// reads no further than it must, lest a long reply is held up.
func codeOf(r io.Reader) int {
	d := json.NewDecoder(r)
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return 0
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return 0
		}
		if key == "code" {
			return number(d)
		}
		if err := d.Decode(&skipped{}); err != nil {
			return 0
		}
	}
	return 0
}

func number(d *json.Decoder) (code int) {
	if err := d.Decode(&code); err != nil {
		return 0
	}
	return code
}

// skipped is any value, checked and not kept.
type skipped struct{}

func (*skipped) UnmarshalJSON([]byte) error { return nil }

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
	if len(a.kept) == maxPeek {
		return 0, errBound
	}
	return maxPeek - len(a.kept), nil
}

// leave ends the body with err, and whatever a Read still brings is not kept. That Read ends
// when the caller closes the body.
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
