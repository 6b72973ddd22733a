package alerts_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/onetoken-go/onetoken/internal/alerts"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// prometheus is a server of a test's own, on loopback.
type prometheus struct {
	t      *testing.T
	url    string
	output *redistest.Output
}

// startPrometheus starts one on the files in deploy, in which it looks at these addresses, every half second, and an
// alert waits no longer than 2 s.
func startPrometheus(t *testing.T, targets ...string) *prometheus {
	t.Helper()
	path := installed(t, "prometheus")
	dir := t.TempDir()
	rules := readRules(t)
	for _, g := range rules.Groups {
		for i := range g.Rules {
			if g.Rules[i].For != "" {
				g.Rules[i].For = "2s"
			}
		}
	}
	writeYAML(t, filepath.Join(dir, "rules.yml"), rules)

	var config struct {
		Global  map[string]string `yaml:"global"`
		Rules   []string          `yaml:"rule_files"`
		Scrapes []struct {
			Job     string                `yaml:"job_name"`
			Targets []map[string][]string `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	text, err := os.ReadFile(folder + "prometheus.yml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &config))
	for name := range config.Global {
		config.Global[name] = "500ms"
	}
	config.Scrapes[0].Targets[0]["targets"] = targets
	writeYAML(t, filepath.Join(dir, "prometheus.yml"), config)

	p := &prometheus{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", redistest.FreePort(t)), output: &redistest.Output{}}
	cmd := exec.Command(path, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+strings.TrimPrefix(p.url, "http://"), "--log.level=warn")
	cmd.Env = []string{"HOME=" + dir}
	cmd.Stdout, cmd.Stderr = p.output, p.output
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return p
}

func writeYAML(t *testing.T, path string, v any) {
	t.Helper()
	text, err := yaml.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))
}

// alert is one of which Prometheus tells.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	State       string            `json:"state"` // pending or firing
}

// alerts are those that wait or fire.
func (p *prometheus) alerts() (all []alert) {
	status, body := ask(p.t, http.MethodGet, p.url+"/api/v1/alerts", "")
	var answer struct {
		Data struct {
			Alerts []alert `json:"alerts"`
		} `json:"data"`
	}
	if status != http.StatusOK || !assert.NoError(p.t, json.Unmarshal([]byte(body), &answer), body) {
		return nil
	}
	return answer.Data.Alerts
}

// scrapes reports whether it has got metrics of so many services.
func (p *prometheus) scrapes(services int) bool {
	status, body := ask(p.t, http.MethodGet, p.url+"/api/v1/query?query=count(onetoken_build_info)", "")
	return status == http.StatusOK && strings.Contains(body, fmt.Sprintf(`,"%d"]`, services))
}

// A Prometheus on the files in deploy sees two services lose their Redis, and get it back.
func TestPrometheusTellsOfRedis(t *testing.T) {
	t.Parallel()
	s := newStage(t, time.Hour, 0)
	a, b := s.start(one, "onetoken.yaml"), s.start(two, "onetoken.yaml")
	p := startPrometheus(t, strings.TrimPrefix(a.status, "http://"), strings.TrimPrefix(b.status, "http://"))
	soon := func(what string, is func() bool) {
		t.Helper()
		if !assert.Eventually(t, is, time.Minute, 100*time.Millisecond, what) {
			t.Fatalf("%v\n%s", p.alerts(), p.output)
		}
	}
	soon("both are scraped", func() bool { return p.scrapes(2) })
	soon("nothing is wrong", func() bool { return len(p.alerts()) == 0 })

	s.redis.Kill()
	soon("an alert fires", func() bool { all := p.alerts(); return len(all) == 1 && all[0].State == "firing" })
	assert.Equal(t, alert{
		State:  "firing",
		Labels: map[string]string{"alertname": "OnetokenRedisDegraded", "job": "onetoken", "severity": "warning"},
		Annotations: map[string]string{
			"summary":     "A service of onetoken gets no answer from Redis.",
			"description": "A service of onetoken works without Redis: it serves the tokens at hand, and asks the issuers itself for the next ones.",
			"runbook_url": "https://github.com/onetoken-go/onetoken/blob/main/docs/runbook.md#onetokenredisdegraded",
		},
	}, p.alerts()[0], "one for both, and nothing else")
	a.shows(alerts.SignsOf["OnetokenRedisDegraded"])

	s.redis.Restart()
	soon("it is over", func() bool { return len(p.alerts()) == 0 && p.scrapes(2) })
}
