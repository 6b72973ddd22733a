package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Bounds of the examination. A call to the issuer has to fit into a check.
const (
	checkTime       = 5 * time.Second
	doctorTime      = 30 * time.Second
	doctorFetchTime = 4 * time.Second
)

func (a *app) doctorCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check configuration, Redis and the issuer, and say what to do",
		Long: "Check everything that a replica needs, one line each: what was found, and what\n" +
			"to do about it. It takes 30 s at most, and prints no secret and no token.\n\n" +
			"  configuration  the environment, as for onetoken token\n" +
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
			"A check is ok, warn (works, but not as well as it could), fail, or skipped.\n" +
			"Exit status: 0 nothing failed, 1 something did, 2 usage or configuration.",
		Example: "  onetoken doctor\n  onetoken doctor --json | jq '.checks[] | select(.status != \"ok\")'",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object instead of lines")
	return cmd
}

// patient is what is examined: the parts of a replica.
type patient struct {
	env    *environment
	rdb    redis.UniversalClient
	config tokencache.Config
	feishu fetcher.FeishuConfig
}

func (a *app) doctor(ctx context.Context, asJSON bool) error {
	chart := &chart{out: a.stdout, json: asJSON}
	bounded, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	p, first := a.admit(bounded)
	defer p.rdb.Close() //nolint:errcheck // nothing is left to lose
	if err := p.env.err(); err != nil {
		if asJSON {
			chart.add(first)
			return errors.Join(err, chart.end())
		}
		return err // every complaint has a line there
	}
	chart.add(first)
	p.examine(bounded, chart)
	if err := chart.end(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return chart.err()
}

// admit reads the configuration. Complaints about it are in env, all of them.
func (a *app) admit(ctx context.Context) (*patient, finding) {
	env := &environment{getenv: a.getenv, stdin: a.stdin}
	p := &patient{env: env, rdb: env.redis(ctx), feishu: env.feishu(ctx, a.getenv("FEISHU_BASE_URL"))}
	logger := newLogger(a.stderr, "error", a.logFormat.value) // the rest is said here
	p.feishu.Logger = logger
	seen := sight{logger: a.logger}
	p.config = tokencache.Config{
		Prefix: a.getenv("ONETOKEN_PREFIX"), Logger: logger, Observe: seen.log, FetchTimeout: doctorFetchTime,
	}
	_, err := tokencache.New(p.rdb, p.config)
	env.complainOfFields(err)
	if p.config.Prefix == "" {
		p.config.Prefix = "onetoken"
	}
	f := finding{Name: "configuration", Status: checkOK}
	if err := env.err(); err != nil {
		f.Status, f.Found, f.Advice = checkFail, strings.ReplaceAll(err.Error(), "\n", "; "), "set the environment: see onetoken -h"
		return p, f
	}
	f.Found = p.describe(a.getenv)
	if feishu, err := fetcher.NewFeishu(p.feishu); err == nil && feishu.Unencrypted() {
		f.Status, f.Advice = checkWarn, "the app secret and tokens travel unencrypted: use https (FEISHU_BASE_URL)"
	}
	return p, f
}

// describe says what is easily mistaken, and no secret.
func (p *patient) describe(getenv func(string) string) string {
	parts := []string{}
	if isAppID(p.feishu.AppID) {
		parts = append(parts, "app "+p.feishu.AppID)
	}
	parts = append(parts, "prefix "+p.config.Prefix)
	if getenv("REDIS_URL") == "" && getenv("REDIS_URL_FILE") == "" {
		parts = append(parts, "REDIS_URL is not set: 127.0.0.1:6379")
	}
	return strings.Join(parts, ", ")
}

// Status of a check.
const (
	checkOK      = "ok"
	checkWarn    = "warn"
	checkFail    = "fail"
	checkSkipped = "skipped"
)

// finding is what a check came to.
type finding struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Found  string `json:"found"`
	Advice string `json:"advice"`
}

// failed says whether what depends on it can be spared.
func (f finding) failed() bool { return f.Status == checkFail || f.Status == checkSkipped }

// chart takes the findings down: as lines, one by one, or as JSON in the end.
type chart struct {
	out      io.Writer
	json     bool
	findings []finding
	failed   int
	unsaid   error // of writing
}

func (c *chart) add(f finding) {
	f.Found, f.Advice = printable(f.Found), printable(f.Advice)
	if f.Status == checkFail {
		c.failed++
	}
	c.findings = append(c.findings, f)
	if c.json {
		return
	}
	line := fmt.Sprintf("%-7s  %-13s  %s", f.Status, f.Name, f.Found)
	if f.Advice != "" {
		line += ": " + f.Advice
	}
	_, err := fmt.Fprintln(c.out, line)
	c.unsaid = cmp.Or(c.unsaid, err) // the first: the others are the same
}

func (c *chart) end() error {
	if !c.json {
		return c.unsaid
	}
	encoder := json.NewEncoder(c.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		Checks []finding `json:"checks"`
		OK     bool      `json:"ok"`
	}{c.findings, c.failed == 0})
}

// err is for the exit status. The reasons are on standard output.
func (c *chart) err() error {
	switch c.failed {
	case 0:
		return nil
	case 1:
		return errors.New("1 check failed")
	}
	return fmt.Errorf("%d checks failed", c.failed)
}
