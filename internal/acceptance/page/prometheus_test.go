package page_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// prometheus is Debian's, with the rules of deploy/prometheus.
type prometheus struct {
	t   *testing.T
	url string
}

// startPrometheus scrapes services, and goes by the rules with all their times divided: 1 leaves them as they are.
func startPrometheus(t *testing.T, divided int, services ...*service) *prometheus {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		missing(t, "prometheus is not installed: it comes with Debian's prometheus")
	}
	dir := t.TempDir()
	rules, err := os.ReadFile("../../../deploy/prometheus/rules.yml")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules.yml"), []byte(sooner(string(rules), divided)), 0o600))
	var targets []string
	for _, s := range services {
		targets = append(targets, strconv.Quote(strings.TrimPrefix(s.status, "http://")))
	}
	every := 15 * time.Second / time.Duration(divided)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "prometheus.yml"), fmt.Appendf(nil, `
global: {scrape_interval: %dms, evaluation_interval: %dms}
rule_files: [rules.yml]
scrape_configs: [{job_name: onetoken, static_configs: [{targets: [%s]}]}]
`, every.Milliseconds(), every.Milliseconds(), strings.Join(targets, ", ")), 0o600))

	p := &prometheus{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", redistest.FreePort(t))}
	var said redistest.Output
	cmd := exec.Command(path, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address="+strings.TrimPrefix(p.url, "http://"))
	cmd.Dir, cmd.Stderr = dir, &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			return false
		}
		return conn.Close() == nil && p.answers()
	}, time.Minute, 50*time.Millisecond, "%s", &said)
	return p
}

var minutes = regexp.MustCompile(`\b(\d+)([mh])\b`)

// sooner has all durations of the rules divided. They are of minutes and hours.
func sooner(rules string, divided int) string {
	return minutes.ReplaceAllStringFunc(rules, func(found string) string {
		d, err := time.ParseDuration(found)
		if err != nil {
			return found
		}
		return fmt.Sprintf("%dms", (d / time.Duration(divided)).Milliseconds())
	})
}

func (p *prometheus) answers() bool {
	res, err := http.Get(p.url + "/-/ready")
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// firing are the alerts that a person is called by, with the credential that each is about, sorted.
func (p *prometheus) firing() (all []string) {
	p.t.Helper()
	res, err := http.Get(p.url + "/api/v1/alerts")
	require.NoError(p.t, err)
	defer res.Body.Close()
	var answer struct {
		Data struct {
			Alerts []struct {
				State  string
				Labels map[string]string
			}
		}
	}
	require.NoError(p.t, json.NewDecoder(res.Body).Decode(&answer))
	for _, a := range answer.Data.Alerts {
		if a.State == "firing" {
			all = append(all, strings.TrimSpace(a.Labels["alertname"]+" "+a.Labels["credential"]))
		}
	}
	slices.Sort(all)
	return all
}

// scraped is how many services have been seen.
func (p *prometheus) scraped() int {
	p.t.Helper()
	res, err := http.Get(p.url + "/api/v1/query?query=onetoken_build_info")
	require.NoError(p.t, err)
	defer res.Body.Close()
	var answer struct {
		Data struct{ Result []json.RawMessage }
	}
	require.NoError(p.t, json.NewDecoder(res.Body).Decode(&answer))
	return len(answer.Data.Result)
}
