package gateway

import (
	"log/slog"
	"net/http"
	"net/http/httputil"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// Gateway is an http.Handler: see the package's page. It holds nothing that has to be closed, starts no goroutine,
// and is safe for concurrent use. A server has to give it no limit for a whole request or response.
type Gateway struct {
	config    Config
	proxy     httputil.ReverseProxy // what all calls have in common
	upstreams upstreams
	bounds    bounds
}

// New makes a Gateway. The error joins every complaint.
func New(config Config) (*Gateway, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	return &Gateway{config: config, proxy: httputil.ReverseProxy{
		BufferPool: &buffers{},
		ErrorLog:   slog.NewLogLogger(config.Logger.Handler(), slog.LevelDebug),
	}}, nil
}

// ServeHTTP answers one request, or passes it on.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r, body := watchBody(r)
	v := &visit{gateway: g, w: w, r: r, body: body}
	defer v.leave()
	if no := v.route(); no != nil {
		v.refuse(no)
	}
	if v.use.Status != http.StatusSwitchingProtocols { // else the connection is no longer the server's
		body.readOn(w, r)
	}
}

// route takes the request to its endpoint.
func (v *visit) route() *refusal {
	path, no := plainPath(v.r)
	if no != nil {
		return no
	}
	e := endpointOf(path)
	v.form = e.form
	return e.serve(v)
}

// visit is one request. Its methods are the endpoints, and the steps that they have in common. Each endpoint returns
// a refusal, or nil once there was an answer.
type visit struct {
	gateway *Gateway
	w       http.ResponseWriter
	r       *http.Request
	body    *unread
	form    form
	use     Use
	audited bool
	counted bool // among the client's requests under way
}

// enter records the client for the audit, takes one request from its rate, and counts it as under way.
func (v *visit) enter(who clients.Identity) *refusal {
	v.use.Client = who.Name()
	if wait, ok := who.Admit(); !ok {
		return aboveRate(wait)
	}
	if v.counted = v.gateway.bounds.begin(who.Name()); !v.counted {
		return tooManyUnderWay
	}
	return nil
}

func (v *visit) leave() {
	if v.counted {
		v.gateway.bounds.end(v.use.Client)
	}
}

// find returns an app that there is, and records it for the audit.
func (v *visit) find(name string) (Credential, bool) {
	c, ok := v.gateway.config.Vault.Find(name)
	if ok {
		v.use.Credential = name
	}
	return c, ok
}

// refuse answers with a refusal, unless there is nobody to be answered.
func (v *visit) refuse(no *refusal) {
	if v.r.Context().Err() != nil {
		v.audit(StatusGone)
		v.w.WriteHeader(http.StatusBadGateway) // net/http would send 200
		return
	}
	v.use.Refused, v.use.Cause = no.why, no.cause
	v.audit(no.status)
	no.write(v.w, v.form)
}

// audit tells once what has become of the request.
func (v *visit) audit(status int) {
	if v.audited {
		return
	}
	v.audited, v.use.Status = true, status
	v.gateway.config.Audit(v.use)
}

// readingTakes bounds how long a body may take that the gateway reads itself.
const readingTakes = 10 * time.Second
