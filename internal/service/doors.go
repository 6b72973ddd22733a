package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/listen"
)

// doors are what is open to others, each at a listener.
type doors struct {
	status, tokens, socket, gateway *opened // nil: not asked for

	// certified: the status listener has authorities that vouch for clients, so that nobody else may look.
	certified atomic.Bool
}

type opened struct {
	name     string
	listener *listen.Listener
	tls      *listen.TLS // nil: without
}

// Doors by the names that uses, metrics and the report have for them.
const (
	doorTokens  = "tokens"
	doorSocket  = "socket"
	doorGateway = "gateway"
)

// graceOfDoors is what requests under way have when the service ends; the rest of shutdownTakes is for calls
// to issuers.
const graceOfDoors = 5 * time.Second

// open listens, and serves nothing yet: whoever connects waits. Its error closes what was opened.
func (d *doors) open(ctx context.Context, c *config.Config, logger *slog.Logger) error {
	var errs []error
	open := func(name string, tls *config.ServerTLS, l listen.Config) *opened {
		l.Logger, l.Grace = logger, graceOfDoors
		o, err := openOne(ctx, name, tls, l)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		return o
	}
	d.status = open("status", c.Status.TLS, listen.Config{Address: c.Status.Listen})
	d.tokens = open("tokens", c.Tokens.TLS, listen.Config{Address: c.Tokens.Listen})
	d.socket = open("tokens", nil, listen.Config{Socket: c.Tokens.Socket, SocketMode: c.Tokens.SocketMode})
	d.gateway = open("gateway", c.Gateway.TLS, streams(c.Gateway.Listen))
	if len(errs) > 0 {
		d.close()
	}
	return errors.Join(errs...)
}

// streams is a listener for requests and responses that may be of any size, and take any time, as long as they go on.
func streams(address string) listen.Config {
	return listen.Config{
		Address: address, MaxHeaderBytes: 32 << 10, MaxBodyBytes: -1, ReadTimeout: -1, WriteTimeout: -1, StallTimeout: time.Minute,
	}
}

// openOne returns nil of a door that is not asked for.
func openOne(ctx context.Context, name string, tls *config.ServerTLS, l listen.Config) (*opened, error) {
	if l.Address == "" && l.Socket == "" {
		return nil, nil
	}
	o := &opened{name: name}
	if tls != nil {
		o.tls = listen.NewTLS(identityOf(tls))
		l.TLS = o.tls
	}
	var err error
	if o.listener, err = listen.Open(ctx, l); err != nil {
		return nil, err
	}
	return o, nil
}

func identityOf(tls *config.ServerTLS) *listen.Identity {
	return listen.NewIdentity(tls.Certificate, tls.ClientCA)
}

func (d *doors) all() (all []*opened) {
	for _, o := range []*opened{d.status, d.tokens, d.socket, d.gateway} {
		if o != nil {
			all = append(all, o)
		}
	}
	return all
}

func (d *doors) close() {
	for _, o := range d.all() {
		_ = o.listener.Close()
	}
}

// reload has the certificates of c be shown from now on.
func (d *doors) reload(c *config.Config) {
	d.certified.Store(c.Status.TLS != nil && c.Status.TLS.ClientCA != nil)
	for o, tls := range map[*opened]*config.ServerTLS{d.status: c.Status.TLS, d.tokens: c.Tokens.TLS, d.gateway: c.Gateway.TLS} {
		if o != nil && o.tls != nil && tls != nil {
			o.tls.Replace(identityOf(tls))
		}
	}
}

// handlers are what answers at the doors.
type handlers struct{ status, tokens, socket, gateway http.Handler }

func (s *Service) handlers() (h handlers, err error) {
	if h.tokens, err = s.tokenDoor(doorTokens); err != nil {
		return h, err
	}
	if h.socket, err = s.tokenDoor(doorSocket); err != nil {
		return h, err
	}
	h.gateway, err = s.gatewayDoor()
	h.status = s.doors.guarded(s.statusHandler())
	return h, err
}

// handlerOf a door that is open.
func (d *doors) handlerOf(o *opened, h handlers) http.Handler {
	switch o {
	case d.status:
		return h.status
	case d.gateway:
		return h.gateway
	case d.socket:
		return h.socket
	}
	return h.tokens
}

// serve answers until ctx ends.
func (d *doors) serve(ctx context.Context, group *errgroup.Group, h handlers, say func(string)) {
	for _, o := range d.all() {
		handler := d.handlerOf(o, h)
		say(o.name + ": listens on " + o.at())
		group.Go(func() error {
			err := o.listener.Serve(ctx, handler)
			if errors.Is(err, listen.ErrCutOff) {
				return nil // they have had their time
			}
			return err
		})
	}
}

// guarded keeps strangers from the status: those without a certificate where one is wanted, and pages of the
// web whose name somebody has led to this host's loopback address.
func (d *doors) guarded(status http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		switch {
		case d.certified.Load() && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0):
			line(out, http.StatusForbidden, "show a certificate of an authority in status.tls.client_ca_file")
		case r.TLS == nil && atLoopback(r) && !isOwnHost(r.Host):
			line(out, http.StatusMisdirectedRequest, "call this as localhost, or by its address")
		default:
			status.ServeHTTP(out, r)
		}
	})
}

func atLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.IP.IsLoopback()
}

func isOwnHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	return strings.EqualFold(host, "localhost") || net.ParseIP(host) != nil
}

// at is where it listens, for people.
func (o *opened) at() string {
	addr := o.listener.Addr()
	switch {
	case addr.Network() == "unix":
		return addr.String()
	case o.tls != nil:
		return "https://" + addr.String()
	}
	return "http://" + addr.String()
}

// report is of the doors that hand out tokens.
func (d *doors) report(asked *tally) []DoorReport {
	all := []DoorReport{} // never null
	for name, o := range map[string]*opened{doorTokens: d.tokens, doorSocket: d.socket, doorGateway: d.gateway} {
		if o != nil {
			r := DoorReport{Name: name, Listens: o.at()}
			r.Requests, r.Refused = asked.door(name)
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b DoorReport) int { return -strings.Compare(a.Name, b.Name) })
	return all
}

// maxScrapes bounds how many are answered at once; more get a 503.
const maxScrapes = 4

// statusHandler serves what people and monitors see.
func (s *Service) statusHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.metrics, gauges{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(s.Collectors...)
	s.counts.register(registry)
	mux := http.NewServeMux() // GET is HEAD too; another method is a 405, another path a 404
	s.page.Routes(mux)
	mux.HandleFunc("GET /healthz", s.serveHealth)
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc("GET /api/status", s.serveReport)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(s.Logger.Handler(), slog.LevelWarn),
		MaxRequestsInFlight: maxScrapes,
	}))
	return mux
}
