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

// forward passes the request on as it is, but for what rewrite does, and the answer back: each byte when it comes.
func (v *visit) forward(app App) *refusal {
	to, err := v.gateway.upstreams.to(app)
	if err != nil {
		return unreachable(err)
	}
	v.proxy(to.base, app.API)
	return nil
}

// forwardWith does it with the app's token of that kind, and once more with another if the API rejects it.
func (v *visit) forwardWith(live Live, kind bearer.Kind) *refusal {
	to, err := v.gateway.upstreams.to(live.App)
	if err != nil {
		return unreachable(err)
	}
	v.r = v.r.WithContext(context.WithValue(v.r.Context(), tokensKey{}, &tokens{live: live, kind: kind}))
	v.proxy(to.base, to.withToken)
	return nil
}

func (v *visit) proxy(base *url.URL, by http.RoundTripper) {
	proxy := v.gateway.proxy
	proxy.Rewrite = func(p *httputil.ProxyRequest) { rewrite(p, base) }
	proxy.Transport = alone{by, v.r}
	proxy.ModifyResponse = func(resp *http.Response) error {
		v.tell(resp.StatusCode)
		clean(resp.Header)
		return nil
	}
	proxy.ErrorHandler = func(_ http.ResponseWriter, _ *http.Request, err error) { v.failed(err) }
	proxy.ServeHTTP(v.w, v.r)
}

// alone keeps httputil's client trace from the transport: by it interim responses (1xx) would go to the client as they
// come, past clean. An SDK has no use for one, and net/http itself answers Expect: 100-continue.
type alone struct {
	by http.RoundTripper
	r  *http.Request
}

func (a alone) RoundTrip(r *http.Request) (*http.Response, error) {
	return a.by.RoundTrip(r.WithContext(a.r.Context()))
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
	for name := range p.Out.Header {
		if isOfTheWay(name) {
			delete(p.Out.Header, name)
		}
	}
	if !strings.EqualFold(p.Out.Header.Get("Upgrade"), "websocket") { // by h2c a client could talk to the API's host as it likes
		p.Out.Header.Del("Upgrade")
		p.Out.Header.Del("Connection")
	}
	if isStandIn(bearerOf(p.In.Header)) {
		p.Out.Header.Del("Authorization")
	}
}

func bearerOf(h http.Header) string {
	_, token, _ := strings.Cut(h.Get("Authorization"), " ")
	return strings.Trim(token, " ")
}

// isOfTheWay is of headers by which a client would say where a request comes from, where it goes or who has sent it
// besides. Httputil itself drops those of a connection.
func isOfTheWay(name string) bool {
	for _, prefix := range []string{"X-Forwarded", "X-Original-", "X-Rewrite-", "X-Http-Method", "Cf-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch name {
	case "Cookie", "Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "X-Host", "X-Method-Override":
		return true
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

// statusGone is what is told of a client that went away: nginx' number.
const statusGone = 499

// failed answers if there was no response.
func (v *visit) failed(err error) {
	if v.r.Context().Err() != nil {
		v.tell(statusGone)
		v.w.WriteHeader(http.StatusBadGateway) // to nobody
		return
	}
	if errors.Is(err, bearer.ErrNoToken) {
		v.refuse(without(absence.OfKind()))
		return
	}
	v.refuse(unreachable(err))
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
