package alerts

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Script is a file for `promtool test rules`: what services have shown, and what becomes of the alerts.
type Script struct {
	Rules []string     `yaml:"rule_files"` // relative to the script
	Every string       `yaml:"evaluation_interval"`
	Tests []ScriptTest `yaml:"tests"`
}

// ScriptTest plays a recording, and looks.
type ScriptTest struct {
	Interval string   `yaml:"interval"`
	Series   []Series `yaml:"input_series"`
	Looks    []Look   `yaml:"promql_expr_test"`
}

// Look evaluates an expression at a time since the beginning.
type Look struct {
	Expr  string  `yaml:"expr"`
	At    string  `yaml:"eval_time"`
	Wants []Value `yaml:"exp_samples"`
}

// Value is one of an expression.
type Value struct {
	Labels string  `yaml:"labels"`
	Value  float64 `yaml:"value"`
}

// Interval is how often Prometheus looks in deploy/prometheus/prometheus.yml: a recording is played at that pace,
// however often it was scraped.
const Interval = 15 * time.Second

// Expectation is what has to become of the alerts in a recording.
type Expectation struct {
	Before int           // scrapes before the trouble: nothing fires by then
	Fires  []Instance    // that fire at some time, each once at a time; and no others
	Stays  bool          // they still do at the end; else none does
	Every  time.Duration // between evaluations; 0: Interval
}

// Instance of an alert. Its other labels are those of the credential "crm" and the job, where the rule has these.
type Instance struct {
	Alert  string
	Labels map[string]string
}

// Expect is a script that fails if anything else fires.
func Expect(recording *Recording, rulesPath string, e Expectation, rules []Rule) Script {
	const told = "sum by (%s) (%s)"
	by := "alertname, severity, job, credential, door, reason"
	firing := fmt.Sprintf(told, by, `ALERTS{alertstate="firing"}`)
	ever := fmt.Sprintf(told, by, `max_over_time(ALERTS{alertstate="firing"}[1d])`)
	end := recording.Scrapes() - 1
	fires := valuesOf(e.Fires, rules)
	looks := []Look{{firing, at(e.Before), []Value{}}, {ever, at(end), fires}, {firing, at(end), []Value{}}}
	if e.Stays {
		looks[2].Wants = fires
	}
	return Script{
		Rules: []string{rulesPath}, Every: cmp.Or(e.Every, Interval).String(),
		Tests: []ScriptTest{{Interval: Interval.String(), Series: recording.Series(), Looks: looks}},
	}
}

func at(scrape int) string { return (time.Duration(scrape) * Interval).String() }

func valuesOf(instances []Instance, rules []Rule) []Value {
	values := []Value{} // never null, which promtool takes for nothing to look for
	for _, i := range instances {
		r := rules[slices.IndexFunc(rules, func(r Rule) bool { return r.Alert == i.Alert })]
		labels := map[string]string{"alertname": i.Alert, "severity": r.Labels["severity"]}
		if strings.Contains(r.Expr, "by (job") {
			labels["job"] = Job
		}
		if strings.Contains(r.Expr, "by (job, credential)") {
			labels["credential"] = Credential
		}
		maps.Copy(labels, i.Labels)
		values = append(values, Value{Sample{Labels: labels}.series(), 1})
	}
	return values
}

// Names of what is recorded.
const (
	Job        = "onetoken"
	Credential = "crm"
)

// YAML is the script as a file.
func (s Script) YAML(comment string) ([]byte, error) {
	text, err := yaml.Marshal(s)
	return append([]byte(comment), text...), err
}
