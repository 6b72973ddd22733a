package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/onetoken-go/onetoken/internal/pulse"
	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/page"
	"github.com/onetoken-go/onetoken/internal/service/sdnotify"
	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/internal/watch"
	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Options of a service. Path, Getenv and Logger have to be set.
type Options struct {
	Path    string // of the configuration
	Getenv  func(string) string
	Logger  *slog.Logger
	Version string
	// Reload has the configuration be read now. nil: it is read every 2 s alone.
	Reload <-chan struct{}
	// Say is told in a line what a person wants to know who has started this; nil: nobody is.
	Say func(string)
	// Collectors are shown under /metrics besides.
	Collectors []prometheus.Collector
}

// Service keeps the tokens of the configuration fresh, and opens its doors.
type Service struct {
	Options
	started time.Time
	replica string        // what it is called in Redis
	early   chan struct{} // ends the wait for the next reading of the configuration
	asked   atomic.Bool   // the service manager waits to be told that a reading has ended

	// config is the one in use. Only the goroutine that follows the files has it.
	config *config.Config
	loaded loadings

	access   redisAccess
	redis    redisWatch
	cache    *tokencache.Cache
	vault    *vault.Vault
	clients  atomic.Pointer[clients.Table] // of the token door
	callers  atomic.Pointer[clients.Table] // of the gateway
	pulse    pulse.Pulse
	ready    readiness
	survey   survey
	timeline timeline
	tally    tally
	uses     *uses
	metrics  *metrics.Collector
	counts   counts
	doors    doors
	page     *page.Page
}

// Check reads the configuration, and starts nothing. Its error is all complaints; the warnings are of what
// works, and should not stay so.
func Check(ctx context.Context, path string, getenv func(string) string) (warnings []string, err error) {
	c, err := config.Read(ctx, path, getenv)
	if err != nil {
		return nil, err
	}
	for _, warning := range c.Warnings {
		warnings = append(warnings, warning.String())
	}
	_, err = clients.New(tokensClientsOf(c), nil)
	_, gateway := clients.New(gatewayClientsOf(c), nil)
	return warnings, errors.Join(err, gateway)
}

// shutdownTakes bounds how long it takes to end, whatever is under way.
const shutdownTakes = 10 * time.Second

// directRate is how many calls a second may go around a Redis that is down. Credentials that were begun
// together are due together: 500 whose tokens live for a minute have four seconds for that.
const directRate = 200

// Run runs a service until ctx ends, which is the way to stop it and no error. Redis or an issuer that is
// down does not keep it from starting.
func Run(ctx context.Context, o Options) error {
	first, err := config.Read(ctx, o.Path, o.Getenv)
	if err != nil {
		return err
	}
	s, err := newService(o, first)
	if err != nil {
		return err
	}
	rdb := s.access.client()
	defer rdb.Close() //nolint:errcheck // nobody can do anything about it
	if s.cache, err = tokencache.New(rdb, tokencache.Config{
		Prefix: first.Redis.Prefix, DirectRate: directRate, Replica: s.replica, Logger: o.Logger, Observe: s.observe,
	}); err != nil {
		return err
	}
	if err := s.doors.open(ctx, first, o.Logger); err != nil {
		return errors.Join(err, s.close(shutdownTakes))
	}
	return s.run(ctx, first)
}

func newService(o Options, first *config.Config) (*Service, error) {
	if o.Say == nil {
		o.Say = func(string) {}
	}
	s := &Service{
		Options: o, started: time.Now(), replica: replicaName(), early: make(chan struct{}, 1),
		uses: newUses(o.Logger), metrics: metrics.New(), counts: newCounts(),
	}
	s.page = page.New(func(ctx context.Context) page.View { return viewOf(s.Report(ctx)) })
	s.access.current.Store(&first.Redis)
	if err := s.admit(first); err != nil {
		return nil, err
	}
	return s, nil
}

// replicaName tells this service from others of its host, for people: it stands in Redis with each token that it has
// fetched, and with each failure. It is another after a restart.
func replicaName() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s (pid %d)", host, os.Getpid())
}

