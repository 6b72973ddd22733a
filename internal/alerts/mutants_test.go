package alerts_test

import (
	"cmp"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/onetoken-go/onetoken/internal/alerts"
)

// mutant is a rule with one text of its expression replaced by another.
type mutant struct {
	alert, old, with string
	found            string // the recording that fails then; "": the alert's own
}

// mutants are spoiled thresholds, comparisons and sides that were left out.
var mutants = []mutant{
	{"OnetokenDown", "absent(onetoken_build_info)", "onetoken_build_info == 0", ""},

	{"OnetokenNoToken", "== 0", "== 1", ""},
	{"OnetokenNoToken", "== 0", "!= 0", ""},
	{"OnetokenNoToken", "max by", "min by", "virtual-one-of-two"},

	{"OnetokenTokenEndsUnrefreshed", "< 0.25", "> 0.25", ""},
	{"OnetokenTokenEndsUnrefreshed", "< 0.25", "< 0.025", ""},
	{"OnetokenTokenEndsUnrefreshed", "< 0.25", "< 1.5", "calm-two"},
	{"OnetokenTokenEndsUnrefreshed", "max by (job, credential) (onetoken_credential_remaining_seconds)\n", "min by (job, credential) (onetoken_credential_remaining_seconds)\n", "virtual-one-of-two"},
	{"OnetokenTokenEndsUnrefreshed", "> 120", "> 1200", "virtual-redis-gone"},
	{"OnetokenTokenEndsUnrefreshed", "> 120", "> 12", "virtual-redis-and-issuer-gone"},
	{"OnetokenTokenEndsUnrefreshed", "== 1", "== 0", "virtual-redis-gone"},
	{"OnetokenTokenEndsUnrefreshed", "== 1", "> 1", "virtual-redis-full"},

	{"OnetokenNobodyRefreshes", "next_refresh_seconds) == 0", "next_refresh_seconds) > 0", "virtual-calm"},
	{"OnetokenNobodyRefreshes", "max by (job, credential) (onetoken_credential_next", "min by (job, credential) (onetoken_credential_next", "virtual-one-of-two"},
	{"OnetokenNobodyRefreshes", "(increase(onetoken_credential_calls_total[10m])) > 0", "(increase(onetoken_credential_calls_total[10m])) > 5", "virtual-refused"},
	{"OnetokenNobodyRefreshes", "offset 10m) > 0", "offset 10m) > 5", "virtual-quota"},
	{"OnetokenNobodyRefreshes", "(onetoken_redis_up) == 0", "(onetoken_redis_up) == 2", "virtual-redis-gone"},
	{"OnetokenNobodyRefreshes", "(onetoken_redis_up) == 0", "(onetoken_redis_up) == 1", ""},

	{"OnetokenRefreshFailing", "== 1", "== 0", "virtual-calm"},
	{"OnetokenRefreshFailing", "== 1", "> 1", ""},
	{"OnetokenRefreshFailing", "max by", "min by", "virtual-one-of-two"},

	{"OnetokenCredentialRefused", "== 1", "== 0", ""},
	{"OnetokenCredentialRefused", "== 1", "> 1", ""},
	{"OnetokenCredentialRefused", "max by", "min by", ""},
	{"OnetokenCredentialRefused", "_refused", "_failing", "OnetokenRefreshFailing"},

	{"OnetokenRedisDegraded", "== 0", "== 1", ""},
	{"OnetokenRedisDegraded", "== 0", "< 0", ""},
	{"OnetokenRedisDegraded", "min by", "max by", "virtual-one-of-two"},

	{"OnetokenMoreCallsThanRotations", "> 1.5", "> 0.5", "calm-two"},
	{"OnetokenMoreCallsThanRotations", "> 1.5", "> 15", "virtual-apart-for-an-hour"},
	{"OnetokenMoreCallsThanRotations", "> 1.5", "< 1.5", "virtual-calm"},
	{"OnetokenMoreCallsThanRotations", "> 2.5", "> 25", "virtual-apart"},
	{"OnetokenMoreCallsThanRotations", "6h", "2h", "virtual-apart"},
	{"OnetokenMoreCallsThanRotations", "- max by", "- 0 * max by", "calm-two"},
	{"OnetokenMoreCallsThanRotations", "- max by", "- sum by", ""},
	{"OnetokenMoreCallsThanRotations", "- max by", "- 3 * max by", ""},
	{"OnetokenMoreCallsThanRotations", "sum by", "max by", ""},
	{"OnetokenMoreCallsThanRotations", `direct="false"`, `direct="true"`, ""},
	{"OnetokenMoreCallsThanRotations", `outcome="ok"`, `outcome!="ok"`, ""},
	{"OnetokenMoreCallsThanRotations", `, outcome="ok"`, ``, "virtual-issuer-gone"},

	{"OnetokenConfigRefused", "== 0", "== 1", ""},
	{"OnetokenConfigRefused", "== 0", "< 0", ""},
	{"OnetokenConfigRefused", "min by", "max by", ""},

	{"OnetokenNewerSecretUnused", "> 0", "== 0", ""},
	{"OnetokenNewerSecretUnused", "> 0", "< 0", ""},
	{"OnetokenNewerSecretUnused", "max by", "min by", ""},

	{"OnetokenDoorRefuses", "> 10", "> 1000", ""},
	{"OnetokenDoorRefuses", "> 10", "> 1", "calm-one"},
	{"OnetokenDoorRefuses", "> 10", "< 10", "calm-one"},
	{"OnetokenDoorRefuses", "0.1 *", "0.01 *", "calm-two"},
	{"OnetokenDoorRefuses", "0.1 *", "0.9 *", ""},
	{"OnetokenDoorRefuses", "> on (job, door)", "< on (job, door)", ""},
	{"OnetokenDoorRefuses", "door, reason) (increase", "reason) (increase", ""},
}

