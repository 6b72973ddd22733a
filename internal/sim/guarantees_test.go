package sim_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/sim"
)

// guarantee is a rule of docs/guarantees.md, and what checks it.
type guarantee struct {
	name   string
	under  int  // which of the promises, counted from 0; -1: one that is made elsewhere
	broken bool // it says what would break it
	checks map[string][]string
}

// readGuarantees returns the promises that are quoted there, and the rules. Both a promise and a list of
// checks may take several lines; those of a list are indented.
func readGuarantees(t *testing.T) (quoted []string, rules []guarantee) {
	t.Helper()
	text, err := os.ReadFile("../../docs/guarantees.md")
	require.NoError(t, err)
	heading := regexp.MustCompile(`^## (G\d+)\. `)
	check := regexp.MustCompile(`^- (mutants|seeds|models|tests): (.*)$`)
	inPromise, elsewhere := false, false
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\n  ", " ")) {
		line = strings.TrimSpace(line)
		promise, ok := strings.CutPrefix(line, "> ")
		if ok && inPromise {
			quoted[len(quoted)-1] += " " + promise
		} else if ok {
			quoted = append(quoted, promise)
		}
		inPromise = ok
		if strings.HasPrefix(line, "# Promised elsewhere") {
			elsewhere = true
		}
		if found := heading.FindStringSubmatch(line); found != nil {
			under := len(quoted) - 1
			if elsewhere {
				under = -1
			}
			rules = append(rules, guarantee{name: found[1], under: under, checks: map[string][]string{}})
		}
		if len(rules) == 0 {
			continue
		}
		last := &rules[len(rules)-1]
		last.broken = last.broken || strings.Contains(line, "*Broken if*")
		if found := check.FindStringSubmatch(line); found != nil {
			require.NotContains(t, last.checks, found[1], "%s has two lists of %s", last.name, found[1])
			names := namesIn(found[2])
			if found[1] == "seeds" && len(names) == 0 {
				require.Regexp(t, "^every profile", found[2], "%s: seeds of which profile?", last.name)
			}
			last.checks[found[1]] = names
		}
	}
	return quoted, rules
}

// namesIn are those in backticks.
func namesIn(text string) (names []string) {
	for _, found := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
		names = append(names, found[1])
	}
	return names
}

// promises are the bullets of the part "Promised" of the documentation of tokencache.
func promises(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile("../../tokencache/doc.go")
	require.NoError(t, err)
	_, part, ok := strings.Cut(string(text), "// # Promised\n")
	require.True(t, ok)
	part, _, ok = strings.Cut(part, "// # Not promised\n")
	require.True(t, ok)
	part = regexp.MustCompile(`(?m)^//\s*`).ReplaceAllString(part, "")
	for _, one := range strings.Split(strings.TrimSpace(part), "- ")[1:] {
		list = append(list, strings.Join(strings.Fields(one), " "))
	}
	return list
}

// Every promise of the package's documentation is quoted, with a rule below it, and nothing is that it
// does not say.
func TestGuaranteesQuoteThePromises(t *testing.T) {
	quoted, rules := readGuarantees(t)
	require.NotEmpty(t, quoted)
	assert.Equal(t, promises(t), quoted)
	for i, promise := range quoted {
		assert.True(t, slices.ContainsFunc(rules, func(g guarantee) bool { return g.under == i }), "no rule stands under: %s", promise)
	}
}

