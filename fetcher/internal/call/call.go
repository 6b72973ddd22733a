package call

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/aside"
	"github.com/onetoken-go/onetoken/tokencache"
)

// longest bounds a call whose ctx has no end. It is above every FetchTimeout that a Cache accepts.
const longest = 30 * time.Second

// Caller calls one issuer, and makes the errors about it. All fields have to be set, but where it
// is said otherwise; it is safe for concurrent use.
type Caller struct {
	// Issuer is the name of the issuer in errors.
	Issuer string
	// Setting is how advice calls the setting that has the issuer's address: "base URL".
	Setting string
	// Added is the path that is added to the setting; "" if it is the whole address.
	Added string
	// Hosts names the hosts that are right, in brackets; "" if there is no such list.
	Hosts string
	// Unauthorized is the advice on a 401 without a code; "" if with this issuer that means as little as
	// any other status.
	Unauthorized string
	// OverHTTP is whether the address begins with http://.
	OverHTTP bool

	Transport http.RoundTripper
	Clean     Cleaner

	// LogIDs and Waits are headers, the one that is heeded first in front: the name of a request
	// for the issuer's support, and how long to wait.
	LogIDs, Waits []string
}

// Do makes the call, without following a redirect: a 307 would carry the secret elsewhere. Every
// error is a *tokencache.IssuerError, and once ctx has ended also ctx.Err(), by errors.Is. A call
// takes 30 s at most: Do leaves behind a Transport or a body that does not end in time.
func (c *Caller) Do(ctx context.Context, request func(context.Context) (*http.Request, error)) (Answer, error) {
	bounded, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	resp, err := c.send(bounded, request) //nolint:bodyclose // readBody closes it
	if err != nil {
		return Answer{}, c.noAnswer(ctx, err)
	}
	a := Answer{Status: resp.StatusCode, Header: resp.Header}
	if a.Body, err = readBody(bounded, resp); err != nil {
		v := Verdict{Advice: c.adviceOnSilence(ended(ctx))}
		if errors.Is(err, errTooLong) {
			v = c.OfStatus(a.Status)
		}
		return a, c.Refuse(a, v, brokenOff(ctx, err), ended(ctx))
	}
	return a, nil
}

// send uses the transport without an http.Client around it: a Client follows
// redirects, and quotes URLs in its errors.
func (c *Caller) send(ctx context.Context, request func(context.Context) (*http.Request, error)) (*http.Response, error) {
	req, err := request(ctx)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "onetoken")
	type sent struct {
		resp *http.Response
		err  error
	}
	r, ok := aside.Run(ctx, func() sent {
		resp, err := c.Transport.RoundTrip(req) //nolint:bodyclose // by readBody, or as it comes too late
		return sent{resp, err}
	}, func(late sent) { closeBody(late.resp) })
	switch {
	case !ok:
		return nil, ctx.Err()
	case r.err != nil:
		return nil, r.err
	case r.resp == nil || r.resp.Body == nil:
		return nil, errors.New("transport returned nothing")
	}
	return r.resp, nil
}

func closeBody(resp *http.Response) {
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
}

// Refuse makes the error of a verdict, with what only the answer knows. The status 429 outranks
// verdicts by which the issuer would be asked again sooner.
func (c *Caller) Refuse(a Answer, v Verdict, message string, cause error) *tokencache.IssuerError {
	if a.Status == http.StatusTooManyRequests && v.asksSooner() {
		v = RateLimited
	}
	e := &tokencache.IssuerError{
		Issuer:  c.Issuer,
		Status:  a.Status,
		Message: c.Clean.Message(message),
		LogID:   c.Clean.logID(a.Header, c.LogIDs),
		Class:   v.Class,
		Local:   v.Local,
		Advice:  v.Advice,
		Err:     cause,
	}
	if v.heedsWait() || a.Status == http.StatusServiceUnavailable {
		e.RetryAfter = retryAfter(a.Header, c.Waits, time.Now())
	}
	return e
}
