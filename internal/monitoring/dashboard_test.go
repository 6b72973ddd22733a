// Package monitoring checks what deploy/grafana and docs/runbook.md say against a service and against the rules: that
// the dashboard asks for metrics that there are, in queries that Prometheus answers, and that each alert has its section
// in the runbook. Reading order: dashboard_test.go, the panels; queries_test.go, what they ask; stage_test.go, services to
// ask; prometheus_test.go, the queries in a real Prometheus; compose_test.go, the profile that shows both; runbook_test.go.
package monitoring

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const dashboardFile = "../../deploy/grafana/dashboard.json"

// dashboard is as much of Grafana's classic model as is looked at here. internal/deploycheck has all of it.
type dashboard struct {
	Panels     []panel
	Templating struct{ List []variable }
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               source
	GridPos                  place
	Targets                  []target
	FieldConfig              struct {
		Defaults  struct{ Unit string }
		Overrides []struct{ Matcher struct{ ID, Options string } }
	}
	Transformations []struct {
		ID      string
		Options struct {
			ExcludeByName map[string]bool
			IndexByName   map[string]int
			RenameByName  map[string]string
		}
	}
}

type source struct{ Type, UID string }

// place is in a grid of 24 columns.
type place struct{ X, Y, W, H int }

type target struct {
	Datasource                        source
	RefID, Expr, LegendFormat, Format string
	Instant                           bool
}

type variable struct{ Name, Type, Definition string }

func parse(text string) (d dashboard, err error) {
	return d, json.Unmarshal([]byte(text), &d)
}

func readDashboard(t *testing.T) (text string, d dashboard) {
	t.Helper()
	raw, err := os.ReadFile(dashboardFile)
	require.NoError(t, err)
	d, err = parse(string(raw))
	require.NoError(t, err)
	require.NotEmpty(t, d.Panels)
	return string(raw), d
}

// complaints are all that is wrong with a dashboard, beside its queries.
func (d dashboard) complaints() (all []string) {
	ids := map[int]string{}
	for i, p := range d.Panels {
		say := func(format string, args ...any) {
			all = append(all, fmt.Sprintf("panel %d (%s): ", p.ID, p.Title)+fmt.Sprintf(format, args...))
		}
		if other, taken := ids[p.ID]; taken || p.ID == 0 {
			say("its id is that of %q, or 0", other)
		}
		ids[p.ID] = p.Title
		if p.Title == "" {
			say("no title")
		}
		if g := p.GridPos; g.W <= 0 || g.H <= 0 || g.X < 0 || g.Y < 0 || g.X+g.W > 24 {
			say("%+v is outside of the grid", g)
		}
		for _, other := range d.Panels[:i] {
			if p.GridPos.overlaps(other.GridPos) {
				say("it lies over %q", other.Title)
			}
		}
		if p.Type != "row" {
			all = append(all, p.complaints(say)...)
		}
	}
	return all
}

func (p place) overlaps(q place) bool {
	return p.X < q.X+q.W && q.X < p.X+p.W && p.Y < q.Y+q.H && q.Y < p.Y+p.H
}

// complaints are those of a panel that shows something.
func (p panel) complaints(say func(string, ...any)) (all []string) {
	if p.Description == "" {
		say("no description")
	}
	if p.FieldConfig.Defaults.Unit == "" {
		say("no unit")
	}
	if len(p.Targets) == 0 {
		say("no query")
	}
	fields := map[string]bool{"Time": true}
	chosen := source{"prometheus", "${datasource}"}
	for _, t := range p.Targets {
		if fields["Value #"+t.RefID] {
			say("two queries are %s", t.RefID)
		}
		fields["Value #"+t.RefID] = true
		if t.Datasource != chosen || p.Datasource != chosen {
			say("query %s does not ask the data source that was chosen", t.RefID)
		}
		for _, label := range grouped.FindAllStringSubmatch(t.Expr, -1) {
			for name := range strings.SplitSeq(label[1], ",") {
				fields[strings.TrimSpace(name)] = true
			}
		}
	}
	if p.Type == "table" {
		p.tableComplaints(fields, say)
	}
	return all
}

var grouped = regexp.MustCompile(`\bby \(([^)]*)\)`)

// tableComplaints are about columns: those of the queries are their labels, and "Value #A" of query A.
func (p panel) tableComplaints(fields map[string]bool, say func(string, ...any)) {
	shown := map[string]bool{}
	for _, step := range p.Transformations {
		for name := range step.Options.ExcludeByName {
			if !fields[name] {
				say("it hides %q, which no query has", name)
			}
		}
		for name := range step.Options.IndexByName {
			if !fields[name] {
				say("it puts %q in its place, which no query has", name)
			}
		}
		for name, title := range step.Options.RenameByName {
			if !fields[name] {
				say("it calls %q %q, and no query has that", name, title)
			}
			shown[title] = true
		}
	}
	for _, o := range p.FieldConfig.Overrides {
		if o.Matcher.ID != "byName" || !shown[o.Matcher.Options] {
			say("what is said of %q is of no column", o.Matcher.Options)
		}
	}
	for name := range fields {
		if name != "Time" && !p.places(name) {
			say("%q has no place, and no name", name)
		}
	}
}

// places reports whether a column is renamed, or hidden.
func (p panel) places(name string) bool {
	for _, step := range p.Transformations {
		if step.Options.RenameByName[name] != "" || step.Options.ExcludeByName[name] {
			return true
		}
	}
	return false
}

func TestPanels(t *testing.T) {
	t.Parallel()
	_, d := readDashboard(t)
	assert.Empty(t, d.complaints())
}

// fault is planted in the dashboard: one text in the place of another, wherever that is.
type fault struct{ before, after, complaint string }

func (f fault) plantedIn(t *testing.T, text string) dashboard {
	t.Helper()
	spoilt := strings.ReplaceAll(text, f.before, f.after)
	require.NotEqual(t, text, spoilt, "%q is not in the file", f.before)
	d, err := parse(spoilt)
	require.NoError(t, err)
	return d
}

func TestFaultsOfPanelsAreFound(t *testing.T) {
	t.Parallel()
	text, _ := readDashboard(t)
	for _, f := range []fault{
		{`"id": 3,`, `"id": 2,`, `its id is that of "Services"`},
		{`"title": "Refused",`, `"title": "",`, "no title"},
		{`"description": "By door`, `"description": "", "x": "By door`, "(Requests): no description"},
		{`"unit": "percentunit"`, `"unit": ""`, "no unit"},
		{`"w": 14,`, `"w": 15,`, `it lies over "Credentials"`},
		{`"x": 16,`, `"x": 17,`, "is outside of the grid"},
		{`"refId": "C"`, `"refId": "B"`, "two queries are B"},
		{`"uid": "${datasource}"`, `"uid": "abc"`, "does not ask the data source that was chosen"},
		{`"Value #F": "Change unused for"`, `"Value #G": "Change unused for"`, `it calls "Value #G"`},
		{`"Value #F": "Change unused for"`, `"Value #F": "Else"`, `what is said of "Change unused for" is of no column`},
		{`"Value #C": "Next refresh",`, ``, `"Value #C" has no place`},
		{`max by (job, credential) (onetoken_credential_failing`, `max by (job, credential, kind) (onetoken_credential_failing`, `"kind" has no place`},
	} {
		assert.Contains(t, strings.Join(f.plantedIn(t, text).complaints(), "\n"), f.complaint, "%s -> %s", f.before, f.after)
	}
}
