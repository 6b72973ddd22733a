package bench_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

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
	if !inEarnest() {
		os.Exit(m.Run())
	}
	os.Exit(measure(m))
}

// measure runs the tests and saves what they found.
func measure(m *testing.M) (code int) {
	start := time.Now()
	machine, err := thisMachine()
	if err != nil { // better now than when all is measured
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code = m.Run()
	machine.LoadAfter, machine.Seconds = load(), time.Since(start).Seconds()
	found.Machine, found.Runs, found.IssuerMs = machine, *runs, float64(latency.Milliseconds())
	if err := save(code == 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// save replaces the file by a whole run that has passed. What is less is not lost: it
// is written aside.
func save(passed bool) error {
	missing := found.Missing()
	if passed && len(missing) == 0 {
		return found.Save(*resultsFile)
	}
	aside := *resultsFile + ".partial"
	fmt.Fprintf(os.Stderr, "%s is left as it was: passed: %v, not measured: %v; see %s\n", *resultsFile, passed, missing, aside)
	return found.Save(aside)
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

// shall checks a figure that must hold. In earnest the report is the judge: it says
// which are missed, and by how much.
func shall(t *testing.T, holds bool, figure string) {
	t.Helper()
	if !holds && !inEarnest() {
		t.Error("must hold: " + figure)
	}
}
