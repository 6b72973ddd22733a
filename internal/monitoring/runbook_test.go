package monitoring

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/alerts"
)

// section is what the runbook says of an alert.
type section struct{ alert, text string }

// sectionsOf are those whose title is the name of an alert, in their order.
func sectionsOf(runbook string) (all []section) {
	for _, part := range strings.Split(runbook, "\n## ")[1:] {
		title, text, _ := strings.Cut(part, "\n")
		if strings.HasPrefix(title, "Onetoken") {
			all = append(all, section{title, text})
		}
	}
	return all
}

var parts = []string{"It means", "Users notice", "Look at", "Do"}

var bold = regexp.MustCompile(`(?m)^\*\*([^*]+)\*\*`)

// complaints are about a section that lacks a part, or has one at the wrong place.
func (s section) complaints() (all []string) {
	var found []string
	for _, m := range bold.FindAllStringSubmatch(s.text, -1) {
		found = append(found, m[1])
	}
	if strings.Join(found, ", ") != strings.Join(parts, ", ") {
		all = append(all, s.alert+": its parts are "+strings.Join(found, ", "))
	}
	for _, text := range bold.Split(s.text, -1)[1:] {
		if strings.TrimSpace(text) == "" {
			all = append(all, s.alert+": a part says nothing")
		}
	}
	return all
}

// uncovered compares the sections with the alerts, which are to be the same, each once.
func uncovered(rules []alerts.Rule, sections []section) (all []string) {
	count := map[string]int{}
	for _, s := range sections {
		count[s.alert]++
	}
	for _, r := range rules {
		if count[r.Alert] != 1 {
			all = append(all, r.Alert+" does not have one section")
		}
		if url := r.Annotations["runbook_url"]; !strings.HasSuffix(url, "/docs/runbook.md#"+strings.ToLower(r.Alert)) {
			all = append(all, r.Alert+" leads to "+url)
		}
		delete(count, r.Alert)
	}
	for name := range count {
		all = append(all, "no rule has the alert "+name)
	}
	return all
}

func readRules(t *testing.T) []alerts.Rule {
	t.Helper()
	f, err := alerts.Read(filepath.Join(root, "deploy/prometheus/rules.yml"))
	require.NoError(t, err)
	require.NotEmpty(t, f.Rules())
	return f.Rules()
}

func readRunbook(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "docs/runbook.md"))
	require.NoError(t, err)
	return string(raw)
}

// Each alert has its section, and each section its four parts, in that order; no section is of an alert that is gone.
func TestEachAlertIsInTheRunbook(t *testing.T) {
	t.Parallel()
	runbook, rules := readRunbook(t), readRules(t)
	assert.Empty(t, uncovered(rules, sectionsOf(runbook)))
	for _, s := range sectionsOf(runbook) {
		assert.Empty(t, s.complaints())
	}

	spoilt := strings.Replace(runbook, "## OnetokenNoToken\n", "## OnetokenToken\n", 1)
	assert.Equal(t, []string{"OnetokenNoToken does not have one section", "no rule has the alert OnetokenToken"}, uncovered(rules, sectionsOf(spoilt)))
	spoilt = strings.Replace(runbook, "## OnetokenNoToken\n", "## OnetokenDown\n", 1)
	assert.Contains(t, uncovered(rules, sectionsOf(spoilt)), "OnetokenDown does not have one section")
	rules[0].Annotations["runbook_url"] += "s"
	assert.Len(t, uncovered(rules, sectionsOf(runbook)), 1)
}

// unsigned are the signs of a section's alert that it does not name, whatever the markup and the lines.
func (s section) unsigned() (all []string) {
	text := strings.Join(strings.Fields(strings.NewReplacer("`", "", "*", "").Replace(s.text)), " ")
	for _, sign := range slices.Concat(alerts.SignsOf[s.alert].Page, alerts.SignsOf[s.alert].Status) {
		if !strings.Contains(text, strings.TrimSpace(sign)) {
			all = append(all, sign)
		}
	}
	return all
}

// What a person sees on the page and in status stands in the section by which it is looked for.
func TestEachSectionNamesTheSigns(t *testing.T) {
	t.Parallel()
	for _, s := range sectionsOf(readRunbook(t)) {
		assert.Empty(t, s.unsigned(), s.alert)
	}
	assert.Equal(t, []string{"no service answers at "}, section{"OnetokenDown", "nothing"}.unsigned())
}

func TestPartsOfASection(t *testing.T) {
	t.Parallel()
	const means, notice, look, do = "**It means** this.\n\n", "**Users notice** nothing.\n", "**Look at**\n- a **page**\n", "**Do** this.\n"
	for text, want := range map[string][]string{
		"\n" + means + notice + look + do:       nil,
		"\n" + means + look + notice + do:       {"X: its parts are It means, Look at, Users notice, Do"},
		"\n" + means + notice + do:              {"X: its parts are It means, Users notice, Do"},
		means + notice + "**Look at**\n\n" + do: {"X: a part says nothing"},
	} {
		assert.Equal(t, want, section{"X", text}.complaints(), text)
	}
}

// What the runbook and the dashboard name is there: metrics in what a service shows, lines of the log in the source, alerts
// in the rules, and sections that are linked to.
func TestTheRunbookNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	runbook := readRunbook(t)
	dashboard, _ := readDashboard(t)
	w := newStage(t, 1)
	w.knock()
	shown := expositionOf(w.metrics(0))
	for _, name := range regexp.MustCompile(`\bonetoken_\w+`).FindAllString(runbook, -1) {
		assert.Contains(t, shown, name)
	}

	alert := map[string]bool{}
	for _, r := range readRules(t) {
		alert[r.Alert] = true
	}
	for _, name := range regexp.MustCompile(`\bOnetoken\w+`).FindAllString(runbook+dashboard, -1) {
		assert.True(t, alert[name], name)
	}
	for _, m := range regexp.MustCompile(`\]\(#(\w+)\)`).FindAllStringSubmatch(runbook, -1) {
		assert.Contains(t, strings.ToLower(runbook), "\n## "+m[1]+"\n")
	}

	source, messages := sourceOf(t), 0
	for _, item := range regexp.MustCompile(`(?m)^- The log(?:.|\n  )*`).FindAllString(runbook, -1) {
		for _, m := range regexp.MustCompile("`([a-z][a-z ]* [a-z ,]+)`").FindAllStringSubmatch(strings.ReplaceAll(item, "\n  ", " "), -1) {
			assert.Contains(t, source, `"`+m[1]+`"`, "no line of the log says so")
			messages++
		}
	}
	assert.GreaterOrEqual(t, messages, 8)
}

// sourceOf is all that a service is made of.
func sourceOf(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, folder := range []string{"internal/service", "internal/watch", "tokencache"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			raw, err := os.ReadFile(path)
			b.Write(raw)
			return err
		}))
	}
	return b.String()
}
