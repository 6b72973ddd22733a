package page_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

var outageTo = flag.String("outage", "", "the folder to write outage.md and its screenshots to, of an outage as long as a real one; none: a short one, of which nothing is kept")

// An outage: Redis is gone for 5 minutes; then the issuer refuses one app, and does not answer for another. At each
// moment the page, the alerts and `onetoken status` have to tell the same, and the door does what they say.
// make outage keeps its transcript.
func TestOutage(t *testing.T) {
	b := startBrowser(t)
	o := newOutage(t, b)
	apps := o.site.apps

	o.until("All is well", moment{
		headline: fmt.Sprintf("All %d credentials are well.", len(apps)),
		door:     map[string]int{"crm": http.StatusOK, "reports": http.StatusOK},
	})
	o.shot("calm", window{})

	o.does("Redis is killed.")
	gone := time.Now()
	o.redis.Kill()
	o.until("Redis is gone", moment{
		headline: fmt.Sprintf("All %d credentials are well.", len(apps)), notes: []string{"Redis is in trouble."},
		status: []string{"Redis has been in trouble for "},
		alerts: []string{"OnetokenRedisDegraded"},
		door:   map[string]int{"crm": http.StatusOK, "reports": http.StatusOK},
	})
	o.shot("redis", window{})
	o.rest(gone, 5*time.Minute)
	o.does("Redis is started again, and has lost its data.")
	o.redis.Restart()
	o.until("Redis is back", moment{
		headline: fmt.Sprintf("All %d credentials are well.", len(apps)),
		door:     map[string]int{"crm": http.StatusOK, "reports": http.StatusOK},
	})

	o.does("At the issuer somebody changes the secret of crm, and for reports it answers 503, before their tokens are due.")
	o.app("crm").SetSecret("another-secret-of-crm")
	o.app("reports").SetFault(unavailable)
	o.until("The issuer refuses", moment{
		headline: "1 of 4 credentials needs you: crm.",
		notes:    []string{"reports"},
		rows:     map[string]string{"crm": "Needs you", "reports": "Retrying"},
		status:   []string{"needs you: crm"},
		alerts:   []string{"OnetokenCredentialRefused crm"}, later: []string{"OnetokenRefreshFailing crm", "OnetokenRefreshFailing reports"},
		door: map[string]int{"crm": http.StatusOK, "reports": http.StatusOK},
	})
	o.shot("refused", window{})
	o.until("Tokens have ended", moment{
		headline: "1 of 4 credentials needs you: crm.", notes: []string{"Without a token: crm, reports."},
		rows:   map[string]string{"crm": "No token", "reports": "No token"},
		status: []string{"Without a token: crm, reports."},
		alerts: []string{"OnetokenCredentialRefused crm", "OnetokenNoToken crm", "OnetokenNoToken reports", "OnetokenRefreshFailing crm", "OnetokenRefreshFailing reports"},
		door:   map[string]int{"crm": http.StatusBadGateway, "reports": http.StatusServiceUnavailable},
	})
	o.shot("ended", window{})
	o.shot("ended-phone", window{Width: 390, Height: 844, Dark: true})

	o.does("A person puts the new secret of crm into its file; the issuer answers again for reports.")
	o.app("reports").SetFault(feishutest.Fault{})
	o.site.write("crm", "another-secret-of-crm")
	o.until("All is well again", moment{
		headline: fmt.Sprintf("All %d credentials are well.", len(apps)),
		door:     map[string]int{"crm": http.StatusOK, "reports": http.StatusOK},
	})
	o.write()
}

// unavailable is asked again every second.
var unavailable = feishutest.Answer(http.StatusServiceUnavailable, http.Header{"Retry-After": {"1"}}, "")

// outage is a run of two services on one Redis, as one person looks at it.
type outage struct {
	*site
	t       *testing.T
	b       *browser
	redis   *redistest.Server
	alerts  *prometheus
	first   *service
	divided int // all times, of those of a real outage
	began   time.Time
	told    strings.Builder
}

