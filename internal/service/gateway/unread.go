package gateway

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// unread is a request's body of which it is known what has become of it.
type unread struct {
	io.ReadCloser
	ended, broken atomic.Bool
}

// watchBody returns the request with a body that is watched.
func watchBody(r *http.Request) (*http.Request, *unread) {
	body := &unread{ReadCloser: r.Body}
	body.ended.Store(r.Body == nil || r.Body == http.NoBody)
	if !body.ended.Load() {
		r = r.WithContext(r.Context()) // a copy, of which the body may be changed
		r.Body = body
	}
	return r, body
}

func (b *unread) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.broken.Store(!errors.Is(err, io.EOF))
		b.ended.Store(true)
	}
	return n, err
}

const (
	unreadTime  = 5 * time.Second
	unreadBytes = 32 << 20
)

// readOn reads up to 32 MiB, for 5 s, of a body that the answer did not wait for: net/http would close the connection, and
// the client, which is still sending, would lose the answer. By HTTP/2 the server can tell it to stop; a client that
// sent Expect has not begun.
func (b *unread) readOn(w http.ResponseWriter, r *http.Request) {
	if b.ended.Load() || r.ProtoMajor > 1 || r.Header.Get("Expect") != "" {
		return
	}
	control := http.NewResponseController(w)
	if control.Flush() != nil || control.SetReadDeadline(time.Now().Add(unreadTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, b, unreadBytes)
	_ = control.SetReadDeadline(time.Time{})
}
