package sim_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/sim"
)

var (
	mutants     = flag.String("sim.mutants", "", "play these against the seeds, by a part of their names; all for every one. Without it they are only applied")
	mutantSeeds = flag.Int("sim.mutantseeds", 300, "the most seeds that each of the mutants may survive")
	anyProfile  = flag.Bool("sim.anyprofile", false, "play mutants in every profile in turn, not in the one that each names")
)

// mutant is one rule of the product turned off, in a copy that only the compiler sees.
type mutant struct {
	name     string
	what     string // it does, in words
	file     string
	old, new string
	by       string // the invariants that may be the first to fail, with | between; or a test
	profile  string // of the seeds; "" where a test has to notice
	tested   string // the package of that test
}

// TestMutants shows that the seeds bite: each rule that one might drop, dropped, makes
// some seed fail; or a test, where the rule is about what fleets do not have. A mutant
// whose words are not in the product any more fails, also when none is played: a compiler
// for each takes minutes.
func TestMutants(t *testing.T) {
	files, err := filepath.Glob("mutants/*.mutant")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".mutant"), func(t *testing.T) {
			m := readMutant(t, file)
			overlay := m.overlay(t)
			if *mutants == "" || *mutants != "all" && !strings.Contains(m.name, *mutants) {
				return
			}
			if m.tested != "" {
				m.test(t, overlay)
				passes(t, "../../"+strings.TrimPrefix(m.tested, "./"), "^"+m.by+"$") // without it
				return
			}
			seed, profile, invariants := m.play(t, overlay)
			t.Logf("%s: seed %d, %s, %s", m.name, seed, profile, strings.Join(invariants, " "))
			assert.Subset(t, strings.Split(m.by, "|"), invariants[:1], m.what)
			passes(t, ".", "TestSeeds$", "-sim.seed", strconv.Itoa(seed), "-sim.profile", profile) // without it
		})
	}
}

// TestMutantsCompile keeps a mutant from being a mistake that only the compiler notices, also when none
// is played. Those of different files are compiled together.
func TestMutantsCompile(t *testing.T) {
	files, err := filepath.Glob("mutants/*.mutant")
	require.NoError(t, err)
	var rounds []map[string]string // the product's files, and what takes their place
	packages := map[string]bool{}
	dir := t.TempDir()
	for _, file := range files {
		m := readMutant(t, file)
		original, text := m.mutated(t)
		if filepath.Ext(original) == ".go" {
			packages[filepath.Dir(original)] = true
		}
		copied := filepath.Join(dir, m.name+filepath.Ext(m.file))
		require.NoError(t, os.WriteFile(copied, []byte(text), 0o600))
		free := slices.IndexFunc(rounds, func(round map[string]string) bool { return round[original] == "" })
		if free < 0 {
			free, rounds = len(rounds), append(rounds, map[string]string{})
		}
		rounds[free][original] = copied
	}
	for i, round := range rounds {
		overlay := filepath.Join(dir, strconv.Itoa(i)+".json")
		list, err := json.Marshal(map[string]map[string]string{"Replace": round})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(overlay, list, 0o600))
		build := exec.Command("go", append([]string{"build", "-overlay", overlay}, slices.Sorted(maps.Keys(packages))...)...)
		out, err := build.CombinedOutput()
		assert.NoError(t, err, "%s", out)
	}
}

// readMutant reads
//
//	what it does
//	file: path/from/the/root
//	by: I1
//	profile: data
//	<<<<<<<
//	old
//	=======
//	new
//	>>>>>>>
//
// or, where a test has to notice, "by: TestX" and "test: ./tokencache".
func readMutant(t *testing.T, file string) mutant {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	parts := regexp.MustCompile(`(?s)^(.*?)\nfile: (\S+)\nby: (\S+)\n(profile|test): (\S+)\n<<<<<<<\n(.*?)\n=======\n(.*?)\n?>>>>>>>\n$`).FindStringSubmatch(string(text))
	require.Len(t, parts, 8, "%s is no mutant", file)
	name := strings.TrimSuffix(filepath.Base(file), ".mutant")
	m := mutant{name: name, what: parts[1], file: parts[2], by: parts[3], old: parts[6], new: strings.TrimSuffix(parts[7], "\n")}
	if parts[4] == "test" {
		m.tested = parts[5]
	} else {
		m.profile = parts[5]
	}
	return m
}

