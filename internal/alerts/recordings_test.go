package alerts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/alerts"
)

// judge plays what was recorded to promtool, and keeps it under that name if it is to be kept.
func (s *stage) judge(tool string, rules []alerts.Rule, name string, e alerts.Expectation) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	path, err := filepath.Abs(folder + "rules.yml")
	require.NoError(s.t, err)
	comment := fmt.Sprintf("# Recorded from real services, which were scraped every %v. To make it anew: see recordings_test.go.\n", s.pace)
	script := filepath.Join(s.dir, name+".yml")
	require.NoError(s.t, alerts.Expect(&s.recording, path, e, rules).Save(script, comment))
	if says, err := alerts.Play(s.t.Context(), tool, script); !assert.NoError(s.t, err, says) {
		text, _ := os.ReadFile(script)
		s.t.Logf("%s", text)
	}
	if alerts.Records() && !s.t.Failed() {
		require.NoError(s.t, alerts.Expect(&s.recording, "../"+folder+"rules.yml", e, rules).Save(filepath.Join("testdata", name+".yml"), comment))
	}
}

// recordings are the files with what real services have shown in each trouble, and in calm.
func recordings(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yml")
	require.NoError(t, err)
	return files
}

// To make the recordings anew, of which the calm hours take an hour, and those in virtual time come from
// internal/service:
//
//	ONETOKEN_RECORD_ALERTS=1 go test -count=1 -timeout 90m -run 'Rehearsals|Calm|Alerts' ./internal/alerts ./internal/service
func TestRecordings(t *testing.T) {
	t.Parallel()
	tool := promtool(t)
	for _, file := range recordings(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yml"), func(t *testing.T) {
			t.Parallel()
			says, err := alerts.Play(t.Context(), tool, file)
			assert.NoError(t, err, says)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Less(t, len(text), 64<<10, "a recording is of what rules need")
			for _, secret := range []string{issuerSecret, doorSecret, "127.0.0.1"} {
				assert.NotContains(t, string(text), secret)
			}
		})
	}
}

func TestEveryAlertIsRecorded(t *testing.T) {
	t.Parallel()
	files := recordings(t)
	for _, r := range readRules(t).Rules() {
		assert.Contains(t, files, filepath.Join("testdata", r.Alert+".yml"))
	}
	assert.Subset(t, files, []string{"testdata/calm-one.yml", "testdata/calm-two.yml", "testdata/virtual-calm.yml"})
}

// A recording says what it has to, and no more.
func TestNotation(t *testing.T) {
	t.Parallel()
	var r alerts.Recording
	sample := func(metric string, value float64) []alerts.Sample {
		return []alerts.Sample{{Metric: metric, Labels: map[string]string{"credential": `a"b`}, Value: value}}
	}
	for i, left := range []float64{4.91, 3.91, 2.91, 1.91, 1.91, 9, -1, -1, -1, 0.01, 0} {
		round := map[string][]alerts.Sample{"a:1": sample("left_seconds", left)}
		if left < 0 {
			round = nil
		}
		if i == 10 {
			round["b:1"] = sample("calls_total", 7)
		}
		r.Add("onetoken", round)
	}
	assert.Equal(t, 11, r.Scrapes())
	assert.Equal(t, []alerts.Series{
		{Series: `calls_total{credential="a\"b", instance="b:1", job="onetoken"}`, Values: "_x10 7"},
		{Series: `left_seconds{credential="a\"b", instance="a:1", job="onetoken"}`, Values: "5-1x3 2 9 stale _x2 0.1 0"},
	}, r.Series())
}

func TestSamples(t *testing.T) {
	t.Parallel()
	all, err := alerts.Samples("# HELP a b\n# TYPE a gauge\na{x=\"1\",y=\"\\\"}\\\\ \\n\"} 1.5e+09\n\nb 0\n")
	require.NoError(t, err)
	assert.Equal(t, []alerts.Sample{
		{Metric: "a", Labels: map[string]string{"x": "1", "y": "\"}\\ \n"}, Value: 1.5e9}, {Metric: "b", Labels: map[string]string{}},
	}, all)
	for _, text := range []string{"a", "a{x=\"1\" 1", "a one", "<html>"} {
		_, err := alerts.Samples(text)
		assert.Error(t, err, text)
	}
	assert.Equal(t, 15*time.Second, alerts.Interval)
}
