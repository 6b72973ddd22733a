package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/door"
	"github.com/onetoken-go/onetoken/internal/service/listen"
)

// doors are what is open to others, each at a listener.
type doors struct {
	opened []*opened // in the order of places

	// certified: the status listener has authorities that vouch for clients, so that nobody else may look.
	certified atomic.Bool
}

// opened is a place of which the configuration has an address.
type opened struct {
	place
	listener *listen.Listener
	tls      *listen.TLS  // nil: without
	handler  http.Handler // nil until answer
}

// place is where the service can be asked: what the configuration has of it, and what answers there.
type place struct {
	name    string // as uses, metrics and the report have it
	section string // of the configuration
	listens func(*config.Config) listen.Config
	secured func(*config.Config) *config.ServerTLS // nil: without TLS
	answers func(*Service) (http.Handler, error)
}

// places are all that there may be, in the order in which people are told of them.
func places() []place {
	return []place{
		{
			config.DoorStatus, "status",
			func(c *config.Config) listen.Config { return listen.Config{Address: c.Status.Listen} },
			func(c *config.Config) *config.ServerTLS { return c.Status.TLS },
			func(s *Service) (http.Handler, error) { return s.doors.guarded(s.statusHandler()), nil },
		},
		{
			config.DoorTokens, "tokens",
			func(c *config.Config) listen.Config { return listen.Config{Address: c.Tokens.Listen} },
			func(c *config.Config) *config.ServerTLS { return c.Tokens.TLS },
			func(s *Service) (http.Handler, error) { return s.tokenDoor(config.DoorTokens) },
		},
		{
			config.DoorSocket, "tokens",
			func(c *config.Config) listen.Config {
				return listen.Config{Socket: c.Tokens.Socket, SocketMode: c.Tokens.SocketMode}
			},
			func(*config.Config) *config.ServerTLS { return nil },
			func(s *Service) (http.Handler, error) { return s.tokenDoor(config.DoorSocket) },
		},
		{
			config.DoorGateway, "gateway",
			func(c *config.Config) listen.Config { return streams(c.Gateway.Listen) },
			func(c *config.Config) *config.ServerTLS { return c.Gateway.TLS },
			(*Service).gatewayDoor,
		},
	}
}

// streams is a listener for requests and responses that may be of any size, and take any time, as long as they go on.
func streams(address string) listen.Config {
	return listen.Config{
		Address: address, MaxHeaderBytes: 32 << 10, MaxBodyBytes: -1, ReadTimeout: -1, WriteTimeout: -1, StallTimeout: time.Minute,
	}
}

// graceOfDoors is what requests under way have when the service ends; the rest of shutdownTakes is for calls
// to issuers.
const graceOfDoors = 5 * time.Second

// open listens, and serves nothing yet: whoever connects waits. Its error closes what was opened.
func (d *doors) open(ctx context.Context, c *config.Config, logger *slog.Logger) error {
	var errs []error
	for _, p := range places() {
		l := p.listens(c)
		if l.Address == "" && l.Socket == "" {
			continue // it is not asked for
		}
		l.Logger, l.Grace = logger, graceOfDoors
		o, err := p.open(ctx, l, p.secured(c))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.section, err))
			continue
		}
		d.opened = append(d.opened, o)
	}
	if len(errs) > 0 {
		d.close()
	}
	return errors.Join(errs...)
}

func (p place) open(ctx context.Context, l listen.Config, tls *config.ServerTLS) (*opened, error) {
	o := &opened{place: p}
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

func (d *doors) close() {
	for _, o := range d.opened {
		_ = o.listener.Close()
	}
}

// reload has the certificates of c be shown from now on.
func (d *doors) reload(c *config.Config) {
	d.certified.Store(c.Status.TLS != nil && c.Status.TLS.ClientCA != nil)
	for _, o := range d.opened {
		if tls := o.secured(c); o.tls != nil && tls != nil {
			o.tls.Replace(identityOf(tls))
		}
	}
}

// answer makes what answers at each door.
func (d *doors) answer(s *Service) (err error) {
	for _, o := range d.opened {
		if o.handler, err = o.answers(s); err != nil {
			return err
		}
	}
	return nil
}

// serve answers until ctx ends.
func (d *doors) serve(ctx context.Context, group *errgroup.Group, say func(string)) {
	for _, o := range d.opened {
		say(o.section + ": listens on " + o.at())
		group.Go(func() error {
			err := o.listener.Serve(ctx, o.handler)
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
		case r.TLS == nil && !door.BeyondLoopback(r) && !door.HostOf(r).IsLocal():
			line(out, http.StatusMisdirectedRequest, "call this as localhost, or by its address")
		default:
			status.ServeHTTP(out, r)
		}
	})
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
	for _, o := range d.opened {
		if o.name == config.DoorStatus {
			continue
		}
		r := DoorReport{Name: o.name, Listens: o.at()}
		r.Requests, r.Refused = asked.door(o.name)
		all = append(all, r)
	}
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
