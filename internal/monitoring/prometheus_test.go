package monitoring

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// need is a program of Debian's prometheus.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv(redistest.RequireEnv) == "1" {
		t.Fatalf("%s is not installed, but %s=1: it comes with Debian's prometheus", name, redistest.RequireEnv)
	}
	if err != nil {
		t.Skipf("%s is not installed: it comes with Debian's prometheus", name)
	}
	return path
}

// Each query is one of PromQL: promtool reads rules, so that they are made to some.
func TestQueriesByPromtool(t *testing.T) {
	t.Parallel()
	promtool := need(t, "promtool")
	text, d := readDashboard(t)
	says, err := checkedBy(t, promtool, d)
	require.NoError(t, err, says)
	assert.Contains(t, says, fmt.Sprintf("SUCCESS: %d rules found", len(d.queries())))

	broken := fault{before: "group_left ()", after: "group_left ("}.plantedIn(t, text)
	says, err = checkedBy(t, promtool, broken)
	assert.Error(t, err, says)
}

func checkedBy(t *testing.T, promtool string, d dashboard) (says string, err error) {
	t.Helper()
	type rule struct {
		Record, Expr string
	}
	type group struct {
		Name  string
		Rules []rule
	}
	g := group{Name: "dashboard"}
	for i, q := range d.queries() {
		g.Rules = append(g.Rules, rule{fmt.Sprintf("dashboard:query:%d", i), q.expr})
	}
	raw, err := yaml.Marshal(map[string][]group{"groups": {g}})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "rules.yml")
	require.NoError(t, os.WriteFile(file, raw, 0o600))
	out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", file).CombinedOutput()
	return string(out), err
}

// watcher is a Prometheus that scrapes the stage every second.
type watcher struct {
	*stage
	url string
}

func (w *stage) watched() *watcher {
	w.t.Helper()
	prometheus := need(w.t, "prometheus")
	var targets []string
	for _, at := range w.services {
		targets = append(targets, strconv.Quote(strings.TrimPrefix(at.status, "http://")))
	}
	w.write("prometheus.yml", fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: onetoken\n    static_configs: [{targets: [%s]}]\n", strings.Join(targets, ", ")))
	address := fmt.Sprintf("127.0.0.1:%d", redistest.FreePort(w.t))
	cmd := exec.Command(prometheus, "--config.file", filepath.Join(w.dir, "prometheus.yml"), "--storage.tsdb.path", filepath.Join(w.dir, "data"),
		"--web.listen-address", address, "--log.level", "warn")
	output := &redistest.Output{}
	cmd.Stdout, cmd.Stderr = output, output
	require.NoError(w.t, cmd.Start())
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if w.t.Failed() {
			w.t.Logf("prometheus: %s", output)
		}
	})
	p := &watcher{w, "http://" + address}
	p.get(http.StatusOK, p.url+"/-/ready", "")
	return p
}

// ask is the answer to a query: how many series there are, and the last value of the first.
func (p *watcher) ask(c require.TestingT, q query) (series int, value float64) {
	now := time.Now()
	in := url.Values{"query": {q.expr}, "time": {stamp(now)}}
	path := "/api/v1/query?"
	if !q.instant {
		path = "/api/v1/query_range?"
		in = url.Values{"query": {q.expr}, "start": {stamp(now.Add(-10 * time.Second))}, "end": {stamp(now)}, "step": {"1"}}
	}
	res, err := http.Get(p.url + path + in.Encode())
	require.NoError(c, err)
	defer res.Body.Close()
	var answer struct {
		Error string
		Data  struct {
			Result []struct {
				Value  [2]any
				Values [][2]any
			}
		}
	}
	require.NoError(c, json.NewDecoder(res.Body).Decode(&answer))
	require.Equal(c, http.StatusOK, res.StatusCode, "%s: %s", q.of, answer.Error)
	if len(answer.Data.Result) == 0 {
		return 0, 0
	}
	first := answer.Data.Result[0]
	if !q.instant {
		first.Value = first.Values[len(first.Values)-1]
	}
	value, err = strconv.ParseFloat(fmt.Sprint(first.Value[1]), 64)
	require.NoError(c, err)
	return len(answer.Data.Result), value
}

func stamp(at time.Time) string { return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64) }

// In a real Prometheus each query gets an answer. Of a fleet that is well, the figures on top say so; in one with every
// trouble that there is a figure for, none of them does, and no panel is empty.
func TestQueriesInPrometheus(t *testing.T) {
	t.Parallel()
	_, d := readDashboard(t)
	services, wrong := d.figures(t)
	p := newStage(t, 2).watched()
	p.until("two services are scraped", func(c *assert.CollectT) {
		_, n := p.ask(c, services)
		assert.InDelta(c, 2, n, 0)
	})
	for _, q := range wrong {
		p.until(q.of+" is 0 in a fleet that is well", func(c *assert.CollectT) { // a slow machine may have missed Redis once
			series, n := p.ask(c, q)
			assert.Equal(c, 1, series)
			assert.Zero(c, n)
		})
	}

	p.trouble(func(expr string) {
		p.until(expr+" is seen", func(c *assert.CollectT) {
			_, n := p.ask(c, query{expr: "max(" + expr + ")", instant: true})
			assert.Positive(c, n)
		})
	})
	for _, q := range d.queries() {
		p.until(q.of+" is shown", func(c *assert.CollectT) {
			series, _ := p.ask(c, q)
			assert.Positive(c, series, q.expr)
		})
	}
	for _, q := range append(wrong, services) {
		p.until(q.of+" is above 0", func(c *assert.CollectT) {
			_, n := p.ask(c, q)
			assert.Positive(c, n)
		})
	}
}

func (p *watcher) until(what string, is func(*assert.CollectT)) {
	p.t.Helper()
	require.EventuallyWithT(p.t, is, time.Minute, 200*time.Millisecond, what)
}
