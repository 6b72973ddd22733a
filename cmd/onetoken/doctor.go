package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/internal/terminal"
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
	calls  sync.WaitGroup // checks that may hold the fleet's lock
	env    *environment
	rdb    redis.UniversalClient
	config tokencache.Config
	feishu fetcher.FeishuConfig
}

func (a *app) doctor(ctx context.Context, asJSON bool) error {
	chart := &chart{out: a.stdout, json: asJSON}
	bounded, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	reading, stop := context.WithTimeout(bounded, readTime)
	p, first := a.admit(reading)
	stop()
	chart.files = p.env.files
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
	a.finishCalls(&p.calls)
	if err := chart.end(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return chart.err()
}

// finishCalls waits for a call to the issuer that a check has left behind: its token is
// shared and the lock released before the end.
func (a *app) finishCalls(calls *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		calls.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-time.After(checkTime / 100):
	}
	say(a.stderr, "finishing a call under way for the others; press again to stop at once")
	select {
	case <-done:
	case <-time.After(doctorFetchTime + checkTime): // a client that heeds no time-out
	}
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
		NoDirect: env.noDirect(),
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
	if env.unverified {
		f.Status, f.Advice = checkWarn, strings.TrimPrefix(f.Advice+"; "+unverifiedRedis, "; ")
	}
	return p, f
}

// describe says who will be asked, which is easily mistaken, and no secret.
func (p *patient) describe(getenv func(string) string) string {
	parts := []string{}
	if isAppID(p.feishu.AppID) {
		parts = append(parts, "app "+p.feishu.AppID)
	}
	if issuer, err := url.Parse(cmp.Or(p.feishu.BaseURL, fetcher.FeishuURL)); err == nil {
		parts = append(parts, "issuer "+issuer.Scheme+"://"+issuer.Host)
	}
	redis := "redis " + p.env.place
	if getenv("REDIS_URL") == "" && getenv("REDIS_URL_FILE") == "" {
		redis += " (REDIS_URL is not set)"
	}
	return strings.Join(append(parts, redis, "prefix "+p.config.Prefix), ", ")
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
	files    files // that stand in for variables
	findings []finding
	failed   []finding
	unsaid   error // of writing
}

func (c *chart) add(f finding) {
	f.Found, f.Advice = terminal.Printable(c.files.named(f.Found)), terminal.Printable(c.files.named(f.Advice))
	if f.Status == checkFail {
		c.failed = append(c.failed, f)
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
	}{c.findings, len(c.failed) == 0})
}

// err is for the exit status. It begins with what to do about the first that failed, as
// the others may follow from it. The reasons are on standard output.
func (c *chart) err() error {
	if len(c.failed) == 0 {
		return nil
	}
	var names []string
	for _, f := range c.failed {
		names = append(names, f.Name)
	}
	checks := "1 check"
	if n := len(names); n > 1 {
		checks = strconv.Itoa(n) + " checks"
	}
	return fmt.Errorf("%s; %s failed: %s", c.failed[0].Advice, checks, strings.Join(names, ", "))
}