// overlay is what go build takes for the product's file.
func (m mutant) overlay(t *testing.T) string {
	t.Helper()
	original, text := m.mutated(t)
	dir := t.TempDir()
	mutated := filepath.Join(dir, filepath.Base(m.file))
	require.NoError(t, os.WriteFile(mutated, []byte(text), 0o600))
	list, err := json.Marshal(map[string]map[string]string{"Replace": {original: mutated}})
	require.NoError(t, err)
	path := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(path, list, 0o600))
	return path
}

// mutated is the product's file that the mutant is of, and what stands there instead.
func (m mutant) mutated(t *testing.T) (original, text string) {
	t.Helper()
	original, err := filepath.Abs(filepath.Join("..", "..", m.file))
	require.NoError(t, err)
	product, err := os.ReadFile(original)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(product), m.old), "%s: what it is to replace in %s", m.name, m.file)
	return original, strings.Replace(string(product), m.old, m.new, 1)
}

// test wants the test to fail that is to notice, or to end its process.
func (m mutant) test(t *testing.T, overlay string) {
	t.Helper()
	cmd := exec.Command("go", "test", "-overlay", overlay, "-count=1", "-timeout=2m", "-run", "^"+m.by+"$", m.tested)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.CombinedOutput()
	require.Error(t, err, "%s passes: %s", m.by, m.what)
	require.NotContains(t, string(out), "[build failed]", "%s", tail(string(out)))
	require.NotContains(t, string(out), "test timed out")
	require.Regexp(t, "(?m)^--- FAIL: "+m.by+" |^panic: ", string(out), "%s", tail(string(out)))
	t.Logf("%s: %s", m.name, m.by)
}

// passes is the other half of what a mutant shows: what fails with it does not fail without.
func passes(t *testing.T, dir, test string, flags ...string) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"test", dir, "-count=1", "-timeout=5m", "-v", "-run", test}, flags...)...).CombinedOutput()
	assert.NoError(t, err, "%s", tail(string(out)))
	assert.Contains(t, string(out), "--- PASS: ", "%s", tail(string(out)))
}

var failedSeed = regexp.MustCompile(`seed (\d+), profile (\w+):\n((?:\s+[A-Z]\d+ at .*\n)+)`)

// play returns the first seed that fails, and by which invariants.
func (m mutant) play(t *testing.T, overlay string) (seed int, profile string, invariants []string) {
	t.Helper()
	cmd := exec.Command("go", "test", "-overlay", overlay, "-count=1", "-timeout=5m", ".",
		"-run", "TestSeeds$", "-sim.stop", "-sim.seeds", strconv.Itoa(*mutantSeeds))
	if !*anyProfile {
		cmd.Args = append(cmd.Args, "-sim.profile", m.profile)
	}
	out, err := cmd.CombinedOutput()
	if err == nil {
		return *mutantSeeds, "every profile", []string{"none"}
	}
	if strings.Contains(string(out), sim.Spins) {
		return 0, m.profile, []string{"I8"} // a handful of commands, it says
	}
	for _, found := range failedSeed.FindAllStringSubmatch(string(out), -1) {
		if n, _ := strconv.Atoi(found[1]); seed == 0 || n < seed {
			seed, profile, invariants = n, found[2], nil
			for line := range strings.SplitSeq(strings.TrimSpace(found[3]), "\n") {
				invariants = append(invariants, strings.Fields(line)[0])
			}
		}
	}
	require.NotZero(t, seed, "no seed failed, but something else: %s", tail(string(out)))
	return seed, profile, dedupe(invariants)
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

func dedupe(list []string) (out []string) {
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
