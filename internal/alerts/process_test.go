package alerts_test

import (
	"encoding/json"
	"html"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/alerts"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// process is one of `onetoken refresher --config`.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stderr         *redistest.Output
	status, tokens string // URLs
}

// kill is kill -9.
func (r *process) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// ask returns the status 0 if there was no answer.
func (r *process) ask(method, url, secret string) (status int, body string) {
	return ask(r.t, method, url, secret)
}

// shows wants the signs, all at one moment: what Redis is asked for the page may be a second old.
func (r *process) shows(signs alerts.Signs) {
	r.t.Helper()
	var missing []string
	for range 10 {
		if missing = r.missing(signs); len(missing) == 0 {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	assert.Empty(r.t, missing)
}

// missing are the signs that it does not show, each with what it shows instead.
func (r *process) missing(signs alerts.Signs) (all []string) {
	page, told, report := r.page(), r.told(), r.report()
	for _, text := range signs.Page {
		if !strings.Contains(page, text) {
			all = append(all, "page: "+text+": "+page)
		}
	}
	for _, text := range signs.Status {
		if !strings.Contains(told, text) {
			all = append(all, "status: "+text+": "+told)
		}
	}
	for path, want := range signs.API {
		got := report.value(path)
		some := !slices.Contains([]string{"null", "false", "0", `""`}, got)
		if got != want && (want != alerts.Some || !some) {
			all = append(all, path+": "+want+": "+got)
		}
	}
	return all
}

// page is what a person reads on the page.
func (r *process) page() string {
	_, body := r.ask(http.MethodGet, r.status+"/", "")
	if _, after, ok := strings.Cut(body, "<body>"); ok {
		body = after
	}
	return plain(body)
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// plain is a page without its tags: of elements side by side one space is left.
func plain(page string) string {
	return strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(page, " ")), " "))
}

// told is what `onetoken status --service` prints.
func (r *process) told() string {
	cmd := exec.Command(binary, "status", "--service", r.status)
	cmd.Env = r.cmd.Env
	out, _ := cmd.CombinedOutput() // it fails while there is no token
	return string(out)
}

// samples are of the named metrics; not ok if the service does not answer.
func (r *process) samples(named []string) (some []alerts.Sample, ok bool) {
	status, text := r.ask(http.MethodGet, r.status+"/metrics", "")
	if status != http.StatusOK {
		return nil, false
	}
	all, err := alerts.Samples(text)
	if !assert.NoError(r.t, err) {
		return nil, false
	}
	for _, sample := range all {
		if slices.Contains(named, sample.Metric) {
			delete(sample.Labels, "version") // of whoever records
			delete(sample.Labels, "goversion")
			some = append(some, sample)
		}
	}
	return some, true
}

// report is /api/status, as far as it was decoded.
type report struct{ all any }

func (r *process) report() report {
	_, body := r.ask(http.MethodGet, r.status+"/api/status", "")
	var all any
	_ = json.Unmarshal([]byte(body), &all) // nil, where nobody answers
	return report{all}
}

// value at a path is JSON; what is not there is null.
func (r report) value(path string) string {
	text, _ := json.Marshal(r.at(path))
	return string(text)
}

// number at a path; what is none is 0.
func (r report) number(path string) float64 {
	n, _ := r.at(path).(float64)
	return n
}

func (r report) at(path string) any {
	now := r.all
	for name := range strings.SplitSeq(path, ".") {
		switch here := now.(type) {
		case map[string]any:
			now = here[name]
		case []any:
			i := slices.IndexFunc(here, func(one any) bool {
				of, _ := one.(map[string]any)
				return of["name"] == name
			})
			if i < 0 {
				return nil
			}
			now = here[i]
		default:
			return nil
		}
	}
	return now
}

// has reports whether there is a token, left is how many seconds it lives, and next when another is looked for.
func (r *process) has() bool     { return r.report().value("credentials.crm.usable") == "true" }
func (r *process) left() float64 { return r.report().number("credentials.crm.remaining_seconds") }
func (r *process) next() float64 { return r.report().number("credentials.crm.next_refresh_seconds") }
