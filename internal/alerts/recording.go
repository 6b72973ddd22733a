package alerts

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Recording is what Prometheus would have seen of services, scrape by scrape. The zero one has seen nothing. It is not
// for concurrent use.
type Recording struct {
	scrapes int
	values  map[string][]float64 // by series; NaN where it was not there
}

// Scrapes are how many rounds were added.
func (r *Recording) Scrapes() int { return r.scrapes }

// Add adds a round: what each instance of a job has shown. An instance that has not answered is not in it.
func (r *Recording) Add(job string, round map[string][]Sample) {
	if r.values == nil {
		r.values = map[string][]float64{}
	}
	for instance, samples := range round {
		for _, s := range samples {
			s.Labels = maps.Clone(s.Labels)
			s.Labels["job"], s.Labels["instance"] = job, instance
			r.put(s)
		}
	}
	r.scrapes++
	for name := range r.values {
		r.pad(name, r.scrapes)
	}
}

// put has times in tenths of seconds, rounded up: so they are told shortly, and what is left is never nothing.
func (r *Recording) put(s Sample) {
	name := s.series()
	r.pad(name, r.scrapes)
	if strings.HasSuffix(s.Metric, "_seconds") {
		s.Value = math.Ceil(10*s.Value) / 10
	}
	r.values[name] = append(r.values[name], s.Value)
}

func (r *Recording) pad(name string, to int) {
	for len(r.values[name]) < to {
		r.values[name] = append(r.values[name], math.NaN())
	}
}

// Series is one, as promtool takes it.
type Series struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

// Series are all that were seen, by name.
func (r *Recording) Series() (all []Series) {
	for _, name := range slices.Sorted(maps.Keys(r.values)) {
		all = append(all, Series{name, notation(r.values[name])})
	}
	return all
}

// notation has "5+1x3" for 5 6 7 8, and "stale" where a series ends, as Prometheus notes it when a scrape finds it no
// longer; then "_x3" for three scrapes without a value.
func notation(values []float64) string {
	var words []string
	for i := 0; i < len(values); {
		n, word := alike(values[i:])
		if i > 0 && math.IsNaN(values[i]) && !math.IsNaN(values[i-1]) {
			n, word = 1, "stale"
		}
		words = append(words, word)
		i += n
	}
	return strings.Join(words, " ")
}

// alike is how many values one word tells, from the first on: all that lack, three or more in a row with one step
// between them, or one.
func alike(values []float64) (n int, word string) {
	if math.IsNaN(values[0]) {
		for n < len(values) && math.IsNaN(values[n]) {
			n++
		}
		return n, fmt.Sprintf("_x%d", n)
	}
	for n = 2; n < len(values) && step(values, n) == step(values, 1); n++ { // false where one lacks
	}
	if n == 2 {
		return 1, shortest(values[0])
	}
	sign := "+"
	if step(values, 1) < 0 {
		sign = "" // the number has its own
	}
	return n, fmt.Sprintf("%s%s%sx%d", shortest(values[0]), sign, shortest(step(values, 1)), n-1)
}

// step is the difference of a value to the one before, in whole tenths.
func step(values []float64, i int) float64 { return math.Round(10*(values[i]-values[i-1])) / 10 }

func shortest(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
