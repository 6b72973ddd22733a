package bearer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/onetoken-go/onetoken/fetcher/internal/aside"
)

// maxPeek bounds what is read, and kept, of a reply: a rejection has a few hundred bytes.
const maxPeek = 16 << 10

var errBound = errors.New("bearer: too long for a rejection")

// look asks Config.Rejects about a reply. The body is whole again afterwards, its end and its error
// included; untouched, if Rejects read nothing of it.
func (t *Transport) look(req *http.Request, resp *http.Response) (reason string, rejected bool) {
	if resp.StatusCode < 200 || req.Method == http.MethodConnect { // the body is a connection
		return "", false
	}
	a := &ahead{ctx: req.Context(), body: resp.Body, aside: t.looksAside(req.Context())}
	seen := *resp
	seen.Body = a
	if req.Method == http.MethodHead || resp.Body == nil || resp.Body == http.NoBody {
		seen.Body = http.NoBody
	}
	reason, rejected = t.rejects(&seen)
	if a.begun {
		resp.Body = &whole{head: a.kept, end: a.end, body: resp.Body}
	}
	return reason, rejected
}

// looksAside reports whether a body may outlast ctx. Those of an http.Transport end with it by
// themselves: there it is not read aside, which costs more than the look on most replies.
func (t *Transport) looksAside(ctx context.Context) bool {
	_, ok := t.base.(*http.Transport)
	return !ok && ctx.Done() != nil
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

// ahead reads a body up to a bound, and until ctx ends, and keeps what it has read. Its Close does
// nothing: the caller closes the body.
type ahead struct {
	ctx   context.Context // of the one request that it lives in
	body  io.Reader
	aside bool

	begun bool
	kept  []byte
	end   error // what the body ended with, if it has
}

func (a *ahead) Close() error { return nil }

func (a *ahead) Read(p []byte) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case a.end != nil:
		return 0, a.end
	case len(a.kept) > maxPeek:
		return 0, errBound
	}
	a.begun = true
	n, err := a.read(p[:min(len(p), maxPeek+1-len(a.kept))]) // one more, to know of more
	a.kept, a.end = append(a.kept, p[:n]...), err
	return n, err
}

func (a *ahead) read(p []byte) (int, error) {
	if !a.aside {
		return a.body.Read(p)
	}
	type result struct {
		read []byte
		err  error
	}
	r, ok := aside.Run(a.ctx, func() result {
		own := make([]byte, len(p)) // a Read that is left behind may not write into p
		n, err := a.body.Read(own)
		return result{own[:n], err}
	}, func(result) {})
	if !ok { // the Read ends when the caller closes the body; what it still brings is dropped
		return 0, a.ctx.Err()
	}
	return copy(p, r.read), r.err
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
