package lookalike

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Reply is an answer, and the ways in which it may go wrong on its way. Both
// ways out, socket and RoundTripper, are made from it.
type Reply struct {
	Status int
	// Header is by canonical names. A name without values keeps the Server
	// from adding its own.
	Header http.Header
	Body   []byte
	// Granted: the body is a token, and arrives.
	Granted bool
	// Code and Error are the issuer's own, as in the body: for its record of
	// the call.
	Code  int
	Error string

	silent  bool          // there is no answer until the client goes away
	reset   bool          // the connection is reset in place of an answer
	pause   time.Duration // above 0: before each byte of the body
	endless bool          // the body never ends
	cut     int           // above 0: the connection is cut after that many bytes
}

// New makes a Reply of a body.
func New(status int, contentType string, body []byte) Reply {
	return Reply{Status: status, Body: body, Header: http.Header{"Content-Type": {contentType}}}
}

// JSON makes a Reply of a body of the caller's own types: one that does not marshal is a panic.
func JSON(status int, body any) Reply {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return New(status, "application/json; charset=utf-8", text)
}

// Text makes a Reply of a line of plain text.
func Text(status int, body string) Reply {
	return New(status, "text/plain; charset=utf-8", []byte(body))
}

// contentLength is -1 for a body without an announced end.
func (rep Reply) contentLength() int64 {
	if rep.endless {
		return -1
	}
	return int64(len(rep.Body))
}

// headers of the answer, its length among them where there is one.
func (rep Reply) headers() http.Header {
	h := rep.Header.Clone()
	if n := rep.contentLength(); n >= 0 {
		h.Set("Content-Length", strconv.FormatInt(n, 10))
	}
	return h
}

// reader of the body as it arrives. It waits in Read, by the client's
// goroutine, so that a slow answer needs none of its own.
func (rep Reply) reader(ctx context.Context) io.ReadCloser {
	return &body{ctx: ctx, reply: rep, rest: rep.Body, closed: make(chan struct{})}
}

type body struct {
	ctx    context.Context // of the request: a body ends with it, as with a real transport
	reply  Reply
	rest   []byte
	sent   int
	once   sync.Once
	closed chan struct{}
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.wait(); err != nil {
		return 0, err
	}
	if b.reply.endless {
		return fill(p), nil
	}
	if b.reply.cut > 0 && b.sent >= b.reply.cut {
		return 0, io.ErrUnexpectedEOF
	}
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:b.portion(len(p))], b.rest)
	b.rest, b.sent = b.rest[n:], b.sent+n
	return n, nil
}

// wait returns when the next byte is due. It fails once the client is gone.
func (b *body) wait() error {
	if b.reply.pause <= 0 || len(b.rest) == 0 {
		return b.gone()
	}
	timer := time.NewTimer(b.reply.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-b.closed:
	case <-b.ctx.Done():
	}
	return b.gone()
}

// gone returns why nothing more can be read; nil while the client is there.
func (b *body) gone() error {
	select {
	case <-b.closed:
		return http.ErrBodyReadAfterClose
	default:
		return b.ctx.Err()
	}
}

// portion of a body that one Read may return.
func (b *body) portion(n int) int {
	if b.reply.pause > 0 {
		return min(n, 1)
	}
	if b.reply.cut > 0 {
		return min(n, b.reply.cut-b.sent)
	}
	return n
}

func fill(p []byte) int {
	for n := range p {
		p[n] = ' '
	}
	return len(p)
}

func (b *body) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}
