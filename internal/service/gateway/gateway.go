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

// Patience is how long a request waits for Redis and the issuer if there is no token at hand.
const Patience = 10 * time.Second

// ServeHTTP answers one request, or passes it on.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := watch(r)
	v := &visit{gateway: g, w: w, r: body.request(r), table: g.config.Clients(), now: time.Now()}
	if no := v.answer(); no != nil {
		v.refuse(no)
	}
	body.linger(w)
}

// answer takes the request to its endpoint.
func (v *visit) answer() *refusal {
	path, no := plainPath(v.r)
	if no != nil {
		return no
	}
	e := endpointOf(path)
	v.isOAuth = e.oauth
	return e.serve(v)
}

// visit is one request. Its methods are the endpoints, and the steps that they have in common.
type visit struct {
	gateway *Gateway
	w       http.ResponseWriter
	r       *http.Request
	table   *clients.Table
	now     time.Time
	isOAuth bool
	use     Use
	told    bool
}

// enter lets a client in who was identified, if its rate allows.
func (v *visit) enter(who clients.Identity) *refusal {
	v.use.Client = who.Name()
	if wait, ok := who.Admit(); !ok {
		return tooMany(wait)
	}
	return nil
}

// find returns an app that there is.
func (v *visit) find(name string) (Credential, bool) {
	c, ok := v.gateway.config.Vault.Find(name)
	if ok {
		v.use.Credential = name
	}
	return c, ok
}

// refuse answers with a refusal, and tells of it.
func (v *visit) refuse(no *refusal) {
	v.use.Refused, v.use.Cause = no.why, no.cause
	v.tell(no.status)
	no.write(v.w, v.isOAuth)
}

// tell tells once what has become of the request.
func (v *visit) tell(status int) {
	if v.told {
		return
	}
	v.told, v.use.Status = true, status
	v.gateway.config.Audit(v.use)
}
