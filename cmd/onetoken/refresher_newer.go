package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onetoken-go/onetoken/internal/standing"
)

// States of the newest content of the secret's file while it is not in use, and the secret before
// it serves. That is no outage yet, so /readyz stays 200: a restart, or another replica, would
// have no token at all. It becomes one when the token of the old secret ends, so it is shown
// there and in the metrics.
const (
	newerUnfit   = "unfit"   // the file holds no secret
	newerUntried = "untried" // the issuer has not been asked yet
	newerRefused = "refused" // by the issuer; a person has to act
	newerFailing = "failing" // for another reason, which may pass
)

var newerStates = []string{newerUnfit, newerUntried, newerRefused, newerFailing}

// newer is one obstacle.
type newer struct {
	state string
	since time.Time
	why   string
}

// obstacles are at most two: a file may become unfit while the secret that it held is refused.
func (r *rotation) obstacles() (all []newer) {
	if u := r.unfitness(); u.why != "" {
		all = append(all, newer{newerUnfit, u.since, "the file cannot be used: " + u.why})
	}
	if _, next := r.identities(); next != nil {
		all = append(all, next.obstacle())
	}
	return all
}

func (id *identity) obstacle() newer {
	since, why := id.watch.Failing()
	if why == nil {
		return newer{newerUntried, id.read, "there is no token yet"}
	}
	return newer{stateOf(why), since, id.watch.WhyNot()}
}

// stateOf a secret for which no token came.
func stateOf(why error) string {
	if standing.NeedsPerson(why) {
		return newerRefused
	}
	return newerFailing
}

// warnings are lines for /readyz. Without a token the line above says why the newest secret has
// none.
func (r *rotation) warnings(ready bool) (lines []string) {
	for _, o := range r.obstacles() {
		if !ready && o.state != newerUnfit {
			continue
		}
		line := "warning: what " + r.session.account.variables.secret + "_FILE holds is not in use (" + o.state + " since " + o.since.UTC().Format(time.RFC3339) + "): " + o.why
		if ready {
			line += "; the secret that it held before serves"
		}
		lines = append(lines, line)
	}
	return lines
}

var (
	newerDesc = prometheus.NewDesc("onetoken_newer_secret",
		"1 while what FEISHU_APP_SECRET_FILE or OAUTH2_CLIENT_SECRET_FILE holds is not in use, by why, and the secret before it serves: unfit, the file holds no secret; untried, the issuer has not been asked yet; refused, by the issuer, and a person has to act; failing, for a reason that may pass.",
		[]string{"state"}, nil)
	newerSinceDesc = prometheus.NewDesc("onetoken_newer_secret_since_timestamp_seconds",
		"Since when, of the oldest of these; 0 if there is none.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (r *rotation) Describe(to chan<- *prometheus.Desc) {
	to <- newerDesc
	to <- newerSinceDesc
}

// Collect implements [prometheus.Collector].
func (r *rotation) Collect(to chan<- prometheus.Metric) {
	is, oldest := map[string]float64{}, time.Time{}
	for _, o := range r.obstacles() {
		is[o.state] = 1
		if oldest.IsZero() || o.since.Before(oldest) {
			oldest = o.since
		}
	}
	for _, state := range newerStates {
		to <- prometheus.MustNewConstMetric(newerDesc, prometheus.GaugeValue, is[state], state)
	}
	since := 0.0
	if !oldest.IsZero() {
		since = float64(oldest.UnixMilli()) / 1000
	}
	to <- prometheus.MustNewConstMetric(newerSinceDesc, prometheus.GaugeValue, since)
}