// Every rule says what would break it, and has a mutant and a test; what is named exists, and every
// mutant and every profile stands behind a rule. A rule's seeds are of the profiles that its mutants have
// to fail in, too.
func TestGuaranteesHaveChecks(t *testing.T) {
	_, rules := readGuarantees(t)
	require.NotEmpty(t, rules)
	mutants := map[string]mutant{}
	files, err := filepath.Glob("mutants/*.mutant")
	require.NoError(t, err)
	for _, file := range files {
		m := readMutant(t, file)
		mutants[m.name] = m
	}
	var profiles []string
	for _, p := range sim.Profiles() {
		profiles = append(profiles, p.Name)
	}
	code := testsOfTheModule(t)
	behind := map[string]bool{}
	for i, g := range rules {
		assert.False(t, slices.ContainsFunc(rules[:i], func(other guarantee) bool { return other.name == g.name }), "%s is there twice", g.name)
		assert.True(t, g.broken, "%s: what would break it?", g.name)
		assert.NotEmpty(t, g.checks["mutants"], "%s has no mutant", g.name)
		assert.NotEmpty(t, g.checks["tests"], "%s has no test", g.name)
		seeds, played := g.checks["seeds"]
		if played && len(seeds) == 0 {
			seeds = profiles // every one, it says
		}
		for _, name := range g.checks["seeds"] { // those of a rule that names each profile make none of them useful
			assert.Contains(t, profiles, name, g.name)
			behind["profile "+name] = true
		}
		for _, name := range g.checks["mutants"] {
			assert.Contains(t, mutants, name, g.name)
			behind["mutant "+name] = true
			if m := mutants[name]; m.profile != "" {
				assert.Contains(t, seeds, m.profile, "%s: the profile of %s", g.name, name)
			}
		}
		for _, name := range g.checks["tests"] {
			assert.Contains(t, code, "func "+name+"(", "%s: no such test", g.name)
		}
	}
	for name := range mutants {
		assert.True(t, behind["mutant "+name], "no rule names the mutant %s", name)
	}
	for _, name := range profiles {
		assert.True(t, behind["profile "+name], "no rule names the profile %s", name)
	}
}

// What a rule names of a model is there: the model, what it asserts or claims, and behind that the
// cripples that docs/model/run wants caught by it. Each of these stands behind a rule.
func TestGuaranteesNameModels(t *testing.T) {
	known := whatModelsCheck(t)
	named := map[string]bool{}
	_, rules := readGuarantees(t)
	for _, g := range rules {
		names, ok := g.checks["models"]
		assert.Equal(t, ok, len(names) > 0, "%s names no model", g.name)
		model, assertion, used := "", "", true
		for _, name := range names {
			if strings.HasSuffix(name, ".pml") {
				assert.True(t, used, "%s: what of %s?", g.name, model)
				model, assertion, used = name, "", false
				continue
			}
			what := model + " " + name
			if strings.ToUpper(name) == name { // a cripple
				what = model + " " + assertion + " without " + name
			} else {
				assertion = name
			}
			assert.True(t, known[what], "%s: there is no %s", g.name, what)
			named[what], used = true, true
		}
		assert.True(t, used, "%s: what of %s?", g.name, model)
	}
	for what := range known {
		assert.True(t, named[what], "no rule names %s", what)
	}
}

// whatModelsCheck has "lock.pml I3_x" for what a model asserts or claims, and "lock.pml I3_x without Y"
// for a cripple that this has to catch.
func whatModelsCheck(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	files, err := filepath.Glob("../../docs/model/*.pml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NotRegexp(t, `\bassert\(\w*[^\w)]`, string(text), "%s asserts something without a name", file)
		for _, found := range regexp.MustCompile(`(?m)\bassert\((\w+)\)|^ltl (\w+)`).FindAllStringSubmatch(string(text), -1) {
			known[filepath.Base(file)+" "+found[1]+found[2]] = true
		}
	}
	run, err := os.ReadFile("../../docs/model/run")
	require.NoError(t, err)
	cripples := regexp.MustCompile(`(?m)^\t'(\w+) ([A-Z_]+) \w+ (\w+) `).FindAllStringSubmatch(string(run), -1)
	require.NotEmpty(t, cripples)
	for _, found := range cripples {
		known[found[1]+".pml "+found[3]+" without "+found[2]] = true
	}
	return known
}
