package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/internal/service/absence"
)

// forward passes the request on with the token that it has, if any, and the answer back. What has no known length goes on
// as it comes.
func (v *visit) forward(app App) *refusal {
	to, err := v.gateway.upstreams.to(app)
	if err != nil {
		return noAnswer(err)
	}
	v.send(to.base, app.API)
	return nil
}

// forwardWith does it with the app's token of that kind, and once more with another if the API rejects it.
func (v *visit) forwardWith(live Live, kind bearer.Kind) *refusal {
	to, err := v.gateway.upstreams.to(live.App)
	if err != nil {
		return noAnswer(err)
	}
	v.r = v.r.WithContext(context.WithValue(v.r.Context(), tokensKey{}, &tokens{live: live, kind: kind}))
	v.r.Header.Del("Authorization") // the stand-in: package bearer leaves a request alone that has a token
	// And Accept-Encoding, or a rejection might come compressed, and not be seen.
	v.r.Header.Del("Accept-Encoding")
	release, ok := v.gateway.bounds.keep(v.r)
	defer release()
	if ok {
		v.send(to.base, to.keeping)
	} else {
		v.send(to.base, to.passing)
	}
	return nil
}

func (v *visit) send(base *url.URL, by http.RoundTripper) {
	proxy := v.gateway.proxy // a copy
	proxy.Rewrite = func(p *httputil.ProxyRequest) { rewrite(p, base) }
	proxy.Transport = withoutTrace{by, v.r.Context()}
	proxy.ModifyResponse = v.check
	proxy.ErrorHandler = func(_ http.ResponseWriter, _ *http.Request, err error) { v.failed(err) }
	proxy.ServeHTTP(v.w, v.r)
}

// check tells of an answer that can be passed on, and cleans it.
func (v *visit) check(resp *http.Response) error {
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols && !isWebSocket(v.r.Header):
		return errNotAsked
	case resp.StatusCode == http.StatusSwitchingProtocols:
	case resp.StatusCode < 200:
		return errStatus
	}
	v.audit(resp.StatusCode)
	clean(resp.Header)
	return nil
}

// isWebSocket is of a request that may be upgraded. By h2c, say, a client could talk to the API's host as it likes.
func isWebSocket(h http.Header) bool { return strings.EqualFold(h.Get("Upgrade"), "websocket") }

// withoutTrace keeps from the transport the client trace that httputil adds to the context. By that trace interim
// responses (1xx) would go to the client past clean. No SDK uses one, and net/http answers Expect: 100-continue itself. It
// also keeps trailers back, which come past clean as well: a transport adds them to the response that it has returned.
type withoutTrace struct {
	by  http.RoundTripper
	ctx context.Context // of the request that came
}

func (t withoutTrace) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.by.RoundTrip(r.WithContext(t.ctx))
	if err != nil {
		return nil, err
	}
	own := *resp
	own.Trailer = nil
	return &own, nil
}

// rewrite is the one place where an address is made: of the base URL, and of nothing that the client sent but path and
// query.
func rewrite(p *httputil.ProxyRequest, base *url.URL) {
	in := p.In.URL
	p.Out.URL = &url.URL{
		Scheme: base.Scheme, Host: base.Host,
		Path: base.Path + in.Path, RawPath: base.EscapedPath() + in.EscapedPath(),
		RawQuery: in.RawQuery, // as it was sent: nothing is decided by it
	}
	p.Out.Host = base.Host
	p.Out.Trailer = nil
	for name := range p.Out.Header {
		if isOfTheWay(name) {
			delete(p.Out.Header, name)
		}
	}
	if !isWebSocket(p.Out.Header) {
		p.Out.Header.Del("Upgrade")
		p.Out.Header.Del("Connection")
	}
}

// isOfTheWay is of headers by which a client would say where a request comes from, where it goes or who has sent it
// besides. An underscore is taken for a hyphen, as some servers do. Httputil itself drops the headers of a connection.
func isOfTheWay(name string) bool {
	switch name {
	case "Accept", "Accept-Language", "Content-Type", "Content-Length", "User-Agent", "Authorization", "Range": // most there are
		return false
	}
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	switch name {
	case "cookie", "via", "x-host", "x-method-override":
		return true
	}
	for _, prefix := range []string{"x-original-", "x-rewrite-", "x-http-method", "x-envoy-", "cf-", "fastly-", "x-azure-", "x-appengine-", "x-amzn-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	for _, part := range []string{"forwarded", "client-ip", "clientip", "real-ip", "realip", "remote-ip", "remote-addr", "source-ip", "origin-ip"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// clean drops from an answer what is for browsers, or for the way to the API.
func clean(h http.Header) {
	for name := range h {
		switch {
		case name == "Set-Cookie", name == "Set-Cookie2", name == "Alt-Svc", name == "Clear-Site-Data", name == "Strict-Transport-Security",
			strings.HasPrefix(name, "Access-Control-"):
			delete(h, name)
		}
	}
}

// failed answers if there was no response.
func (v *visit) failed(err error) {
	switch {
	case errors.Is(err, bearer.ErrNoToken):
		v.refuse(noTokenNow(absence.OfKind()))
	case v.body.broken.Load():
		v.refuse(brokenBody)
	default:
		v.refuse(noAnswer(err))
	}
}

// buffers are httputil's, of 32 KiB, for the bodies of answers.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
