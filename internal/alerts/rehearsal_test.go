package alerts_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
	"github.com/onetoken-go/onetoken/internal/alerts"
)

// pace is how often services are scraped in a rehearsal. Played at the pace of Prometheus, half a minute passes in a
// second: 5 min, the longest that an alert waits, in 10 s.
const pace = 500 * time.Millisecond

// forOf are the rounds that an alert waits, and two in which it begins to.
func forOf(d time.Duration) int { return int(d/alerts.Interval) + 2 }

// rehearsal causes the trouble of an alert.
type rehearsal struct {
	alert  string
	life   time.Duration // of tokens
	window time.Duration // before their end, in which there is another
	// play causes the trouble, has its signs be looked for, and ends it.
	play    func(t *testing.T, s *stage, look func(at *process))
	labels  map[string]string // that it has of its own
	besides []alerts.Instance // that fire as well
	stays   bool              // it is not over as soon as the trouble is
}

const one, two = "onetoken-1:8080", "onetoken-2:8080"

var rehearsals = []rehearsal{
	{
		alert: "OnetokenDown", life: time.Hour,
		play: func(_ *testing.T, s *stage, look func(*process)) {
			a, b := s.start(one, "onetoken.yaml"), s.start(two, "onetoken.yaml")
			s.begins()
			a.kill()
			b.kill()
			s.pass(forOf(2 * time.Minute))
			look(a)
			s.start(one, "onetoken.yaml")
			s.start(two, "onetoken.yaml")
		},
	},
	{
		alert: "OnetokenNoToken", life: 10 * time.Second, window: 3 * time.Second,
		play: func(_ *testing.T, s *stage, look func(*process)) {
			a, _ := s.start(one, "onetoken.yaml"), s.start(two, "onetoken.yaml")
			s.begins()
			s.issuer.SetFault(unavailable)
			s.await("no token", func() bool { return !a.has() })
			s.pass(forOf(time.Minute))
			look(a)
			s.issuer.SetFault(oauth2test.Fault{})
			s.await("a token", a.has)
		},
	},
	{
		alert: "OnetokenTokenEndsUnrefreshed", life: time.Minute, window: 52 * time.Second,
		besides: []alerts.Instance{{Alert: "OnetokenRefreshFailing"}},
		play: func(_ *testing.T, s *stage, look func(*process)) {
			a, _ := s.start(one, "onetoken.yaml"), s.start(two, "onetoken.yaml")
			s.begins()
			s.issuer.SetFault(unavailable)
			s.await("a quarter of the window is left", func() bool { return a.left() < 9 }) // of 39 s
			s.pass(forOf(time.Minute))
			look(a)
			s.issuer.SetFault(oauth2test.Fault{})
			s.await("a new token", func() bool { return a.left() > 50 })
		},
	},
	{
		alert: "OnetokenNobodyRefreshes", life: 90 * time.Second, window: 80 * time.Second,
		play: func(t *testing.T, s *stage, look func(*process)) {
			a, _ := s.start(one, "onetoken.yaml"), s.start(two, "onetoken.yaml")
			s.await("a token", a.has)
			s.begins()
			release := s.holdLock()
			s.pass(forOf(10 * time.Minute))
			s.await("a refresh is due", func() bool { return a.next() == 0 })
			s.pass(forOf(5 * time.Minute))
			look(a)
			release()
			s.await("a new token", func() bool { return a.left() > 80 })
		},
	},
	{
		alert: "OnetokenRefreshFailing", life: time.Minute, window: 52 * time.Second,
		play: func(_ *testing.T, s *stage, look func(*process)) {
			a, _ := s.start(one, "onetoken.yaml"), s.start(two, "onetoken.yaml")
			s.begins()
			s.issuer.SetFault(unavailable)
			s.await("a failure", func() bool { return a.report().value("credentials.crm.trouble") != "null" })
			s.pass(forOf(5 * time.Minute))
			look(a)
			s.issuer.SetFault(oauth2test.Fault{})
			s.await("a new token", func() bool { return a.left() > 50 })
		},
	},
	{
		alert: "OnetokenCredentialRefused", life: 20 * time.Second, window: 16 * time.Second,
		play: func(_ *testing.T, s *stage, look func(*process)) {
			a, _ := s.start(one, "onetoken.yaml"), s.start(two, "onetoken.yaml")
			s.begins()
			s.issuer.SetSecret(clientID, "another-secret-at-the-issuer")
			s.await("a refusal", func() bool { return a.report().value("credentials.crm.trouble") != "null" })
			s.pass(forOf(time.Minute))
			look(a)
			s.write("crm", "another-secret-at-the-issuer")
			s.await("a new token", func() bool { return a.left() > 15 })
		},
	},
	{
		alert: "OnetokenRedisDegraded", life: time.Hour,
		play: func(_ *testing.T, s *stage, look func(*process)) {
			a, _ := s.start(one, "onetoken.yaml"), s.start(two, "onetoken.yaml")
			s.begins()
			s.redis.Kill()
			s.await("Redis is missed", func() bool { return a.report().value("redis.state") == `"degraded"` })
			s.pass(forOf(time.Minute))
			look(a)
			s.redis.Restart()
			s.await("Redis is back", func() bool { return a.report().value("redis.state") == `"up"` })
		},
	},
	{
		alert: "OnetokenMoreCallsThanRotations", life: 6 * time.Second, window: 4 * time.Second, stays: true,
		play: func(_ *testing.T, s *stage, look func(*process)) {
			s.write("other.yaml", strings.Replace(s.configuration(), "redis: {", "redis: {prefix: other, ", 1))
			a, b := s.start(one, "onetoken.yaml"), s.start(two, "other.yaml")
			s.begins()
			s.await("calls", func() bool {
				return a.report().number("credentials.crm.calls") >= 5 && b.report().number("credentials.crm.calls") >= 5
			})
			look(a)
			s.await("different moments", func() bool {
				at := a.report().value("credentials.crm.fetched_at")
				return at != "null" && at != b.report().value("credentials.crm.fetched_at")
			})
		},
	},
	{
		alert: "OnetokenConfigRefused", life: time.Hour,
		play: func(_ *testing.T, s *stage, look func(*process)) {
			good := s.configuration()
			s.write("other.yaml", good)
			a, _ := s.start(one, "onetoken.yaml"), s.start(two, "other.yaml")
			s.begins()
			s.write("onetoken.yaml", strings.Replace(good, "kind: oauth2", "kind: oauth", 1))
			s.await("it is refused", func() bool { return a.report().value("config.ok") == "false" })
			s.pass(forOf(2 * time.Minute))
			look(a)
			s.write("onetoken.yaml", good)
			s.await("it is loaded", func() bool { return a.report().value("config.ok") == "true" })
		},
	},
	{
		alert: "OnetokenNewerSecretUnused", life: time.Hour,
		besides: []alerts.Instance{{Alert: "OnetokenCredentialRefused"}, {Alert: "OnetokenRefreshFailing"}},
		play: func(_ *testing.T, s *stage, look func(*process)) {
			s.write("other", issuerSecret)
			s.write("other.yaml", strings.Replace(s.configuration(), "client_secret_file: crm", "client_secret_file: other", 1))
			a, _ := s.start(one, "onetoken.yaml"), s.start(two, "other.yaml")
			s.await("a token", a.has)
			s.begins()
			s.write("crm", "mistyped")
			s.await("it is refused", func() bool { return a.report().value("credentials.crm.newer.trouble") != "null" })
			s.pass(forOf(5 * time.Minute))
			look(a)
			s.write("crm", issuerSecret)
			s.await("it is in use", func() bool { return a.report().value("credentials.crm.newer") == "null" })
		},
	},
	{
		alert: "OnetokenDoorRefuses", life: time.Hour, labels: map[string]string{"door": "tokens", "reason": "invalid_client"},
		play: func(t *testing.T, s *stage, look func(*process)) {
			a, _ := s.start(one, "onetoken.yaml"), s.start(two, "onetoken.yaml")
			knock := func(secret string) { a.ask(http.MethodGet, a.tokens+"/v1/tokens/crm", secret) }
			for range 10 {
				knock(doorSecret)
			}
			knock("an-old-secret-of-billing")
			s.begins()
			for range 10 {
				for range 3 {
					knock("an-old-secret-of-billing")
				}
				knock(doorSecret)
				s.pass(1)
			}
			look(a)
			s.pass(forOf(5 * time.Minute))
		},
	},
}

