package larksdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
)

// Errors of a call that was not sent. Each has more words, and never a token.
var (
	// ErrHost: the SDK wants to send a token of an app to a host that is none of the app's: its
	// lark.WithOpenBaseUrl and App.Hosts do not agree.
	ErrHost = errors.New("larksdk: this host gets no token of the app")

	// ErrForeignApp: the request is by a lark.Client whose app is none of this Client's. Each
	// lark.NewClient wants lark.WithHttpClient with the Client that has its app.
	ErrForeignApp = errors.New("larksdk: the app is none of this client's")

	// ErrNoTenant: App.ForTenant has no Source for the tenant, or the SDK has a form of key that is
	// unknown, so that the tenant is.
	ErrNoTenant = errors.New("larksdk: no source for this tenant")

	// ErrNoSource: the SDK wants the app access token of a store app whose App.Source was left out.
	ErrNoSource = errors.New("larksdk: no App.Source for an app access token")

	// ErrTokenRequest: the SDK asks the issuer for a token of one of the apps, so that its cache is
	// not a Cache of this package. Set lark.WithTokenCache as well as lark.WithHttpClient. Under
	// lark.WithEnableTokenCache(false) there is no such error, but in the keyless mode: the SDK sends no
	// token, the API replies with code 99991661, and Config.Logger is told which option to leave out.
	ErrTokenRequest = errors.New("larksdk: the sdk asks for a token by itself")
)

// Client is a larkcore.HttpClient, for lark.WithHttpClient, and an http.RoundTripper. It puts tokens
// in place of the markers that a Cache gave; other requests it sends as they are, a user's token
// among them. Safe for concurrent use; needs no Close.
type Client struct {
	apps      map[string]*app
	base      http.RoundTripper
	tokenless *tokenless
	http      *http.Client
}

// app is an App with the Transport that sends its tokens.
type app struct {
	App
	transport *bearer.Transport
}

// New makes the two that an SDK wants, for any number of apps, without any I/O: give both to each
// lark.NewClient of these apps. The error names every field that is wrong, and never a value.
func New(c Config) (*Cache, *Client, error) {
	if err := c.validate(); err != nil {
		return nil, nil, fmt.Errorf("larksdk: %w", err)
	}
	c = c.withDefaults()
	client := &Client{apps: map[string]*app{}, base: c.Base}
	var errs []error
	for i, a := range c.Apps {
		transport, err := bearer.New(bearer.Config{
			For:      chosen,
			Hosts:    a.Hosts,
			Rejects:  rejects,
			Surface:  true, // the SDK takes a rejection as a call to send a body again that it has spent
			KeepBody: c.KeepBody,
			Base:     fence{a.ID, c.Base},
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("larksdk: Apps[%d]: %w", i, err))
		}
		client.apps[a.ID] = &app{a, transport}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	cache := &Cache{rest: c.Rest, warnings: warnings{logger: c.Logger}}
	tokenless, err := newTokenless(c, &cache.warnings)
	if err != nil {
		return nil, nil, fmt.Errorf("larksdk: %w", err)
	}
	client.tokenless = tokenless
	for _, a := range c.Apps {
		register(a.ID)
	}
	client.http = &http.Client{Transport: client, Timeout: c.Timeout}
	return cache, client, nil
}

// Do is RoundTrip with redirects and Config.Timeout. Its errors are an *url.Error each.
func (c *Client) Do(req *http.Request) (*http.Response, error) { return c.http.Do(req) }

// RoundTrip sends a request with the token that its marker names, and once more, with the whole body,
// if the API rejects that: see bearer.Transport. A rejection that stays is a *bearer.RejectedError.
// A request without a marker is sent as it is.
//
// Errors, none of which holds a token: those of bearer.Transport, such as bearer.ErrNoToken if the
// Source gave none of the kind that the SDK wants, and of this package.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) {
	m, ok := markerOf(req)
	if ok {
		return c.withToken(req, m)
	}
	if strings.Contains(req.Header.Get("Authorization"), markerPrefix) {
		return refuse(req, ErrForeignApp) // a marker of ours, and garbled
	}
	if id, ok := c.requestsToken(req); ok {
		return refuse(req, fmt.Errorf("%w, for the app %s: give its lark.NewClient the Cache by lark.WithTokenCache; a token for "+
			"other purposes is to be had from the Source", ErrTokenRequest, id))
	}
	resp, err := c.tokenless.RoundTrip(req)
	return resp, final(req, err, false)
}

// sourceKey is where a request's context has its *tokenSource, for bearer.Config.For.
type sourceKey struct{}

func chosen(req *http.Request) (bearer.Source, bearer.Kind) {
	source, ok := req.Context().Value(sourceKey{}).(*tokenSource)
	if !ok {
		return nil, 0
	}
	return source, source.kind()
}

func (c *Client) withToken(req *http.Request, m marker) (*http.Response, error) {
	a, ok := c.apps[m.app]
	if !ok {
		return refuse(req, fmt.Errorf("%w: %s. Give its lark.NewClient, by lark.WithHttpClient, the Client whose Config.Apps has it", ErrForeignApp, m.app))
	}
	source, err := a.source(m)
	if err != nil {
		return refuse(req, err)
	}
	tokens := &tokenSource{Source: source, marker: m}
	unmarked := req.Clone(context.WithValue(req.Context(), sourceKey{}, tokens))
	unmarked.Header.Del("Authorization")
	resp, err := a.transport.RoundTrip(unmarked)
	return resp, final(req, err, tokens.rejected)
}

func (a *app) source(m marker) (bearer.Source, error) {
	if m.kind == bearer.App || a.ForTenant == nil {
		if a.Source == nil {
			return nil, fmt.Errorf("%w: set it for the store app %s", ErrNoSource, m.app)
		}
		return a.Source, nil
	}
	if m.anyTenant {
		return nil, fmt.Errorf("%w: the sdk wants one of the store app %s, and the form of its key is unknown: see whether there is a newer version of onetoken", ErrNoTenant, m.app)
	}
	if source := a.ForTenant(m.tenant); source != nil && !isNilPointer(source) {
		return source, nil
	}
	return nil, fmt.Errorf("%w: App.ForTenant of the app %s gave none for %q", ErrNoTenant, m.app, m.tenant)
}

// fence is the Base of an app's Transport. It refuses a request of the SDK's that the Transport has given
// no token, as its host is none of App.Hosts: withToken has removed the marker, so that the API would
// get nothing in its place. A request after a redirect it lets pass without a token: http.Client has
// followed the API to a host that is to get none.
type fence struct {
	app  string
	base http.RoundTripper
}

func (f fence) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("Authorization") == "" && req.Response == nil {
		return refuse(req, fmt.Errorf("%w %s: %q. Either it belongs into App.Hosts, or lark.WithOpenBaseUrl has to be set to one that is there", ErrHost, f.app, hostOf(req)))
	}
	return f.base.RoundTrip(req)
}

func hostOf(req *http.Request) string {
	if req.URL == nil {
		return ""
	}
	if req.Host != "" && req.Host != req.URL.Host {
		return req.Host
	}
	return req.URL.Scheme + "://" + req.URL.Host
}

func (f fence) CloseIdleConnections() { closeIdle(f.base) }

// CloseIdleConnections is Base's, for http.Client's method of that name.
func (c *Client) CloseIdleConnections() { closeIdle(c.base) }

func closeIdle(base http.RoundTripper) {
	if base, ok := base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// refuse does not send a request.
func refuse(req *http.Request, err error) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return nil, err
}

// Format prints no field, as the SDK prints its config.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "larksdk.Client") }
