//go:build unix

package alerts_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/alerts"
)

// hour is how long a calm one lasts in rounds, and the life of tokens in it. Recorded it lasts an hour; else a third of
// one, played faster.
func hour() (rounds int, every, life time.Duration) {
	if alerts.Records() {
		return 240, alerts.Interval, 10 * time.Minute
	}
	return 80, pace, 10 * time.Second
}

// Nothing fires in a calm hour: with rotations, a reload, a restart, a service that stands still during a call so that
// another takes over, and one that makes place for another, as at a rollout. Clients ask all the time, and some are
// refused now and then.
func TestCalmHourOfTwo(t *testing.T) {
	t.Parallel()
	rounds, every, life := hour()
	tool, rules := promtool(t), readRules(t).Rules()
	s := newStage(t, life, life/2)
	a, b := s.start(one, "onetoken.yaml"), s.start(two, "onetoken.yaml")
	s.record(every, rules)
	eighth := func() {
		for range rounds / 8 {
			a.isAsked(12, 1) // which is not one in ten
			s.pass(1)
		}
	}
	eighth()
	s.write("onetoken.yaml", strings.Replace(s.configuration(), "clients:", "clients:\n    - {name: reports, secret_file: billing-2, credentials: [crm]}", 1))
	s.write("billing-2", doorSecret+"-2")
	s.await("a reload", func() bool { return strings.Contains(a.report().value("events"), "the configuration was loaded") })
	eighth()
	b.ends()
	b = s.start(two, "onetoken.yaml")
	eighth()
	s.standsStill(b, a)
	eighth()
	eighth()
	c := s.start("onetoken-3:8080", "onetoken.yaml")
	b.ends()
	s.forget(two)
	eighth()
	eighth()
	eighth()
	s.await("it is well", func() bool { return strings.Contains(c.page(), "The one credential is well.") })
	for _, word := range []string{"No token", "Needs you", "Retrying", "Refused", "Degraded"} {
		assert.NotContains(t, c.page(), word)
		assert.NotContains(t, c.told(), word)
	}
	s.judge(tool, rules, "calm-two", alerts.Expectation{})
}

// A fleet of one is calm, too: while it restarts nothing is scraped.
func TestCalmHourOfOne(t *testing.T) {
	t.Parallel()
	rounds, every, life := hour()
	tool, rules := promtool(t), readRules(t).Rules()
	s := newStage(t, life, life/2)
	a := s.start(one, "onetoken.yaml")
	s.record(every, rules)
	for range 3 {
		for i := range rounds / 4 {
			if i%8 == 0 {
				a.isAsked(1, 1) // which is not many
			}
			s.pass(1)
		}
		a.ends()
		s.pass(1)
		a = s.start(one, "onetoken.yaml")
	}
	s.pass(rounds / 4)
	s.judge(tool, rules, "calm-one", alerts.Expectation{})
}

// ends is SIGTERM, on which it ends by itself.
func (r *process) ends() {
	r.t.Helper()
	require.NoError(r.t, r.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(r.t, r.cmd.Wait())
}

// isAsked has clients ask, and one that is not known now.
func (r *process) isAsked(known, strangers int) {
	r.t.Helper()
	for range known {
		status, body := r.ask(http.MethodGet, r.tokens+"/v1/tokens/crm", doorSecret)
		assert.Equal(r.t, http.StatusOK, status, body)
	}
	for range strangers {
		status, _ := r.ask(http.MethodGet, r.tokens+"/v1/tokens/crm", "an-old-secret-of-billing")
		assert.Equal(r.t, http.StatusUnauthorized, status)
	}
}

// standsStill stops a service while it asks the issuer, until the other one has taken over: the token comes twice.
func (s *stage) standsStill(r, other *process) {
	s.t.Helper()
	calls := func() float64 { return r.report().number("credentials.crm.calls") }
	before := calls()
	s.await("a refresh comes soon", func() bool { return other.next() > 0 && other.next() < 3*s.pace.Seconds() })
	other.signal(syscall.SIGSTOP) // so that it is not the one that asks
	s.issuer.SetLatency(time.Second)
	<-s.asked
	r.signal(syscall.SIGSTOP)
	s.issuer.SetLatency(0)
	other.signal(syscall.SIGCONT)
	<-s.asked
	s.await("another token", func() bool { return other.next() > 0 })
	r.signal(syscall.SIGCONT)
	s.await("the end of the call before", func() bool { return calls() > before })
}

func (r *process) signal(which syscall.Signal) {
	r.t.Helper()
	require.NoError(r.t, r.cmd.Process.Signal(which))
}
