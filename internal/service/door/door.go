package door

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Patience is how long a request waits for Redis and the issuer, in all, if there is no token at hand. A
// server's WriteTimeout has to be longer.
const Patience = 10 * time.Second

// Door is an http.Handler: see the package's page. It holds nothing that has to be closed, starts no
// goroutine, and is safe for concurrent use.
type Door struct {
	config Config
	hosts  hosts
}

// New makes a Door. The error joins every complaint.
func New(config Config) (*Door, error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("door: %w", err)
	}
	return &Door{config: config.withDefaults(), hosts: newHosts(config.Hosts)}, nil
}

// ServeHTTP answers one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header["Content-Type"] = jsonType
	header["Cache-Control"] = noStore
	header["Pragma"] = noCache // RFC 6749, section 5.1
	header["X-Content-Type-Options"] = noSniff

	v := &visit{w: w, r: r}
	body, no := d.answer(v)
	d.tell(v, no)
	if no != nil {
		no.write(w)
		return
	}
	write(w, http.StatusOK, body)
}

// Values of headers that every answer has. All answers share them, and nobody changes one.
var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
	noCache  = []string{"no-cache"}
	noSniff  = []string{"nosniff"}
)

// answer takes a request to its endpoint. What it refuses here it refuses to everybody.
func (d *Door) answer(v *visit) ([]byte, *refusal) {
	endpoint, name, no := route(v.r)
	if no != nil {
		return nil, no
	}
	v.use.Action = endpoint.action
	if fromAPage(v.r) {
		return nil, aPageSentIt
	}
	if !d.hosts.takes(v.r) {
		return nil, misdirected
	}
	v.now, v.vault = d.config.Clients, d.config.Vault
	v.table = v.now()
	return endpoint.serve(v, name)
}

type endpoint struct {
	action Action
	serve  func(v *visit, name string) ([]byte, *refusal)
}

// route finds the endpoint, and the credential's name in the path. A ServeMux would redirect paths that it
// cleans, and answer in plain text.
func route(r *http.Request) (e endpoint, name string, no *refusal) {
	if r.URL.Path == "/oauth2/token" {
		return endpoint{Get, (*visit).grant}, "", allow(r, http.MethodPost)
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/v1/tokens/")
	if !ok {
		return endpoint{}, "", notFound
	}
	name, verb, more := strings.Cut(rest, "/")
	switch {
	case name != "" && !more:
		return endpoint{Get, (*visit).token}, name, allow(r, http.MethodGet, http.MethodHead)
	case name != "" && verb == "reject":
		return endpoint{Reject, (*visit).reject}, name, allow(r, http.MethodPost)
	}
	return endpoint{}, "", notFound
}

func allow(r *http.Request, methods ...string) *refusal {
	if slices.Contains(methods, r.Method) {
		return nil
	}
	return wrongMethod(strings.Join(methods, ", "))
}

// tell reports a request that has found its endpoint.
func (d *Door) tell(v *visit, no *refusal) {
	if v.use.Action == "" {
		return
	}
	v.use.Status = http.StatusOK
	if no != nil {
		v.use.Status, v.use.Error, v.use.Cause = no.status, no.code, no.cause
	}
	d.config.Audit(v.use)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone, or asks for the head alone
}
