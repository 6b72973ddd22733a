package feishutest

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
)

// ServeHTTP serves the paths named in the package's comment, as under
// httptest.NewServer. It returns when the answer is written or its client has
// gone: a fault that never answers lasts until then, and so does
// httptest.Server.Close unless CloseClientConnections comes first.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rep, err := i.respond(r)
	if err != nil {
		panic(http.ErrAbortHandler) // nobody is left to answer
	}
	rep.write(r.Context(), w)
}

func (rep reply) write(ctx context.Context, w http.ResponseWriter) {
	switch {
	case rep.silent:
		<-ctx.Done()
		panic(http.ErrAbortHandler)
	case rep.reset:
		resetConnection(w)
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), rep.headers())
	w.WriteHeader(rep.status)
	if err := rep.writeBody(ctx, w); err != nil {
		panic(http.ErrAbortHandler) // cuts the connection short
	}
}

// writeBody flushes every piece, the headers first: slow and endless bodies
// arrive as they are made.
func (rep reply) writeBody(ctx context.Context, w http.ResponseWriter) error {
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

// RoundTripper reaches the issuer without a socket, whatever the URL's scheme
// and host. It honours the context of the request like a real transport,
// leaves no goroutine behind, and blocks only in ways that a testing/synctest
// bubble understands.
func (i *Issuer) RoundTripper() http.RoundTripper { return roundTripper{i} }

type roundTripper struct{ issuer *Issuer }

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	defer func() { _ = r.Body.Close() }()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rep, err := t.issuer.respond(r)
	if err != nil {
		return nil, err
	}
	return rep.response(r)
}

func (rep reply) response(r *http.Request) (*http.Response, error) {
	switch {
	case rep.silent:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case rep.reset:
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	return &http.Response{
		Status:        strconv.Itoa(rep.status) + " " + http.StatusText(rep.status),
		StatusCode:    rep.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        rep.headers(),
		Body:          rep.reader(r.Context()),
		ContentLength: rep.contentLength(),
		Request:       r,
	}, nil
}