// ofEach are what can be spoiled of any rule.
var ofEach = map[string]func(r *alerts.Rule){
	"no credential": func(r *alerts.Rule) { r.Expr = strings.ReplaceAll(r.Expr, "by (job, credential)", "by (job)") },
	"no job":        func(r *alerts.Rule) { r.Expr = strings.ReplaceAll(r.Expr, "by (job, ", "by (") },
	"for a day":     func(r *alerts.Rule) { r.For = "1d" },
	"severity": func(r *alerts.Rule) {
		r.Labels = map[string]string{"severity": map[string]string{alerts.Critical: alerts.Warning, alerts.Warning: alerts.Critical}[r.Labels["severity"]]}
	},
	"never": func(r *alerts.Rule) { r.Expr = "(" + r.Expr + ") and on () vector(1) == 0" },
}

// Each has to make a recording fail: else the recordings say nothing of what was spoiled. One after the other, as
// rehearsals beside it want their moments.
func TestSpoiledRulesAreFound(t *testing.T) {
	t.Parallel()
	tool := promtool(t)
	for _, m := range mutants {
		t.Run(m.alert+" "+strings.TrimSpace(m.old)+" is "+strings.TrimSpace(m.with), func(t *testing.T) {
			fails(t, tool, cmp.Or(m.found, m.alert), m.alert, func(r *alerts.Rule) {
				require.Contains(t, r.Expr, m.old)
				r.Expr = strings.ReplaceAll(r.Expr, m.old, m.with)
			})
		})
	}
	for _, r := range readRules(t).Rules() {
		for name, spoil := range ofEach {
			after := r
			if spoil(&after); reflect.DeepEqual(after, r) {
				continue // it has none of these labels
			}
			t.Run(r.Alert+" "+name, func(t *testing.T) { fails(t, tool, r.Alert, r.Alert, spoil) })
		}
	}
}

// fails plays a recording with one rule spoiled.
func fails(t *testing.T, tool, recording, alert string, spoil func(*alerts.Rule)) {
	t.Helper()
	dir, rules := t.TempDir(), readRules(t)
	for _, g := range rules.Groups {
		spoil(&g.Rules[slices.IndexFunc(g.Rules, func(r alerts.Rule) bool { return r.Alert == alert })])
	}
	spoiled, err := yaml.Marshal(rules)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules.yml"), spoiled, 0o600))
	script, err := os.ReadFile(filepath.Join("testdata", recording+".yml"))
	require.NoError(t, err)
	require.Contains(t, string(script), "../"+folder)
	path := filepath.Join(dir, "script.yml")
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(script), "../"+folder, "", 1)), 0o600))
	says, err := alerts.Play(t.Context(), tool, path)
	require.Error(t, err, "the recording %s does not mind", recording)
	require.Contains(t, says, "got:", "it fails by what becomes of the alerts")
}
