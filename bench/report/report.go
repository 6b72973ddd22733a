// Package report makes the documents on speed of a results file: docs/performance.md
// with its plots, and docs/scaling.md. No figure that was measured is written by hand.
package report

import (
	"bytes"
	"embed"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
)

//go:embed *.tmpl
var templates embed.FS

// Enough runs are a result; fewer are a trial, and the page says so.
const Enough = 5

// Write makes everything anew, in the folder of the documents.
func Write(f *results.File, docs string) error {
	files, err := Render(f)
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(docs, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// sinceAdded are measurements that older results lack. The pages leave them out then.
var sinceAdded = []string{"PeerRotations", "Refreshers", "Idle", "Door", "Gateways"}

// Render returns the files by name.
func Render(f *results.File) (map[string][]byte, error) {
	missing := slices.DeleteFunc(f.Missing(), func(name string) bool { return slices.Contains(sinceAdded, name) })
	if len(missing) > 0 {
		return nil, fmt.Errorf("report: not measured: %s", strings.Join(missing, ", "))
	}
	files, err := plots(f)
	if err != nil {
		return nil, err
	}
	claims := Claims(f)
	for _, name := range []string{"performance.md", "scaling.md"} {
		var out bytes.Buffer
		t, err := template.New(name+".tmpl").Funcs(functions).ParseFS(templates, name+".tmpl")
		if err != nil {
			return nil, err
		}
		if err := t.Execute(&out, page{f, claims, guesses(claims), newScaling(f)}); err != nil {
			return nil, err
		}
		files[name] = out.Bytes()
	}
	return files, nil
}

// page is what a template sees.
type page struct {
	*results.File
	Claims  []Claim
	Guesses []guess
	Scale   scaling
}

var functions = template.FuncMap{
	"spread":    spread,
	"figure":    figure,
	"group":     group,
	"about":     about,
	"bold":      bold,
	"ratio":     func(s results.Sample) string { return spread(s, 2) },
	"settings":  settings,
	"speedUp":   speedUp,
	"sizes":     sizes,
	"bytes":     sizeOf,
	"mul":       func(a, b float64) float64 { return a * b },
	"join":      strings.Join,
	"div":       func(a, b float64) float64 { return a / b },
	"float":     func(n int) float64 { return float64(n) },
	"p99":       p99,
	"trial":     func(runs int) bool { return runs < Enough },
	"poll":      func() float64 { return float64(peers.PollEvery.Milliseconds()) },
	"pollPhase": pollPhase,
	"largest":   largestHerd,
	"quantile":  func(s results.Sample, q float64) float64 { return s.Quantile(q) },
}

// spread shows a sample: its median, and from where to where it goes; - if it was not measured.
func spread(s results.Sample, digits int) string {
	if len(s) == 0 {
		return "-"
	}
	middle, low, high := figure(s.Median(), digits), figure(s.Min(), digits), figure(s.Max(), digits)
	if low == high {
		return middle
	}
	return fmt.Sprintf("%s (%s to %s)", middle, low, high)
}

// p99 of a herd that is large enough to have one beside its slowest replica.
func p99(h results.Herd) string {
	if h.Replicas < 100 {
		return "-"
	}
	return spread(h.P99, 1)
}

// largestHerd is that of the most replicas of ours.
func largestHerd(all []results.Herd) results.Herd {
	var out results.Herd
	for _, h := range all {
		if h.Name == peers.Onetoken && h.Replicas >= out.Replicas {
			out = h
		}
	}
	return out
}

// pollPhase is what is left of the pause of a poll, in milliseconds, when an issuer
// answers.
func pollPhase(issuer float64) float64 {
	every := float64(peers.PollEvery.Milliseconds())
	return math.Ceil(issuer/every)*every - issuer
}

// figure has so many digits behind the point, and none that mean nothing.
func figure(v float64, digits int) string {
	if v >= 1000 {
		return group(v)
	}
	if v >= 100 {
		digits = min(digits, 1)
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// group is a whole number, with a comma at each thousand.
func group(v float64) string {
	text := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// about is a whole number of which only the first two digits mean something.
func about(v float64) string {
	if v < 100 {
		return group(v)
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	return group(math.Round(v/unit) * unit)
}

// bold marks what is ours.
func bold(name string) string {
	if name == peers.Onetoken {
		return "**" + name + "**"
	}
	return name
}

// sizeOf is a number of bytes; - if it was not measured.
func sizeOf(v float64) string {
	if v == 0 {
		return "-"
	}
	for _, unit := range []string{"bytes", "KiB", "MiB"} {
		if v < 1024 {
			return figure(v, map[bool]int{true: 0, false: 1}[unit == "bytes"]) + " " + unit
		}
		v /= 1024
	}
	return figure(v, 1) + " GiB"
}

// setting is one table of fresh Gets.
type setting struct {
	Title string
	Rows  []results.Fresh
}

func settings(all []results.Fresh) []setting {
	var out []setting
	for i, f := range all {
		if i == 0 || f.Sources != all[i-1].Sources || f.Parallel != all[i-1].Parallel {
			out = append(out, setting{Title: title(f)})
		}
		last := &out[len(out)-1]
		last.Rows = append(last.Rows, f)
	}
	return out
}

func title(f results.Fresh) string {
	words := []string{"one Source"}
	if f.Sources > 1 {
		words = []string{group(float64(f.Sources)), "Sources at random"}
	}
	if f.Parallel {
		words = append(words, "on all cores")
	}
	return strings.Join(words, " ")
}

// speedUp says what all cores were worth to the floor, which has nothing to contend for.
func speedUp(all []results.Fresh) string {
	var one, many results.Sample
	for _, f := range all {
		if f.Name == peers.Floor && f.Sources == 1 {
			if f.Parallel {
				many = f.Nanoseconds
			} else {
				one = f.Nanoseconds
			}
		}
	}
	times := by(one, many)
	if len(times) == 0 {
		return "What all cores are worth was not measured."
	}
	text := fmt.Sprintf("On all cores the floor of one Source is %s times as fast as on one.", spread(times, 2))
	if times.Median() < 1.3 {
		text += " So the cores here gave next to no speed-up, and the tables on all cores say little of what readers do to each other."
	}
	return text
}

// size is one table of herds.
type size struct {
	Replicas int
	Rows     []results.Herd
}

func sizes(all []results.Herd) []size {
	var out []size
	for i, h := range all {
		if i == 0 || h.Replicas != all[i-1].Replicas {
			out = append(out, size{Replicas: h.Replicas})
		}
		last := &out[len(out)-1]
		last.Rows = append(last.Rows, h)
	}
	return out
}
