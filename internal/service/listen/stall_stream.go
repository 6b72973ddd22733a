package listen

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// stallBody is a body whose client has to send.
type stallBody struct{ s *stall }

func (b stallBody) Read(p []byte) (int, error) {
	b.s.reads.begin()
	defer b.s.reads.end()
	n, err := b.s.body.Read(p)
	if errors.Is(err, io.EOF) {
		b.s.drained.Store(true)
	}
	return n, err
}

// Close reads as much of the rest as net/http does.
func (b stallBody) Close() error {
	b.s.reads.begin()
	defer b.s.reads.end()
	err := b.s.body.Close()
	b.s.drained.Store(true)
	return err
}

// stallWriter is a response whose client has to read. It has no ReadFrom, since the kernel's copying
// (sendfile) would go on without a sign of progress.
type stallWriter struct{ s *stall }

// Unwrap leads http.ResponseController to what this does not watch.
func (w stallWriter) Unwrap() http.ResponseWriter { return w.s.inner }

// Header is that of the response.
func (w stallWriter) Header() http.Header { return w.s.inner.Header() }

// WriteHeader writes to the client if the status is 1xx.
func (w stallWriter) WriteHeader(status int) {
	w.s.writes.begin()
	defer w.s.writes.end()
	w.s.inner.WriteHeader(status)
}

func (w stallWriter) Write(p []byte) (int, error) {
	return inPieces(&w.s.writes, p, w.s.inner.Write)
}

// WriteString spares io.WriteString a copy.
func (w stallWriter) WriteString(text string) (int, error) {
	return inPieces(&w.s.writes, text, func(piece string) (int, error) { return io.WriteString(w.s.inner, piece) })
}

// One of these within the limit is progress.
const mostOfPiece = 32 << 10

// inPieces writes so that a slow client is seen to read.
func inPieces[T string | []byte](writes *watch, all T, write func(T) (int, error)) (written int, err error) {
	writes.begin()
	defer writes.end()
	for len(all) > mostOfPiece {
		n, err := write(all[:mostOfPiece])
		written += n
		if err != nil {
			return written, err
		}
		writes.moved()
		all = all[mostOfPiece:]
	}
	n, err := write(all)
	return written + n, err
}

// FlushError is what http.ResponseController calls.
func (w stallWriter) FlushError() error {
	w.s.writes.begin()
	defer w.s.writes.end()
	return w.s.control.Flush()
}

// Flush is for handlers that ask for an http.Flusher.
func (w stallWriter) Flush() { _ = w.FlushError() }

// Hijack ends the watching: the connection is the handler's.
func (w stallWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.s.writes.begin() // it flushes
	conn, buffers, err := w.s.control.Hijack()
	w.s.writes.end()
	if err != nil {
		return nil, nil, err
	}
	w.s.reads.stop()
	w.s.writes.stop()
	_ = conn.SetDeadline(time.Time{}) // if it was cut since net/http did this
	return conn, buffers, nil
}

// EnableFullDuplex is refused in HTTP/1.1: with it net/http keeps a connection whose body has
// stalled when the handler returned, and would take the rest of the body for the next request.
func (w stallWriter) EnableFullDuplex() error {
	if !w.s.http2 {
		return fmt.Errorf("full duplex under a StallTimeout: %w", http.ErrNotSupported)
	}
	return w.s.control.EnableFullDuplex()
}
