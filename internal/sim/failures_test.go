package sim_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/sim"
)

// row is one of docs/failures.md.
type row struct {
	name  string   // I1, F1
	tests []string // by their names
	shown string   // what is put in, or taken out
}

// readFailures returns the rows but those of what does not exist yet.
func readFailures(t *testing.T) (rows []row) {
	t.Helper()
	text, err := os.ReadFile("../../docs/failures.md")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		name := strings.TrimSpace(cells[0])
		if !regexp.MustCompile(`^[IF]\d+$`).MatchString(name) || strings.Contains(line, "| not yet:") {
			continue
		}
		require.Len(t, cells, map[byte]int{'I': 4, 'F': 5}[name[0]], name)
		r := row{name: name, shown: strings.TrimSpace(cells[len(cells)-1])}
		for _, found := range regexp.MustCompile("`(Test[A-Za-z0-9_]+)`").FindAllStringSubmatch(cells[len(cells)-2], -1) {
			r.tests = append(r.tests, found[1])
		}
		rows = append(rows, r)
	}
	require.Len(t, rows, 8+44-1+11) // of the rows from 45 on: F45 to F51, F53 and F57 to F59
	return rows
}

// Every row has a test that exists, and something without which that would not fail.
func TestFailuresHaveTests(t *testing.T) {
	code := testsOfTheModule(t)
	for _, r := range readFailures(t) {
		assert.NotEmpty(t, r.shown, "%s: what is put in, or taken out?", r.name)
		if r.name[0] == 'F' {
			assert.NotEmpty(t, r.tests, "%s has no test", r.name)
		}
		for _, name := range r.tests {
			assert.Contains(t, code, "func "+name+"(", "%s: no such test", r.name)
		}
	}
}

// Every fault and every mutant that seeds have to notice stands behind a row, and no row names another.
func TestFailuresNameFaultsAndMutants(t *testing.T) {
	files, err := filepath.Glob("mutants/*.mutant")
	require.NoError(t, err)
	known := map[string]bool{}
	for _, name := range sim.FaultNames() {
		known[name] = true
	}
	for _, file := range files {
		if m := readMutant(t, file); m.tested == "" {
			known["`"+m.name+"`"] = true
		}
	}
	named := map[string]bool{}
	for _, r := range readFailures(t) {
		for _, name := range behind(r.shown) {
			assert.True(t, known[name], "%s: there is no %s", r.name, name)
			named[name] = true
		}
	}
	for name := range known {
		assert.True(t, named[name], "no row names %s", name)
	}
}

// behind takes a last cell apart: faults, and mutants in backticks. What the tests of
// the row inject themselves has no name.
func behind(cell string) (names []string) {
	if strings.HasPrefix(cell, "its own: ") {
		return nil
	}
	cell = regexp.MustCompile(`mutants? `).ReplaceAllString(cell, "")
	for _, name := range regexp.MustCompile(`[,;]`).Split(cell, -1) {
		names = append(names, strings.TrimSpace(name))
	}
	return names
}

func testsOfTheModule(t *testing.T) string {
	t.Helper()
	var code strings.Builder
	for _, pattern := range []string{"../../*/*_test.go", "../../*/*/*_test.go", "../../*/*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			code.Write(source)
		}
	}
	return code.String()
}