func newOutage(t *testing.T, b *browser) *outage {
	t.Helper()
	o := &outage{t: t, b: b, redis: redistest.StartServer(t), divided: 15}
	if *outageTo != "" {
		o.divided = 1
	}
	// A token is due 8 min 30 s after it was got: Redis is back by then, and the issuer refuses.
	life, before := o.span(12*time.Minute), o.span(4*time.Minute)
	o.site = newSiteOf(t, o.redis.URL(), feishutest.Config{Life: life, Window: before}, "crm", "helpdesk", "reports", "status-bot")
	configuration := strings.ReplaceAll(o.configuration(o.apps...), "kind: feishu,", fmt.Sprintf("kind: feishu, window: %s,", before))
	o.site.write("onetoken.yaml", configuration)
	o.began = time.Now()
	o.first = o.startOn("onetoken.yaml")
	second := o.startOn("onetoken.yaml")
	o.first.awaitReady()
	second.awaitReady()
	o.alerts = startPrometheus(t, o.divided, o.first, second)
	require.Eventually(t, func() bool { return o.alerts.scraped() == 2 }, time.Minute, 100*time.Millisecond)
	b.open(o.first.status, window{}) // and never again: the page keeps itself up to date
	return o
}

func (o *outage) span(real time.Duration) time.Duration { return real / time.Duration(o.divided) }

// rest lets the time pass that a real outage takes.
func (o *outage) rest(since time.Time, real time.Duration) {
	time.Sleep(time.Until(since.Add(o.span(real))))
}

// moment is what has to be seen at one time.
type moment struct {
	headline string
	notes    []string          // on the page, below the headline
	rows     map[string]string // the words of credentials that are not well
	status   []string          // what the terminal says besides the headline
	alerts   []string          // that fire
	later    []string          // that may fire as well
	door     map[string]int    // HTTP statuses of the token door
}

// until waits until all of a moment is seen at once, and tells of it.
func (o *outage) until(title string, m moment) {
	o.t.Helper()
	var problems []string
	for end := time.Now().Add(2*time.Minute + o.span(12*time.Minute)); ; time.Sleep(o.span(3 * time.Second)) {
		seen := o.look()
		if problems = m.missing(seen); len(problems) == 0 {
			o.tell(title, seen)
			o.compare(title, m)
			return
		}
		require.True(o.t, time.Now().Before(end), "%s:\n%s\n%+v", title, strings.Join(problems, "\n"), seen)
	}
}

// seen is what there is to see.
type seen struct {
	at           time.Time
	page         string // its headline and notes
	rows         map[string]string
	status       string
	alerts       []string
	door         map[string]int
	statusFailed bool
}

func (o *outage) look() seen {
	o.t.Helper()
	s := seen{at: time.Now(), rows: map[string]string{}, door: map[string]int{}, alerts: o.alerts.firing()}
	s.page = strings.TrimSpace(eval[string](o.b, `document.querySelector('#headline').innerText`))
	for _, app := range o.apps {
		s.rows[app] = o.b.text("#c-" + app + " .state")
		s.door[app], _ = o.first.ask("billing", http.MethodGet, "/v1/tokens/"+app, nil)
	}
	cmd := exec.Command(binary, "status", "--service", o.first.status)
	cmd.Env = []string{"HOME=" + o.dir}
	out, err := cmd.CombinedOutput()
	s.status, s.statusFailed = strings.TrimSpace(string(out)), err != nil
	return s
}

// missing is what is not as it has to be.
func (m moment) missing(s seen) (problems []string) {
	want := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	headline, _, _ := strings.Cut(s.page, "\n")
	want(headline == m.headline, "the page says %q, and not %q", headline, m.headline)
	for _, note := range m.notes {
		want(strings.Contains(s.page, note), "the page does not say %q", note)
	}
	for app, word := range s.rows {
		expected, bad := m.rows[app]
		if !bad {
			want(slices.Contains([]string{"Well", "Refreshing"}, word), "%s is %q on the page", app, word)
			continue
		}
		want(word == expected, "%s is %q on the page, and not %q", app, word, expected)
		want(strings.Contains(s.status, expected), "status does not say %q", expected)
	}
	want(strings.Contains(s.status, m.headline), "status does not say %q", m.headline)
	for _, words := range m.status {
		want(strings.Contains(s.status, words), "status does not say %q", words)
	}
	for _, alert := range m.alerts {
		want(slices.Contains(s.alerts, alert), "%s does not fire", alert)
	}
	for _, alert := range s.alerts {
		want(slices.Contains(m.alerts, alert) || slices.Contains(m.later, alert), "%s fires", alert)
	}
	for app, code := range m.door {
		want(s.door[app] == code, "the door answers %d for %s, and not %d", s.door[app], app, code)
	}
	return problems
}

