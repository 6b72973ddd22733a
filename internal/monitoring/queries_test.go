package monitoring

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/alerts"
)

// filledIn are the queries' variables as Grafana fills them in where all is chosen.
var filledIn = strings.NewReplacer("$__rate_interval", "1m", "$job", ".+", "$credential", ".*")

// query is what a panel, or a variable, asks.
type query struct {
	of, expr string
	legend   string
	instant  bool
}

// queries are all that the dashboard asks, with variables filled in.
func (d dashboard) queries() (all []query) {
	for _, p := range d.Panels {
		all = append(all, p.queries()...)
	}
	for _, v := range d.Templating.List {
		if m := labelValues.FindStringSubmatch(v.Definition); m != nil { // as Prometheus would be asked for them
			all = append(all, query{"variable " + v.Name, "count by (" + m[2] + ") (" + filledIn.Replace(m[1]) + ")", "", true})
		}
	}
	return all
}

func (p panel) queries() (all []query) {
	for _, t := range p.Targets {
		all = append(all, query{fmt.Sprintf("%s %s", p.Title, t.RefID), filledIn.Replace(t.Expr), t.LegendFormat, t.Instant})
	}
	return all
}

// figures are the numbers on top: how many services there are, and those that are 0 as long as nothing is wrong.
func (d dashboard) figures(t *testing.T) (services query, wrong []query) {
	t.Helper()
	var all []query
	for _, p := range d.Panels {
		if p.Type == "stat" {
			all = append(all, p.queries()...)
		}
	}
	require.Len(t, all, 8)
	require.Equal(t, "Services A", all[0].of)
	return all[0], all[1:]
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// exposition is what a service shows: for each metric the labels that it has, and for each label its values.
type exposition map[string]map[string][]string

var (
	sample = regexp.MustCompile(`(?m)^([a-zA-Z_:]\w*)(?:\{(.*)\})? \S+$`)
	label  = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
)

func expositionOf(text string) exposition {
	e := exposition{}
	for _, s := range sample.FindAllStringSubmatch(text, -1) {
		if e[s[1]] == nil {
			e[s[1]] = map[string][]string{}
		}
		for _, l := range label.FindAllStringSubmatch(s[2], -1) {
			e[s[1]][l[1]] = append(e[s[1]][l[1]], l[2])
		}
	}
	return e
}

// Prometheus adds these to what it scrapes.
var added = []string{"job", "instance"}

// has reports whether a metric has a label.
func (e exposition) has(metric, label string) bool {
	return slices.Contains(added, label) || e[metric][label] != nil
}

// complaints are about a query that asks for what nobody shows.
func (e exposition) complaints(q query) (all []string) {
	say := func(format string, args ...any) { all = append(all, q.of+": "+fmt.Sprintf(format, args...)) }
	if strings.Contains(q.expr, "$") {
		say("a variable is not known: %s", q.expr)
	}
	uses, matched, err := alerts.Uses(q.expr)
	if err != nil {
		say("%v", err)
	}
	labels := map[string]bool{}
	for _, u := range uses {
		if e[u.Metric] == nil {
			say("no service shows %s", u.Metric)
			continue
		}
		for _, name := range u.Labels {
			if !e.has(u.Metric, name) {
				say("%s has no label %s", u.Metric, name)
			}
			labels[name] = true
		}
	}
	for _, name := range matched {
		if !labels[name] {
			say("it is matched by %s, which no side has", name)
		}
	}
	for _, s := range selector.FindAllStringSubmatch(q.expr, -1) {
		for _, m := range equal.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(e[s[1]][m[1]], m[2]) {
				say("%s has never the %s %q", s[1], m[1], m[2])
			}
		}
	}
	for _, m := range inLegend.FindAllStringSubmatch(q.legend, -1) {
		if !labels[m[1]] {
			say("its legend names %s, which is not asked for", m[1])
		}
	}
	return all
}

var (
	inLegend = regexp.MustCompile(`\{\{ *(\w+) *\}\}`)
	selector = regexp.MustCompile(`(\w+)\{([^}]*)\}`)
	equal    = regexp.MustCompile(`(\w+)="([^"]*)"`) // and not =~ or !=
)

// Each metric and each label of each query is in what a real service shows once it was asked for something.
func TestQueriesAskForWhatThereIs(t *testing.T) {
	t.Parallel()
	text, d := readDashboard(t)
	w := newStage(t, 1)
	w.knock()
	shown := expositionOf(w.metrics(0))
	require.Greater(t, len(d.queries()), 30)
	for _, q := range d.queries() {
		assert.Empty(t, shown.complaints(q), q.expr)
	}

	for _, f := range []fault{
		{"onetoken_redis_up", "onetoken_redis_down", "no service shows onetoken_redis_down"},
		{"(le, outcome)", "(le, reason)", "onetoken_wait_duration_seconds_bucket has no label reason"},
		{"_seconds_bucket", "_seconds_total", "no service shows onetoken_wait_duration_seconds_total"},
		{"direct=\\\"true\\\"", "direct=\\\"yes\\\"", `onetoken_credential_calls_total has never the direct "yes"`},
		{"{{door}} {{code}}", "{{door}} {{status}}", "its legend names status"},
		{"$__rate_interval", "$__interval", "a variable is not known"},
		{"on (job, door)", "on (job, client)", "it is matched by client"},
		{"label_values(onetoken_credential_info{job=~\\\"$job\\\"}, credential)", "label_values(onetoken_credential_info, client)", "onetoken_credential_info has no label client"},
	} {
		var all []string
		for _, q := range f.plantedIn(t, text).queries() {
			all = append(all, shown.complaints(q)...)
		}
		assert.Contains(t, strings.Join(all, "\n"), f.complaint, "%s -> %s", f.before, f.after)
	}
}

func TestExposition(t *testing.T) {
	t.Parallel()
	e := expositionOf("# HELP a A.\n# TYPE a counter\na{b=\"1\",c=\"}\"} 1\na{b=\"2\",c=\"\"} 1e+06\nd 0\n")
	assert.Equal(t, exposition{"a": {"b": {"1", "2"}, "c": {"}", ""}}, "d": {}}, e)
	assert.Equal(t, []string{"a", "d"}, slices.Sorted(maps.Keys(e)))
}
