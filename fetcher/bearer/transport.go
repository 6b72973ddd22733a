package bearer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/aside"
	"github.com/onetoken-go/onetoken/tokencache"
)

// ErrNoToken is in the error of a request for which the Source gave no token of Config.Kind:
// none at all, or only one of the other kind. Feishu and Lark hand out both.
var ErrNoToken = errors.New("bearer: no access token of this kind")

// Transport is an http.RoundTripper that sends the token along. Make one with
// New. It has no state of its own, is safe for concurrent use and needs no
// Close.
type Transport struct {
	source Source
	kind   Kind
	base   http.RoundTripper
	hosts  origins
}

// New makes a Transport, without any I/O. The error names every field that is
// wrong, and never a value.
func New(c Config) (*Transport, error) {
	c = c.withDefaults()
	hosts, err := c.validate()
	if err != nil {
		return nil, fmt.Errorf("bearer: %w", err)
	}
	return &Transport{source: c.Source, kind: c.Kind, base: c.Base, hosts: hosts}, nil
}

// RoundTrip sends a request with the token if the request goes to one of Config.Hosts and has no
// Authorization header, not even one without a value. It sends any other request as it is. If the
// API rejects the token, RoundTrip sends the request once more, with the token that follows. If
// there is no other token, or the request has a body without GetBody (http.NewRequest sets it for
// bytes and strings), it returns the rejection, whole.
//
// With a token at hand it costs some 3 µs: a copy of the request, and a look into the reply that
// ends with the code, or with the reply if that is a rejection. RoundTrip waits, as the caller
// would, until so much of the reply is there or the request's context ends. It waits for a token
// that is not at hand: set a deadline. After a rejection it waits for a Redis that is down, for a
// few RedisTimeouts.
//
// Errors: those of Source.Get, such as a *tokencache.IssuerError, if there is no token; ErrNoToken;
// else those of Config.Base. None holds a token, and Response.Request is the request without it.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.authorizes(req) {
		return t.base.RoundTrip(req)
	}
	tok, err := t.token(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, err := t.send(req, req.Body, tok)
	if err != nil || !t.rejects(req, resp) {
		return resp, err
	}
	next, body, ok := t.again(req, tok)
	if !ok {
		return resp, nil
	}
	drain(req.Context(), resp.Body)
	return t.send(req, body, next)
}

func (t *Transport) token(ctx context.Context) (tokencache.Token, error) {
	tok, err := t.source.Get(ctx)
	if err != nil {
		return tok, &getError{err}
	}
	if t.kind.of(tok) != "" {
		return tok, nil
	}
	for _, other := range []Kind{Tenant, App} {
		if other.of(tok) != "" {
			return tok, fmt.Errorf("%w: the issuer gave none of kind %s, but one of kind %s: set Config.Kind", ErrNoToken, t.kind, other)
		}
	}
	return tok, fmt.Errorf("%w: the Source gave an empty one", ErrNoToken)
}

// closeBody closes the body of a request that is not sent, as a RoundTripper has to. Base closes
// those of the requests that it gets.
func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

func (t *Transport) send(req *http.Request, body io.ReadCloser, tok tokencache.Token) (*http.Response, error) {
	authorized := req.Clone(req.Context())
	authorized.Body = body
	if authorized.Header == nil {
		authorized.Header = http.Header{}
	}
	authorized.Header.Set("Authorization", "Bearer "+t.kind.of(tok))
	resp, err := t.base.RoundTrip(authorized)
	if resp == nil && err == nil {
		return nil, errors.New("bearer: Base returned neither a response nor an error")
	}
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// again tells the fleet of a rejection, and returns what a second try is made of: another token,
// and the body anew. Not ok: a second try would gain nothing.
func (t *Transport) again(req *http.Request, bad tokencache.Token) (next tokencache.Token, body io.ReadCloser, ok bool) {
	ctx := req.Context()
	// With ErrRedis this process knows of the rejection, and may get another token.
	if err := t.source.Invalidate(ctx, bad); err != nil && !errors.Is(err, tokencache.ErrRedis) {
		return next, nil, false
	}
	if !replayable(req) {
		return next, nil, false
	}
	next, err := t.token(ctx)
	if err != nil || t.kind.of(next) == t.kind.of(bad) {
		return next, nil, false
	}
	if req.GetBody == nil {
		return next, req.Body, true
	}
	body, err = req.GetBody()
	return next, body, err == nil
}

func replayable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// drain lets the connection be used again. isRejection has read the body to its end, but the body
// of somebody else's transport may take its time to close: the second try does not wait for it for
// longer than drainTime.
func drain(ctx context.Context, body io.ReadCloser) {
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	_, _ = aside.Run(ctx, body.Close, func(error) {})
	cancel()
}

const drainTime = 100 * time.Millisecond

// CloseIdleConnections is Base's, for http.Client's method of that name.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// getError is the error of a request that was not sent. It has a Timeout of its own: url.Error, in
// which http.Client wraps it, asks no error further down.
type getError struct{ err error }

func (e *getError) Error() string { return "bearer: no access token: " + e.err.Error() }

func (e *getError) Unwrap() error { return e.err }

func (e *getError) Timeout() bool { return errors.Is(e.err, context.DeadlineExceeded) }