// compare wants the transcript that is kept to tell of the same moment. It is written anew by make outage.
func (o *outage) compare(title string, m moment) {
	o.t.Helper()
	if *outageTo != "" {
		return
	}
	kept, err := os.ReadFile("../../../docs/outage.md")
	require.NoError(o.t, err)
	_, part, found := strings.Cut(string(kept), " "+title+"\n")
	require.True(o.t, found, "docs/outage.md does not tell of %q: run make outage", title)
	part, _, _ = strings.Cut(part, "\n## ")
	words := append([]string{m.headline}, m.notes...)
	for _, words := range append(append(words, m.status...), m.alerts...) {
		assert.Contains(o.t, part, words, "docs/outage.md, %s: run make outage", title)
	}
	for app, code := range m.door {
		assert.Contains(o.t, part, fmt.Sprintf("%s %d", app, code), "docs/outage.md, %s", title)
	}
}

func (o *outage) clock(at time.Time) string {
	since := at.Sub(o.began).Round(time.Second)
	return fmt.Sprintf("%02d:%02d", int(since.Minutes()), int(since.Seconds())%60)
}

// does tells what is done to them.
func (o *outage) does(what string) {
	fmt.Fprintf(&o.told, "**%s** %s\n\n", o.clock(time.Now()), what)
}

func (o *outage) tell(title string, s seen) {
	o.t.Logf("%s: %s", o.clock(s.at), title)
	fmt.Fprintf(&o.told, "## %s %s\n\n", o.clock(s.at), title)
	fmt.Fprintf(&o.told, "The page says:\n\n```text\n%s\n```\n\n", s.page)
	fmt.Fprintf(&o.told, "`onetoken status --service %s` (exit status %d):\n\n```text\n%s\n```\n\n", exampleURL, map[bool]int{true: 1}[s.statusFailed], o.plain(s.status))
	alerts := "none"
	if len(s.alerts) > 0 {
		alerts = "`" + strings.Join(s.alerts, "`, `") + "`"
	}
	fmt.Fprintf(&o.told, "Alerts that fire: %s.\n\n", alerts)
	var answers []string
	for _, app := range o.apps {
		answers = append(answers, fmt.Sprintf("%s %d", app, s.door[app]))
	}
	fmt.Fprintf(&o.told, "The token door answers: %s.\n\n", strings.Join(answers, ", "))
}

// exampleURL stands for the address that the system chose.
const exampleURL = "http://127.0.0.1:8080"

var addresses = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// plain has no ports that the system chose, and no name of this host.
func (o *outage) plain(text string) string {
	if host, err := os.Hostname(); err == nil && host != "" {
		text = strings.ReplaceAll(text, host, "host")
	}
	text = strings.ReplaceAll(text, o.first.status, exampleURL)
	return addresses.ReplaceAllString(text, "127.0.0.1:…")
}

// shot keeps what is in the window, or in one of another kind.
func (o *outage) shot(name string, w window) {
	o.t.Helper()
	if w != (window{}) {
		o.b.open(o.first.status, w)
		defer o.b.open(o.first.status, window{})
	}
	o.b.until(`document.querySelector('#live').dataset.state === 'live'`)
	raw := smallest(o.t, o.b.shot())
	assert.Less(o.t, len(raw), 200_000, name)
	if *outageTo == "" {
		return
	}
	require.NoError(o.t, os.WriteFile(filepath.Join(*outageTo, "page", "outage-"+name+".png"), raw, 0o644))
	fmt.Fprintf(&o.told, "![%s](page/outage-%s.png)\n\n", alternative[name], name)
}

var alternative = map[string]string{
	"calm": "The page: all is well", "redis": "The page while Redis is gone", "refused": "The page while the issuer refuses",
	"ended": "The page when tokens have ended", "ended-phone": "The same on a phone, in the dark",
}

const transcriptHead = `# An outage, as it looks

Two services keep the tokens of four apps on one Redis. Redis is gone for five minutes; then the issuer refuses one app, and does not answer for
another, until their tokens have ended. Tokens live for 12 minutes here, so that nobody has to wait for hours. All of it is a real
run of a test, ` + "`make outage`" + `, with Debian's Prometheus and the rules of [deploy/prometheus](../deploy/prometheus/rules.yml). Times are
minutes and seconds since the services started. [runbook.md](runbook.md) says what to do about each alert.

`

func (o *outage) write() {
	o.t.Helper()
	text := transcriptHead + strings.TrimSpace(o.told.String()) + "\n"
	for _, app := range o.apps {
		for _, pair := range o.app(app).Pairs() {
			assert.NotContains(o.t, text, pair.App)
			assert.NotContains(o.t, text, pair.Tenant)
		}
		assert.NotContains(o.t, text, secretOf(app))
	}
	if *outageTo != "" {
		require.NoError(o.t, os.WriteFile(filepath.Join(*outageTo, "outage.md"), []byte(text), 0o644))
	}
}