// unavailable has the issuer ask for patience: it is asked again every second.
var unavailable = oauth2test.Answer(http.StatusServiceUnavailable, http.Header{"Retry-After": {"1"}}, "")

// after is how many rounds follow a trouble, for what was seen of it to pass.
const after = 6

// Each trouble is caused, and the signs that the runbook names are looked for while it lasts. Of what was scraped
// meanwhile promtool has to make that alert and no other, for as long as it lasts.
func TestRehearsals(t *testing.T) {
	t.Parallel()
	rules := readRules(t).Rules()
	for _, r := range rehearsals {
		t.Run(r.alert, func(t *testing.T) {
			t.Parallel()
			tool := promtool(t)
			s := newStage(t, r.life, r.window)
			s.record(pace, rules)
			looked := false
			r.play(t, s, func(at *process) {
				looked = true
				at.shows(alerts.SignsOf[r.alert])
			})
			assert.True(t, looked)
			s.pass(after)
			fires := append([]alerts.Instance{{Alert: r.alert, Labels: r.labels}}, r.besides...)
			s.judge(tool, rules, r.alert, alerts.Expectation{Before: s.before, Fires: fires, Stays: r.stays})
		})
	}
}

func TestEveryAlertIsRehearsed(t *testing.T) {
	t.Parallel()
	var of, rehearsed []string
	for _, r := range readRules(t).Rules() {
		of = append(of, r.Alert)
	}
	for _, r := range rehearsals {
		rehearsed = append(rehearsed, r.alert)
	}
	assert.ElementsMatch(t, of, rehearsed)
	assert.ElementsMatch(t, of, slices.Collect(maps.Keys(alerts.SignsOf)))
}
