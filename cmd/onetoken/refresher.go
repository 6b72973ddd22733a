package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/onetoken-go/onetoken/internal/pulse"
	"github.com/onetoken-go/onetoken/internal/terminal"
	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
)

func (a *app) refresherCommand() *cobra.Command {
	var address, config string
	var check bool
	cmd := &cobra.Command{
		Use:   "refresher",
		Short: "Keep the token fresh, so that nobody else has to",
		Long: "Keep the token fresh until told to end: it refreshes a little earlier than the\n" +
			"services that share the token, so that these never have to, nor wait for their\n" +
			"first one. Any number may run, none is elected: whoever comes first asks, the\n" +
			"others read. The environment is described by onetoken -h.\n\n" +
			"  GET /healthz  200 while the process works, whatever Redis and the issuer do;\n" +
			"                503 and a line that says how if it stands still: restart it then\n" +
			"  GET /readyz   200 while it holds a token that can be used, also with Redis\n" +
			"                down; else 503 and a line that says why\n" +
			"  GET /metrics  for Prometheus: the token's remaining life, calls, troubles\n\n" +
			"These tell no secret and need no protection: whoever can reach them learns the\n" +
			"app or client id, how the token does, and what went wrong. They are HTTP without\n" +
			"TLS.\n\n" +
			"FEISHU_APP_SECRET_FILE is read again every 2 s, and when the secret is refused;\n" +
			"so is OAUTH2_CLIENT_SECRET_FILE with ONETOKEN_KIND=oauth2.\n" +
			"After a change the old secret serves until the new one has a token. If the file\n" +
			"is empty, gone or unfit, or the new secret is refused, the old one is kept, and\n" +
			"/readyz stays 200 as long as that has a token. Each reason is logged, stands in\n" +
			"a second line of /readyz, and sets onetoken_newer_secret to 1: alert on that.\n" +
			"REDIS_URL_FILE and CA certificates are read once: restart it for those.\n\n" +
			"--log-level info shows every new token; by default only failures are logged,\n" +
			"with how long the fleet waits after them.\n\n" +
			"A refusal does not end it, not even of the first call: it stays, not ready, and\n" +
			"asks again every few minutes. What is wrong may be mended at the issuer, where\n" +
			"nobody thinks of restarting this; and a process that ends would only be started\n" +
			"again, to find the refusal in Redis. SIGTERM, SIGINT and SIGHUP\n" +
			"let a call under way end and publish its token; the exit status is 0 then.\n\n" +
			serviceHelp,
		Example: "  onetoken refresher --log-level info\n" +
			"  curl http://127.0.0.1:8080/readyz",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config != "" {
				if cmd.Flags().Changed("listen") {
					return usage(errors.New("--listen goes without --config: write status.listen into the file"))
				}
				return a.service(cmd.Context(), config, check)
			}
			if check {
				return a.checkReady(cmd.Context(), address)
			}
			return a.refresher(cmd.Context(), address)
		},
	}
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:8080", `host:port to serve HTTP on; port 0 picks a free one, "" serves nothing`)
	givenVar(cmd.Flags(), &config, "config", "a file that names many credentials, and doors for other programs")
	cmd.Flags().BoolVar(&check, "check", false, "ask the refresher that listens there whether it is ready, and end: for health checks; with --config: look at the file alone")
	return cmd
}

// refresher runs until ctx ends, which is the way to stop it and no error.
func (a *app) refresher(ctx context.Context, address string) error {
	env := a.environment()
	if address != "" && !canListen(address) {
		env.complain("--listen has to be host:port, such as 127.0.0.1:8080, or empty")
	}
	m, p := metrics.New(), &pulse.Pulse{}
	r := newRotation(a.logger)
	s, err := a.open(ctx, env, opening{credential: true, refresher: true, observe: func(e tokencache.Event) {
		if p.Observe(e) {
			return
		}
		m.Observe(e)
		r.observe(e)
	}})
	if err != nil {
		return err
	}
	defer s.close()
	var listener net.Listener // none
	if address != "" {
		if listener, err = listen(ctx, address); err != nil {
			return err
		}
	}
	s.warn(ctx)
	logger := a.logger // not of one secret: that may change
	if s.account.shows(s.appID) {
		logger = logger.With("app", s.appID)
	}
	r.begin(s)
	m.Of(r.shown)
	p.Watches(s.cache, r.look)
	a.sayStarted(s, listener)
	group, ctx := errgroup.WithContext(ctx)
	if listener != nil {
		handler := refresherHandler(r, p, m, logger, a.lostLines())
		group.Go(func() error { return serve(ctx, listener, handler, logger, 0) })
	}
	group.Go(func() error {
		p.Beat(ctx)
		return nil
	})
	group.Go(func() error {
		r.run(ctx)
		return nil
	})
	group.Go(func() error {
		err := s.cache.Run(ctx)
		a.closeCache(s.cache, logger)
		return err
	})
	err = group.Wait()
	r.end()
	return err
}

// lostLines counts what nobody read in time.
func (a *app) lostLines() prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "onetoken_log_lines_dropped_total",
		Help: "Lines of the log that were lost because nobody read standard error in time.",
	}, a.stderr.dropped)
}

func (a *app) sayStarted(s *session, listener net.Listener) {
	whose := ""
	if s.account.shows(s.appID) {
		whose = " for " + s.account.noun + " " + terminal.Datum(s.appID)
	}
	if listener == nil {
		say(a.stderr, "refresher"+whose+" runs, and serves nothing")
		return
	}
	say(a.stderr, "refresher"+whose+" listens on http://"+listener.Addr().String())
}

// closeCache lets a call under way end, and tells whoever waits what takes so long.
func (a *app) closeCache(cache *tokencache.Cache, logger *slog.Logger) {
	const soon = 200 * time.Millisecond
	timer := time.AfterFunc(soon, func() {
		say(a.stderr, "finishing what is under way for the others; a second signal stops at once")
	})
	defer timer.Stop()
	if err := cache.Close(); err != nil {
		logger.Warn("cache not closed", "err", err)
	}
}
