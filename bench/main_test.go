package bench_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/onetoken-go/onetoken/bench/results"
)

// Without -results everything is measured once, with little of everything, to see
// that it works. With it, in earnest.
var (
	resultsFile = flag.String("results", "", "measure in earnest, and write what was found to this `file`")
	runs        = flag.Int("runs", 5, "of each measurement, in earnest; fewer for a quick look")
)

// found is what the tests of this run have measured. They run one after the other.
var found results.File

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if *resultsFile != "" && code == 0 {
		found.Runs, found.IssuerMs, found.Machine = *runs, float64(latency.Milliseconds()), thisMachine()
		if err := found.Save(*resultsFile); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func inEarnest() bool { return *resultsFile != "" }

// sized is how much there is of something: in earnest, or else.
func sized(earnest, smoke int) int {
	if inEarnest() {
		return earnest
	}
	return smoke
}

// repeat runs a measurement as often as it takes.
func repeat(t *testing.T, run func(i int)) {
	for i := range sized(*runs, 1) {
		if t.Failed() {
			return
		}
		run(i)
	}
}

// shall checks a figure that must hold. In earnest the report is the judge.
func shall(t *testing.T, holds bool, figure string) {
	t.Helper()
	if !holds && !inEarnest() {
		t.Error("must hold: " + figure)
	}
}
