package alerts_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/alerts"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

const folder = "../../deploy/prometheus/"

func readRules(t *testing.T) alerts.File {
	t.Helper()
	f, err := alerts.Read(folder + "rules.yml")
	require.NoError(t, err)
	return f
}

// byPrometheus are labels that Prometheus gives to whatever it scrapes.
var byPrometheus = []string{"job", "instance"}

func TestRulesNameWhatThereIs(t *testing.T) {
	t.Parallel()
	there := metricsOfAService(t)
	for _, r := range readRules(t).Rules() {
		t.Run(r.Alert, func(t *testing.T) {
			uses, matched, err := alerts.Uses(r.Expr)
			require.NoError(t, err)
			require.NotEmpty(t, uses)
			var around []string // that series keep, and are matched by
			for _, use := range uses {
				require.Contains(t, there, use.Metric)
				around = append(around, use.Labels...)
				for _, label := range use.Labels {
					assert.Contains(t, append(byPrometheus, there[use.Metric]...), label, "of %s", use.Metric)
				}
			}
			assert.Subset(t, around, matched)
			for _, text := range r.Annotations {
				for _, of := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(text, -1) {
					assert.Contains(t, around, of[1], "%s", text)
				}
			}
		})
	}
}

func TestRulesTellAPersonWhatToDo(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range readRules(t).Rules() {
		assert.True(t, strings.HasPrefix(r.Alert, "Onetoken"), r.Alert)
		assert.False(t, seen[r.Alert], "%s is there once", r.Alert)
		seen[r.Alert] = true
		assert.Len(t, r.Labels, 1)
		assert.True(t, slices.Contains([]string{alerts.Critical, alerts.Warning}, r.Labels["severity"]), "%s: %q", r.Alert, r.Labels["severity"])
		assert.Len(t, r.Annotations, 3)
		for _, name := range []string{"summary", "description"} {
			text := r.Annotations[name]
			assert.True(t, strings.HasSuffix(text, "."), "%s: the %s is a sentence: %q", r.Alert, name, text)
			assert.NotContains(t, text, "\n")
		}
		assert.Equal(t, "https://github.com/onetoken-go/onetoken/blob/main/docs/runbook.md#"+strings.ToLower(r.Alert), r.Annotations["runbook_url"])
	}
	assert.Len(t, seen, 11)
}

// The runbook names the signs that rehearsals look for.
func TestRunbookNamesTheSigns(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/runbook.md")
	require.NoError(t, err)
	for alert, signs := range alerts.SignsOf {
		_, section, ok := strings.Cut(string(text), "\n## "+alert+"\n")
		require.True(t, ok, alert)
		section, _, _ = strings.Cut(section, "\n## ")
		section = strings.Join(strings.Fields(section), " ")
		for _, sign := range slices.Concat(signs.Page, signs.Status) {
			assert.Contains(t, section, strings.TrimSpace(sign), alert)
		}
	}
}

// promtool is the path of Prometheus' own tool. Without it the test is skipped, or fails: see [redistest.RequireEnv].
func promtool(t *testing.T) string { return installed(t, "promtool") }

func installed(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv(redistest.RequireEnv) == "1" {
		t.Fatal(name + " is not installed, but " + redistest.RequireEnv + "=1")
	}
	if err != nil {
		t.Skip(name + " is not installed: it comes with Debian's prometheus")
	}
	return path
}

func TestRulesByPromtool(t *testing.T) {
	t.Parallel()
	tool := promtool(t)
	for _, args := range [][]string{
		{"check", "rules", "--lint=all", "--lint-fatal", folder + "rules.yml"},
		{"check", "config", "--lint=all", "--lint-fatal", folder + "prometheus.yml"},
	} {
		says, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
		assert.NoError(t, err, "%s", says)
	}
}