func (s *Service) run(ctx context.Context, first *config.Config) error {
	defer s.doors.close() // of those that were not served
	teller := watch.NewTeller()
	s.vault = vault.New(vault.Config{Cache: s.cache, Logger: s.Logger, Teller: teller, Refused: s.hurry})
	s.metrics.Of(s.vault.Sources)
	s.pulse.Watches(s.cache, s.vault.Look)
	s.config = first
	s.loaded.note(s.apply(first))

	if err := s.doors.answer(s); err != nil {
		return errors.Join(err, s.close(shutdownTakes))
	}
	telling, hush := context.WithCancel(context.WithoutCancel(ctx))
	told := make(chan struct{})
	go func() {
		defer close(told)
		teller.Run(telling)
	}()
	group, ctx := errgroup.WithContext(ctx)
	s.doors.serve(ctx, group, s.Say)
	group.Go(func() error { return s.cache.Run(ctx) })
	group.Go(func() error {
		s.pulse.Beat(ctx)
		return nil
	})
	group.Go(func() error {
		s.page.Run(ctx)
		return nil
	})
	group.Go(func() error {
		s.redis.probe(ctx, s.askRedis, &s.timeline)
		return nil
	})
	group.Go(func() error {
		s.follow(ctx, first)
		return nil
	})
	group.Go(func() error {
		s.hear(ctx)
		return nil
	})
	s.tell(sdnotify.Ready)
	group.Go(func() error {
		s.answerWatchdog(ctx)
		return nil
	})
	<-ctx.Done()
	s.tell(sdnotify.Stopping)
	end := time.Now().Add(shutdownTakes)
	err := errors.Join(group.Wait(), s.close(time.Until(end)))
	hush()
	<-told
	return err
}

// tell tells the service manager, if there is one.
func (s *Service) tell(how func() error) {
	if err := how(); err != nil {
		s.Logger.Warn("the service manager was not told", "err", err)
	}
}

// hear passes on each wish to read the configuration now.
func (s *Service) hear(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.Reload:
			s.tell(sdnotify.Reloading)
			s.asked.Store(true)
			s.hurry()
		}
	}
}

// close lets a call under way end, for a while: its token is for others, too.
func (s *Service) close(within time.Duration) error {
	closed := make(chan error, 1)
	go func() { closed <- s.cache.Close() }()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case err := <-closed:
		return err
	case <-timer.C:
		s.Logger.Warn("a call under way was left behind, as it did not end in time")
		return nil
	}
}

// apply has c be the configuration. Its error changes nothing.
func (s *Service) apply(c *config.Config) error {
	if err := s.admit(c); err != nil { // before the credentials: what a name means anew is for those who are granted it anew
		return err
	}
	s.access.current.Store(&c.Redis)
	s.doors.reload(c)
	changes := s.keep(credentialsOf(c))
	s.uses.keep(namesOf(c))
	s.config = c
	for _, warning := range c.Warnings {
		s.Logger.Warn("the configuration", "warning", warning.String())
	}
	s.Logger.Info("the configuration is loaded", "file", s.Path, "credentials", len(c.Credentials), "clients", len(c.Tokens.Clients)+len(c.Gateway.Clients),
		"added", changes.Added, "changed", changes.Changed, "removed", changes.Removed)
	return nil
}

// keep has these be the credentials, and counts of them alone.
func (s *Service) keep(all []vault.Credential) vault.Changes {
	for _, c := range all { // before their first event
		if !c.Disabled {
			s.counts.begin(c.Name)
			s.tally.begin(c.Name)
		}
	}
	changes := s.vault.Apply(all)
	for _, name := range changes.Removed {
		s.counts.forget(name)
		s.tally.forget(name)
		s.timeline.forget(name)
	}
	return changes
}

// admit has these be the clients of each door. Its error changes nothing.
func (s *Service) admit(c *config.Config) error {
	ofTokens, err := clients.New(tokensClientsOf(c), s.clients.Load())
	ofGateway, gatewayErr := clients.New(gatewayClientsOf(c), s.callers.Load())
	if err := errors.Join(err, gatewayErr); err != nil {
		return err
	}
	s.clients.Store(ofTokens)
	s.callers.Store(ofGateway)
	return nil
}

// observe is told of every event of the Cache.
func (s *Service) observe(e tokencache.Event) {
	if s.pulse.Observe(e) {
		return
	}
	if s.Logger.Enabled(context.Background(), slog.LevelDebug) {
		witness.New(s.Logger).Log(e)
	}
	s.metrics.Observe(e)
	s.redis.observe(e, s.metrics.Degraded(), &s.timeline)
	names := s.vault.Names(e.ID)
	s.counts.observe(e, names)
	s.tally.observe(e, names)
	s.timeline.observe(e, names)
	s.vault.Observe(e)
	s.judgeReady()
	s.page.Nudge()
}
