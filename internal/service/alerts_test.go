package service

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	metrics   map[string]http.Handler // by instance
	named     []string                // by the rules
	recording alerts.Recording
}

// join starts a service, which runs until ctx ends.
func (f *fleet) join(ctx context.Context, dir, name, prefix string) (ended <-chan error) {
	f.t.Helper()
	o := Options{Path: filepath.Join(dir, "onetoken.yaml"), Getenv: func(string) string { return "" }, Logger: slog.New(slog.DiscardHandler)}
	first, err := config.Read(ctx, o.Path, o.Getenv)
	require.NoError(f.t, err)
	first.Credentials[0].Fetcher, err = fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: f.issuer.AppID(), AppSecret: tokencache.NewSecret(f.issuer.AppSecret()), Transport: f.issuer.RoundTripper(),
	})
	require.NoError(f.t, err)
	s, err := newService(o, first)
	require.NoError(f.t, err)
	s.cache, err = tokencache.New(f.bubble.Client(name), tokencache.Config{Prefix: prefix, DirectRate: directRate, Logger: o.Logger, Observe: s.observe})
	require.NoError(f.t, err)
	done := make(chan error, 1)
	go func() { done <- s.run(ctx, first) }()
	synctest.Wait()
	f.metrics[name] = s.statusHandler()
	return done
}

// pass lets time go by.
func (f *fleet) pass(d time.Duration) {
	f.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(alerts.Interval)
		round := map[string][]alerts.Sample{}
		for name, handler := range f.metrics {
			out := httptest.NewRecorder()
			handler.ServeHTTP(out, httptest.NewRequest(http.MethodGet, "/metrics", nil))
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
	f := &fleet{t: t, metrics: map[string]http.Handler{}}
	f.named, err = alerts.Named(rules.Rules())
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		f.bubble = redistest.NewBubble(t)
		f.issuer = feishutest.New(feishutest.Config{AppID: "cli_a", AppSecret: "secret-of-crm"})
		ctx, stop := context.WithCancel(t.Context())
		prefixes := []string{"onetoken", "onetoken"}
		if r.apart {
			prefixes[1] = "other"
		}
		one, two := f.join(ctx, dir, "onetoken-1:8080", prefixes[0]), f.join(ctx, dir, "onetoken-2:8080", prefixes[1])
		f.pass(time.Minute)
		r.play(f)
		stop()
		assert.NoError(t, <-one)
		assert.NoError(t, <-two)
	})
	e := alerts.Expectation{Before: 2, Stays: r.stays, Every: time.Minute}
	for _, alert := range r.fires {
		e.Fires = append(e.Fires, alerts.Instance{Alert: alert})
	}
	path, err := filepath.Abs(rulesFile)
	require.NoError(t, err)
	const comment = "# Recorded from services in virtual time, which were scraped every 15 s of it. To make it anew: see recordings_test.go.\n"
	script := filepath.Join(dir, name+".yml")
	require.NoError(t, alerts.Expect(&f.recording, path, e, rules.Rules()).Save(script, comment))
	says, err := alerts.Play(t.Context(), tool, script)
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
	apart bool     // each service has a prefix of its own
	fires []string // alerts, and no others
	stays bool     // they do at the end
}

// What the rules make of tokens that live for 2 hours, at the pace of Prometheus.
func TestAlertsInVirtualTime(t *testing.T) {
	t.Parallel()
	const life = 2 * time.Hour
	unavailable := feishutest.Status(http.StatusServiceUnavailable)
	down := func(f *fleet) { f.bubble.Each((*redistest.Link).Down) }
	heal := func(f *fleet) { f.bubble.Each((*redistest.Link).Heal) }
	for name, r := range map[string]played{
		"virtual-calm": {play: func(f *fleet) { f.pass(3*time.Hour + 10*time.Minute) }},
		// The token is due after 90 min. 2 min before its end each service asks by itself.
		"virtual-redis-gone": {
			play: func(f *fleet) {
				down(f)
				f.pass(life)
				heal(f)
				f.pass(10 * time.Minute)
			},
			fires: []string{"OnetokenRedisDegraded", "OnetokenRefreshFailing"},
		},
		"virtual-redis-and-issuer-gone": {
			play: func(f *fleet) {
				down(f)
				f.issuer.SetFault(unavailable)
				f.pass(life + 5*time.Minute)
				heal(f)
				f.issuer.SetFault(feishutest.Fault{})
				f.pass(10 * time.Minute)
			},
			fires: []string{"OnetokenRedisDegraded", "OnetokenRefreshFailing", "OnetokenTokenEndsUnrefreshed", "OnetokenNoToken"},
		},
		"virtual-issuer-gone": {
			play: func(f *fleet) {
				f.issuer.SetFault(unavailable)
				f.pass(life + 5*time.Minute)
				f.issuer.SetFault(feishutest.Fault{})
				f.pass(10 * time.Minute)
			},
			fires: []string{"OnetokenRefreshFailing", "OnetokenTokenEndsUnrefreshed", "OnetokenNoToken"},
		},
		// Then the issuer is asked every 5 min, which is not nobody.
		"virtual-refused": {
			play: func(f *fleet) {
				f.issuer.SetAppSecret("another-secret")
				f.pass(life + 5*time.Minute)
				f.issuer.SetAppSecret("secret-of-crm")
				f.pass(10 * time.Minute)
			},
			fires: []string{"OnetokenCredentialRefused", "OnetokenRefreshFailing", "OnetokenTokenEndsUnrefreshed", "OnetokenNoToken"},
		},
		// From the second rotation on there is a call too many at each, of which three are too many.
		"virtual-apart": {
			apart: true,
			play:  func(f *fleet) { f.pass(4*time.Hour + 45*time.Minute) },
			fires: []string{"OnetokenMoreCallsThanRotations"}, stays: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r.inFleet(t, name)
		})
	}
}
