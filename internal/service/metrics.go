package service

import (
	"errors"
	"runtime"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/tokencache"
)

// gauges are what is looked up at each scrape. Labels are names of the configuration, and sets of words.
type gauges struct{ service *Service }

var (
	buildDesc = prometheus.NewDesc("onetoken_build_info", "1; the version is in the label.", []string{"version", "goversion"}, nil)

	reloadOKDesc = prometheus.NewDesc("onetoken_config_last_reload_successful",
		"1 if the configuration as it is in the file is in use; 0 if it was refused, and the one before stays.", nil, nil)
	reloadAtDesc = prometheus.NewDesc("onetoken_config_last_reload_success_timestamp_seconds",
		"When the configuration in use was loaded.", nil, nil)

	redisUpDesc = prometheus.NewDesc("onetoken_redis_up",
		"1 if Redis answered when the service asked last, which it does every 5 s whether a token is due or not; else 0.", nil, nil)

	infoDesc = prometheus.NewDesc("onetoken_credential_info",
		"1; the id is that of onetoken_token_remaining_seconds.", []string{"credential", "kind", "id"}, nil)
	leftDesc = prometheus.NewDesc("onetoken_credential_remaining_seconds",
		"How long the credential's token still lives; 0 while there is none that can be handed out.", []string{"credential"}, nil)
	nextDesc = prometheus.NewDesc("onetoken_credential_next_refresh_seconds",
		"How long until the next token is looked for; 0 if that is due, or there is no token.", []string{"credential"}, nil)
	windowDesc = prometheus.NewDesc("onetoken_credential_window_seconds",
		"How long before its end the credential's token can be replaced; 0 while there is none.", []string{"credential"}, nil)
	failingDesc = prometheus.NewDesc("onetoken_credential_failing",
		"1 while the last attempt for the credential, as it serves or as it is in the file, brought no token. The one at hand may still serve.", []string{"credential"}, nil)
	refusedDesc = prometheus.NewDesc("onetoken_credential_refused",
		"1 while the issuer refuses the credential, as it serves or as it is in the file, and a person has to act. A token at hand may still serve.", []string{"credential"}, nil)
	newerDesc = prometheus.NewDesc("onetoken_credential_newer_since_timestamp_seconds",
		"Since when the credential as it is in the file is not in use, as it has no token, while the one before serves; 0 if it is in use, or nothing serves.", []string{"credential"}, nil)
)

// Describe implements [prometheus.Collector].
func (gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{buildDesc, reloadOKDesc, reloadAtDesc, redisUpDesc, infoDesc, leftDesc, nextDesc, windowDesc, failingDesc, refusedDesc, newerDesc} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (g gauges) Collect(to chan<- prometheus.Metric) {
	s := g.service
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(buildDesc, 1, s.Version, runtime.Version())
	ok, err := s.loaded.get()
	gauge(reloadOKDesc, oneIf(err == nil))
	gauge(reloadAtDesc, float64(ok.UnixMilli())/1000)
	gauge(redisUpDesc, oneIf(s.redis.answers()))
	for _, e := range s.vault.Entries() {
		name := e.Name()
		plan, has := e.Schedule()
		_, _, why := e.Failing()
		since := 0.0
		newer, waits := e.Pending()
		if waits {
			since = float64(newer.Since.UnixMilli()) / 1000
		}
		gauge(infoDesc, 1, name, e.Serving().Kind, e.ID())
		gauge(leftDesc, plan.Remaining.Seconds(), name)
		gauge(nextDesc, plan.Refresh.Seconds(), name)
		gauge(windowDesc, plan.Window.Seconds(), name)
		gauge(failingDesc, oneIf(fails(why, has) || newer.Why != nil), name)
		gauge(refusedDesc, oneIf(standing.NeedsPerson(why) || standing.NeedsPerson(newer.Why)), name)
		gauge(newerDesc, since, name)
	}
}

// fails reports whether what went wrong last has brought no token. Of trouble with Redis alone, beside a token that is
// handed out, onetoken_redis_up and onetoken_degraded tell: it is no failure of the credential.
func fails(why error, has bool) bool {
	_, refused := errors.AsType[*tokencache.IssuerError](why)
	_, redis := errors.AsType[*tokencache.RedisError](why)
	return why != nil && (refused || !redis || !has)
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// counts are what grows with events and requests.
type counts struct {
	calls    *prometheus.CounterVec // credential, direct, outcome
	rotated  *prometheus.CounterVec // credential
	requests *prometheus.CounterVec // door, credential, code
	refusals *prometheus.CounterVec // door, credential, reason
	*roster
}

// roster is the credentials that are counted. Requests and calls may outlive the reload that takes their credential
// away: they do not bring its series back.
type roster struct {
	mu    sync.RWMutex // guards names; held for reading while something is counted
	names map[string]bool
}

func newCounts() counts {
	return counts{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "onetoken_credential_calls_total",
			Help: `Calls of this service to the issuer, by credential: "ok" or the class of the failure; direct if made without Redis, once per service instead of once per fleet.`},
			[]string{"credential", "direct", "outcome"}),
		rotated: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "onetoken_credential_tokens_total",
			Help: "Tokens that this service has taken up, by credential: one for each rotation is right."}, []string{"credential"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "onetoken_door_requests_total",
			Help: "Requests at a door, by credential and HTTP status. Those that name none of the configuration's have none."}, []string{"door", "credential", "code"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "onetoken_door_refusals_total",
			Help: "Requests that a door refused because of who asked, or for what, by credential and reason: whatever HTTP status that had, and without those for which there was no token."},
			[]string{"door", "credential", "reason"}),
		roster: &roster{names: map[string]bool{}},
	}
}

const wentToIssuer, wentThroughRedis = "true", "false" // whether a call was direct

// begin has what a credential is judged by stand at 0 from the start: the first step from nothing to 1 is one that
// no rate sees. It may be called again.
func (c counts) begin(credential string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names[credential] = true
	for _, direct := range []string{wentThroughRedis, wentToIssuer} {
		c.calls.WithLabelValues(credential, direct, string(tokencache.OutcomeOK))
	}
	c.rotated.WithLabelValues(credential)
}

// observe counts an event for each of the credentials with its ID.
func (c counts) observe(e tokencache.Event, names []string) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, name := range names {
		if !c.names[name] {
			continue
		}
		switch e.Kind {
		case tokencache.EventCall:
			c.calls.WithLabelValues(name, wentThroughRedis, string(e.Outcome)).Inc()
		case tokencache.EventDirectCall:
			c.calls.WithLabelValues(name, wentToIssuer, string(e.Outcome)).Inc()
		case tokencache.EventAdopt:
			c.rotated.WithLabelValues(name).Inc()
		}
	}
}

// asked counts a request at a door. Reason is a word of the door's own; "" if it did not refuse.
func (c counts) asked(of use, status int, reason string) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.names[of.credential] {
		of.credential = ""
	}
	c.requests.WithLabelValues(of.door, of.credential, strconv.Itoa(status)).Inc()
	if reason != "" {
		c.refusals.WithLabelValues(of.door, of.credential, reason).Inc()
	}
}

// forget drops the series of a credential that is gone.
func (c counts) forget(credential string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.names, credential)
	labels := prometheus.Labels{"credential": credential}
	for _, vec := range c.all() {
		vec.DeletePartialMatch(labels)
	}
}

func (c counts) register(to prometheus.Registerer) {
	for _, vec := range c.all() {
		to.MustRegister(vec)
	}
}

func (c counts) all() []*prometheus.CounterVec {
	return []*prometheus.CounterVec{c.calls, c.rotated, c.requests, c.refusals}
}
