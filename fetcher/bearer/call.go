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

// call is a request that gets a token.
type call struct {
	*Transport
	source Source
	kind   Kind
	req    *http.Request
	replay replay
}

// do sends the request, and once more if the token was rejected.
func (c *call) do() (*http.Response, error) {
	tok, err := c.token()
	if err != nil {
		closeBody(c.req)
		return nil, err
	}
	resp, err := c.send(c.replay.first(), tok)
	if err != nil {
		c.replay.done()
		return resp, err
	}
	reason, rejected := c.look(c.req, resp)
	if !rejected {
		c.replay.done()
		return resp, nil
	}
	next, body, err := c.another(tok)
	if err != nil {
		c.replay.done()
		return c.surfaced(resp, reason, err)
	}
	c.drain(resp)
	resp, err = c.send(body, next)
	return c.last(resp, err)
}

// last looks at the reply to the second send only if somebody is to hear of it.
func (c *call) last(resp *http.Response, err error) (*http.Response, error) {
	if err != nil || !c.surface {
		return resp, err
	}
	if reason, rejected := c.look(c.req, resp); rejected {
		return c.surfaced(resp, reason, nil)
	}
	return resp, nil
}

// surfaced returns a rejection as what Config.Surface has it be.
func (c *call) surfaced(resp *http.Response, reason string, err error) (*http.Response, error) {
	if !c.surface {
		return resp, nil
	}
	c.drain(resp)
	return nil, newRejectedError(resp, reason, err)
}

func (c *call) token() (tokencache.Token, error) {
	tok, err := c.source.Get(c.req.Context())
	if err != nil {
		return tok, &getError{err}
	}
	if c.kind.of(tok) != "" {
		return tok, nil
	}
	for _, other := range []Kind{Tenant, App} {
		if other.of(tok) != "" {
			return tok, fmt.Errorf("%w: the issuer gave none of kind %s, but one of kind %s: set Config.Kind", ErrNoToken, c.kind, other)
		}
	}
	return tok, fmt.Errorf("%w: the Source gave an empty one", ErrNoToken)
}

// send sends a copy of the request with a token, which stands in nothing that it returns.
func (c *call) send(body io.ReadCloser, tok tokencache.Token) (*http.Response, error) {
	token := c.kind.of(tok)
	authorized := c.req.Clone(c.req.Context())
	authorized.Body = body
	if authorized.Header == nil {
		authorized.Header = http.Header{}
	}
	c.place.put(authorized, token)
	resp, err := c.base.RoundTrip(authorized)
	if resp == nil && err == nil {
		return nil, errors.New("bearer: Base returned neither a response nor an error")
	}
	if resp != nil {
		resp.Request = c.req
		if locationErr := c.place.clean(resp, token); locationErr != nil && err == nil {
			c.drain(resp)
			return nil, locationErr
		}
	}
	return resp, hush(err, token)
}

// another tells the fleet of a rejection, and returns what a second send is made of: another token,
// and the body anew. With an error a second send would gain nothing.
func (c *call) another(bad tokencache.Token) (next tokencache.Token, body io.ReadCloser, err error) {
	// With ErrRedis this process knows of the rejection, and may get another token.
	if err := c.source.Invalidate(c.req.Context(), bad); err != nil && !errors.Is(err, tokencache.ErrRedis) {
		return next, nil, err
	}
	if _, isOnce := c.replay.(once); isOnce { // before the next token: it would be asked of the issuer for nothing
		return next, nil, ErrBodySpent
	}
	next, err = c.token()
	if err != nil {
		return next, nil, err
	}
	if c.kind.of(next) == c.kind.of(bad) {
		return next, nil, ErrSameToken
	}
	body, err = c.replay.second(c.req.Context())
	return next, body, err
}

// drain closes the body of a reply that is thrown away, and reads what a rejection may have left of
// it, so that the connection can be used again. The body of somebody else's transport may take its
// time: nobody waits for it for longer than drainTime.
func (c *call) drain(resp *http.Response) {
	if resp.Body == nil {
		return
	}
	ctx, cancel := context.WithTimeout(c.req.Context(), drainTime)
	defer cancel()
	_, _ = aside.Run(ctx, func() error {
		_, err := io.CopyN(io.Discard, resp.Body, maxPeek)
		return err
	}, func(error) {})
	_, _ = aside.Run(ctx, resp.Body.Close, func(error) {})
}

const drainTime = 100 * time.Millisecond

// closeBody closes the body of a request that is not sent, as a RoundTripper has to. Base closes
// those of the requests that it gets.
func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// getError is the error of a request that was not sent. It has a Timeout of its own: url.Error, in
// which http.Client wraps it, asks no error further down.
type getError struct{ err error }

func (e *getError) Error() string { return "bearer: no access token: " + e.err.Error() }

func (e *getError) Unwrap() error { return e.err }

func (e *getError) Timeout() bool { return errors.Is(e.err, context.DeadlineExceeded) }
