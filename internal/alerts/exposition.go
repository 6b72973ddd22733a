package alerts

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Sample is one line of what a service shows under /metrics.
type Sample struct {
	Metric string
	Labels map[string]string
	Value  float64
}

var (
	exposed = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$`)
	pair    = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)=("(?:[^"\\]|\\.)*")`)
)

// Samples are those of Prometheus' text format.
func Samples(text string) (all []Sample, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := exposed.FindStringSubmatch(line)
		if parts == nil {
			return nil, fmt.Errorf("no sample: %q", line)
		}
		s := Sample{Metric: parts[1], Labels: map[string]string{}}
		if s.Value, err = strconv.ParseFloat(parts[3], 64); err != nil {
			return nil, fmt.Errorf("no value: %q", line)
		}
		for _, p := range pair.FindAllStringSubmatch(parts[2], -1) {
			if s.Labels[p[1]], err = strconv.Unquote(p[2]); err != nil {
				return nil, fmt.Errorf("no label: %q", line)
			}
		}
		all = append(all, s)
	}
	return all, nil
}

// series is the sample's name and labels, as promtool takes them.
func (s Sample) series() string {
	pairs := make([]string, 0, len(s.Labels))
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		pairs = append(pairs, name+"="+strconv.Quote(s.Labels[name]))
	}
	return s.Metric + "{" + strings.Join(pairs, ", ") + "}"
}
