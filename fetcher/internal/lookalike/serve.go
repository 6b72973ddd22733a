package lookalike

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Server reaches one function in both ways: as an http.Handler and without a
// socket.
type Server struct {
	// Respond answers a request, whichever way it came. An error means that
	// its client has gone.
	Respond func(*http.Request) (Reply, error)
	// LogIDHeader, by its canonical name, carries a new log id in every answer.
	LogIDHeader string
}

// NewLogID looks like Feishu's: the time, and something random.
func NewLogID() string {
	return time.Now().UTC().Format("20060102150405") + rand.Text()[:18]
}

func (s Server) respond(r *http.Request) (Reply, error) {
	rep, err := s.Respond(r)
	if err != nil || rep.Header == nil {
		return rep, err
	}
	if _, set := rep.Header[s.LogIDHeader]; !set {
		rep.Header.Set(s.LogIDHeader, NewLogID())
	}
	return rep, nil
}

// ServeHTTP returns when the answer is written or its client has gone: a Fault
// that never answers lasts until then.
func (s Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rep, err := s.respond(r)
	if err != nil {
		panic(http.ErrAbortHandler) // nobody is left to answer
	}
	rep.write(r.Context(), w)
}

func (rep Reply) write(ctx context.Context, w http.ResponseWriter) {
	switch {
	case rep.silent:
		<-ctx.Done()
		panic(http.ErrAbortHandler)
	case rep.reset:
		resetConnection(w)
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), rep.headers())
	w.WriteHeader(rep.Status)
	if err := rep.writeBody(ctx, w); err != nil {
		panic(http.ErrAbortHandler) // cuts the connection short
	}
}

// writeBody flushes every piece, the headers first: slow and endless bodies
// arrive as they are made.
func (rep Reply) writeBody(ctx context.Context, w http.ResponseWriter) error {
	body := rep.reader(ctx)
	defer func() { _ = body.Close() }()
	out, buf := http.NewResponseController(w), make([]byte, 4096)
	for {
		// A ResponseWriter that cannot flush is fine, too.
		if err := out.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		n, err := body.Read(buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
	}
}

// resetConnection makes the client see a reset, not an orderly end. Where the
// connection cannot be had, as with HTTP/2, the caller's abort has to do.
func resetConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// RoundTripper reaches the function without a socket, whatever the URL's scheme
// and host. It honours the context of the request like a real transport,
// leaves no goroutine behind, and blocks only in ways that a testing/synctest
// bubble understands.
func (s Server) RoundTripper() http.RoundTripper { return roundTripper{s} }

type roundTripper struct{ server Server }

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	defer func() { _ = r.Body.Close() }()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rep, err := t.server.respond(r)
	if err != nil {
		return nil, err
	}
	return rep.response(r)
}

func (rep Reply) response(r *http.Request) (*http.Response, error) {
	switch {
	case rep.silent:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case rep.reset:
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	return &http.Response{
		Status:        strconv.Itoa(rep.Status) + " " + http.StatusText(rep.Status),
		StatusCode:    rep.Status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        rep.headers(),
		Body:          rep.reader(r.Context()),
		ContentLength: rep.contentLength(),
		Request:       r,
	}, nil
}
