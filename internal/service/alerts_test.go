package service

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/alerts"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/tokencache"
)

// fleet is of services in a bubble, which are scraped every 15 s of its time. Their tokens are Feishu's.
type fleet struct {
	t         *testing.T
	bubble    *redistest.Bubble
	issuer    *feishutest.Issuer
	dir       string             // of the configuration
	members   map[string]*member // by instance
	alone     atomic.Bool        // the second one gets no answer of the issuer
	named     []string           // by the rules
	recording alerts.Recording
}

// member is a service that runs.
type member struct {
	metrics http.Handler
	stop    context.CancelFunc
	ended   chan error
}

// join starts a service.
func (f *fleet) join(name, prefix string) {
	f.t.Helper()
	o := Options{Path: filepath.Join(f.dir, "onetoken.yaml"), Getenv: func(string) string { return "" }, Logger: slog.New(slog.DiscardHandler)}
	c, err := config.Read(f.t.Context(), o.Path, o.Getenv)
	require.NoError(f.t, err)
	c.Credentials[0].Fetcher, err = fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: f.issuer.AppID(), AppSecret: tokencache.NewSecret(f.issuer.AppSecret()), Transport: way{f, name},
	})
	require.NoError(f.t, err)
	s, err := newService(o, c)
	require.NoError(f.t, err)
	s.cache, err = tokencache.New(f.bubble.Client(name), tokencache.Config{Prefix: prefix, DirectRate: directRate, Logger: o.Logger, Observe: s.observe})
	require.NoError(f.t, err)
	ctx, stop := context.WithCancel(context.Background())
	m := &member{stop: stop, ended: make(chan error, 1)}
	go func() { m.ended <- s.run(ctx, c) }()
	synctest.Wait()
	m.metrics = s.statusHandler()
	f.members[name] = m
}

// leave ends a service.
func (f *fleet) leave(name string) {
	f.t.Helper()
	m := f.members[name]
	delete(f.members, name)
	m.stop()
	assert.NoError(f.t, <-m.ended)
}

// way of an instance to the issuer.
type way struct {
	fleet    *fleet
	instance string
}

func (w way) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.instance == second && w.fleet.alone.Load() {
		return nil, errors.New("no route to host")
	}
	return w.fleet.issuer.RoundTripper().RoundTrip(r)
}

const first, second = "onetoken-1:8080", "onetoken-2:8080"

// pass lets time go by.
func (f *fleet) pass(d time.Duration) {
	f.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(alerts.Interval)
		round := map[string][]alerts.Sample{}
		for name, m := range f.members {
			out := httptest.NewRecorder()
			m.metrics.ServeHTTP(out, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			all, err := alerts.Samples(out.Body.String())
			require.NoError(f.t, err)
			round[name] = slices.DeleteFunc(all, func(s alerts.Sample) bool {
				delete(s.Labels, "version")
				delete(s.Labels, "goversion")
				return !slices.Contains(f.named, s.Metric)
			})
		}
		f.recording.Add(alerts.Job, round)
	}
}

// inFleet plays with two services, which share a Redis unless each has a prefix of its own, and have promtool play what was
// seen of them.
func (r played) inFleet(t *testing.T, name string) {
	rules, err := alerts.Read(rulesFile)
	require.NoError(t, err)
	tool := promtool(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"onetoken.yaml": plainConfig, "crm": "secret-of-crm", "billing": "secret-of-billing-1"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	f := &fleet{dir: dir, members: map[string]*member{}}
	f.named, err = alerts.Named(rules.Rules())
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		f.t, f.bubble = t, redistest.NewBubble(t)
		f.issuer = feishutest.New(feishutest.Config{AppID: "cli_a", AppSecret: "secret-of-crm", Life: r.life})
		f.issuer.SetRemaining(min(left, cmp.Or(r.life, left)))
		f.join(first, "onetoken")
		f.join(second, r.prefix())
		f.pass(time.Minute)
		r.play(f)
		f.leave(first)
		f.leave(second)
	})
	e := alerts.Expectation{Before: 2, Stays: r.stays, Every: r.every}
	for _, alert := range r.fires {
		e.Fires = append(e.Fires, alerts.Instance{Alert: alert})
	}
	path, err := filepath.Abs(rulesFile)
	require.NoError(t, err)
	const comment = "# Recorded from services in virtual time, which were scraped every 15 s of it. To make it anew: see recordings_test.go.\n"
	script := filepath.Join(dir, name+".yml")
	require.NoError(t, alerts.Expect(&f.recording, path, e, rules.Rules()).Save(script, comment))
	says, err := alerts.Play(t.Context(), tool, script)
	if err != nil {
		text, _ := os.ReadFile(script)
		t.Logf("%s", text)
	}
	require.NoError(t, err, says)
	if alerts.Records() {
		require.NoError(t, alerts.Expect(&f.recording, "../"+rulesFile, e, rules.Rules()).Save(filepath.Join("../alerts/testdata", name+".yml"), comment))
	}
}

const rulesFile = "../../deploy/prometheus/rules.yml"

// promtool is the path of Prometheus' own tool.
func promtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil && os.Getenv(redistest.RequireEnv) == "1" {
		t.Fatal("promtool is not installed, but " + redistest.RequireEnv + "=1")
	}
	if err != nil {
		t.Skip("promtool is not installed: it comes with Debian's prometheus")
	}
	return path
}

