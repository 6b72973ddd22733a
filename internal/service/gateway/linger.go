package gateway

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// watched is a request's body of which it is known whether it was read to its end.
type watched struct {
	io.ReadCloser
	ended atomic.Bool
}

// watch returns nil of a request whose body need not be: without one, or by HTTP/2, where a server can say that it
// wants no more, or of a client that waits for a word before it sends one.
func watch(r *http.Request) *watched {
	if r.ProtoMajor > 1 || r.Body == nil || r.Body == http.NoBody || r.Header.Get("Expect") != "" {
		return nil
	}
	return &watched{ReadCloser: r.Body}
}

// request has the body that is watched. It is the handler's own, and may be changed.
func (b *watched) request(r *http.Request) *http.Request {
	if b == nil {
		return r
	}
	r = r.WithContext(r.Context())
	r.Body = b
	return r
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.ended.Store(true)
	}
	return n, err
}

const (
	lingerTime  = 5 * time.Second
	lingerBytes = 32 << 20
)

// linger takes in what is still to come of a body that the answer did not wait for. Net/http would close the connection
// under the client, which then sees a broken pipe in place of the answer.
func (b *watched) linger(w http.ResponseWriter) {
	if b == nil || b.ended.Load() {
		return
	}
	control := http.NewResponseController(w)
	if control.Flush() != nil || control.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return // it has been upgraded
	}
	_, _ = io.CopyN(io.Discard, b, lingerBytes)
	_ = control.SetReadDeadline(time.Time{})
}
