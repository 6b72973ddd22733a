package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/internal/doctor"
	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

func (a *app) doctorCommand() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check configuration, Redis and the issuer, and say what to do",
		Long: "Check everything that a replica needs, one line each: what was found, and what\n" +
			"to do about it. It takes 30 s at most, and prints no secret and no token.\n\n" +
			"  configuration  the environment, as for onetoken token: which app, issuer and\n" +
			"                 Redis are asked\n" +
			"  redis          answers, and how fast\n" +
			"  version        Redis 6.2 or later, or Valkey\n" +
			"  role           it is a primary\n" +
			"  eviction       maxmemory-policy is noeviction\n" +
			"  permissions    the commands, keys and channels that are needed\n" +
			"  rehearsal      two replicas share a token that nobody uses: stored, refreshed,\n" +
			"                 failed, rejected. Its keys begin with <prefix>:{doctor: and are\n" +
			"                 deleted again; if that fails, they are gone in 11 min\n" +
			"  events         what one replica tells the other is heard\n" +
			"  issuer         can be reached; nothing but a HEAD request is sent\n" +
			"  clocks         of Redis and the issuer, beside this host's\n" +
			"  credentials    a token, as by onetoken token: from the fleet if it has one\n" +
			"                 that is usable; if not, from the issuer, for all\n\n" +
			doctorFileHelp + "\n\n" +
			"A check is ok, warn (works, but not as well as it could), fail, or skipped.\n" +
			"Exit status: 0 nothing failed, 1 something did, 2 usage or configuration.",
		Example: "  onetoken doctor\n" +
			"  onetoken doctor --config onetoken.yaml --service http://10.0.0.2:8080\n" +
			"  onetoken doctor --json | jq '.checks[] | select(.status != \"ok\")'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.config != "" {
				return a.doctorOfFile(cmd.Context(), f)
			}
			if f.ask || len(f.services) > 0 || f.files != (serviceFiles{}) {
				return usage(errors.New("--ask, --service and its files are for --config"))
			}
			return a.doctor(cmd.Context(), f.json)
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "one JSON object instead of lines")
	givenVar(cmd.Flags(), &f.config, "config", "the configuration file of a service, in place of the environment")
	cmd.Flags().BoolVar(&f.ask, "ask", false, "with --config: ask issuers for a token where Redis has none, for all")
	cmd.Flags().StringArrayVar(&f.services, "service", nil, "with --config: URL of another service's status.listen; more than once")
	f.files.flags(cmd)
	return cmd
}

func (a *app) doctor(ctx context.Context, asJSON bool) error {
	end := time.Now().Add(doctor.Time)
	reading, stop := context.WithTimeout(ctx, readTime)
	c := a.doctorConfig(reading)
	stop()
	defer c.Redis.Close() //nolint:errcheck // nothing is left to lose
	c.Out, c.JSON = a.stdout, asJSON
	c.Say = func(line string) { say(a.stderr, line) }
	return doctor.Examine(ctx, end, c)
}

// doctorConfig reads the configuration, and has all complaints about it.
func (a *app) doctorConfig(ctx context.Context) doctor.Config {
	env := a.environment()
	env.checkKind()
	c := doctor.Config{Redis: env.redis(ctx)}
	logger := newLogger(a.stderr, "error", a.logFormat.value) // the rest is said here
	of := env.account(ctx)
	c.Issuer = doctor.Issuer{
		URL: of.url, Variable: of.variables.url, Noun: of.noun,
		Fetcher: func() (doctor.Fetcher, error) { return of.fetcher(of.secret, nil, logger) },
		Knock: func(by http.RoundTripper) (doctor.Fetcher, error) {
			return of.fetcher(tokencache.NewSecret("none"), by, slog.New(slog.DiscardHandler))
		},
	}
	c.Cache = tokencache.Config{
		Prefix: a.getenv("ONETOKEN_PREFIX"), Logger: logger, Observe: witness.New(a.logger).Log,
		NoDirect: env.noDirect(),
	}
	_, err := tokencache.New(c.Redis, c.Cache)
	env.complainOfFields(err)
	c.Complaints, c.Setting, c.Unverified, c.Place = env.err(), env.setting(), env.unverified, env.place
	if a.getenv("REDIS_URL") == "" && a.getenv("REDIS_URL_FILE") == "" {
		c.Place += " (REDIS_URL is not set)"
	}
	if of.shows(of.appID) {
		c.App = of.appID
	}
	return c
}