// played is something that happens to a fleet.
type played struct {
	play  func(f *fleet)
	life  time.Duration // of tokens; 0: 2 h, but of the first 40 min are left
	apart bool          // each service has a prefix of its own
	fires []string      // alerts, and no others
	stays bool          // they do at the end
	every time.Duration // the rules are evaluated; 0: as often as Prometheus looks
}

func (r played) prefix() string {
	if r.apart {
		return "other"
	}
	return "onetoken"
}

// passUntilRefused lets time go by until the issuer has refused a call.
func (f *fleet) passUntilRefused() {
	f.t.Helper()
	for before := f.issuer.Stats().Refused; f.issuer.Stats().Refused == before; {
		f.pass(alerts.Interval)
	}
	f.pass(time.Minute)
}

// left is of the first token, when the services begin: in its last 30 min the issuer gives another.
const left = 40 * time.Minute

// What the rules make of tokens that live for 2 hours, at the pace of Prometheus.
func TestAlertsInVirtualTime(t *testing.T) {
	t.Parallel()
	unavailable := feishutest.Status(http.StatusServiceUnavailable)
	down := func(f *fleet) { f.bubble.Each((*redistest.Link).Down) }
	heal := func(f *fleet) { f.bubble.Each((*redistest.Link).Heal) }
	for name, r := range map[string]played{
		"virtual-calm": {every: time.Minute, play: func(f *fleet) { f.pass(110 * time.Minute) }},
		// The token is due after 10 min. 2 min before its end each service asks by itself.
		"virtual-redis-gone": {
			every: time.Minute,
			play: func(f *fleet) {
				down(f)
				f.pass(left)
				heal(f)
				f.pass(10 * time.Minute)
			},
			fires: []string{"OnetokenRedisDegraded"},
		},
		// The same of a Redis that answers, and takes nothing: it wakes nobody.
		"virtual-redis-full": {
			every: time.Minute,
			play: func(f *fleet) {
				heal := f.bubble.FailCommands("OOM command not allowed when used memory > 'maxmemory'.", func(name string, args []string) bool {
					isLook := len(args) > 1 && len(args) <= 6 && args[1] == "3" // of three keys, with nothing to write
					return strings.HasPrefix(name, "EVAL") && !isLook || name == "SET"
				})
				f.pass(left)
				heal()
				f.pass(10 * time.Minute)
			},
			fires: []string{"OnetokenNobodyRefreshes"},
		},
		"virtual-redis-and-issuer-gone": {
			every: time.Minute,
			play: func(f *fleet) {
				down(f)
				f.issuer.SetFault(unavailable)
				f.pass(left + 5*time.Minute)
				heal(f)
				f.issuer.SetFault(feishutest.Fault{})
				f.pass(10 * time.Minute)
			},
			fires: []string{"OnetokenRedisDegraded", "OnetokenRefreshFailing", "OnetokenTokenEndsUnrefreshed", "OnetokenNoToken"},
		},
		"virtual-issuer-gone": {
			every: time.Minute,
			play: func(f *fleet) {
				f.issuer.SetFault(unavailable)
				f.pass(left + 5*time.Minute)
				f.issuer.SetFault(feishutest.Fault{})
				f.pass(10 * time.Minute)
			},
			fires: []string{"OnetokenRefreshFailing", "OnetokenTokenEndsUnrefreshed", "OnetokenNoToken"},
		},
		// Then the issuer is asked every 5 min, which is not nobody.
		"virtual-refused": {
			every: time.Minute,
			play: func(f *fleet) {
				f.issuer.SetAppSecret("another-secret")
				f.pass(left + 5*time.Minute)
				f.issuer.SetAppSecret("secret-of-crm")
				f.pass(10 * time.Minute)
			},
			fires: []string{"OnetokenCredentialRefused", "OnetokenRefreshFailing", "OnetokenTokenEndsUnrefreshed", "OnetokenNoToken"},
		},
		// The issuer is asked every 5 min, and the services have restarted after the first time: two counters begin with 1.
		"virtual-quota": {
			play: func(f *fleet) {
				f.issuer.SetFault(feishutest.Refusal(99991403, "quota"))
				f.passUntilRefused()
				for _, name := range []string{first, second} {
					f.leave(name)
					f.join(name, "onetoken")
				}
				f.pass(12 * time.Minute)
				f.issuer.SetFault(feishutest.Fault{})
				f.pass(10 * time.Minute)
			},
			fires: []string{"OnetokenCredentialRefused", "OnetokenRefreshFailing"},
		},
		// One of the two reaches neither Redis nor the issuer, and in the end has no token: the other serves.
		"virtual-one-of-two": {
			every: time.Minute,
			play: func(f *fleet) {
				f.bubble.Link(second).Down()
				f.alone.Store(true)
				f.pass(left + 5*time.Minute)
				f.bubble.Link(second).Heal()
				f.alone.Store(false)
				f.pass(10 * time.Minute)
			},
			fires: []string{"OnetokenRedisDegraded", "OnetokenRefreshFailing"},
		},
		// From the second token on there is a call too many for each: of two in an hour it is told, or of three in six.
		"virtual-apart-for-an-hour": {
			apart: true, life: 24 * time.Minute,
			play:  func(f *fleet) { f.pass(52 * time.Minute) },
			fires: []string{"OnetokenMoreCallsThanRotations"}, stays: true,
		},
		"virtual-apart": {
			apart: true, every: time.Minute,
			play:  func(f *fleet) { f.pass(200 * time.Minute) },
			fires: []string{"OnetokenMoreCallsThanRotations"}, stays: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r.inFleet(t, name)
		})
	}
}
