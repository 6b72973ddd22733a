package doccheck

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Tools are what a reader can run in a checkout.
type Tools struct {
	targets   []string            // of make
	steps     []string            // of .ci/run
	tests     map[string][]string // by the package's folder: tests, examples, fuzz targets, benchmarks
	variables map[string]bool     // ONETOKEN_..., as far as some code names them
}

var (
	isTarget   = regexp.MustCompile(`(?m)^([a-z-]+):`)
	isStep     = regexp.MustCompile(`(?m)^([a-z_0-9]+)\(\)`)
	isTest     = regexp.MustCompile(`(?m)^func ((?:Test|Example|Fuzz|Benchmark)\w*)\(`)
	isVariable = regexp.MustCompile(`ONETOKEN_[A-Z0-9_]+`)
)

// Tools reads the checkout's Makefile, .ci/run and code.
func (r *Repository) Tools(root string) (*Tools, error) {
	t := &Tools{tests: map[string][]string{}, variables: map[string]bool{}}
	for name := range r.Files {
		switch base := path.Base(name); {
		case name != "Makefile" && name != ".ci/run" && name != "docs/model/run" && !strings.HasSuffix(base, ".go"):
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		for _, variable := range isVariable.FindAllString(string(text), -1) {
			t.variables[variable] = true
		}
		switch {
		case name == "Makefile":
			t.targets = captured(isTarget, text)
		case name == ".ci/run":
			t.steps = captured(isStep, text)
		case strings.HasSuffix(name, "_test.go"):
			t.tests[path.Dir(name)] = append(t.tests[path.Dir(name)], captured(isTest, text)...)
		}
	}
	return t, nil
}

func captured(pattern *regexp.Regexp, text []byte) (all []string) {
	for _, match := range pattern.FindAllSubmatch(text, -1) {
		all = append(all, string(match[1]))
	}
	return all
}

// Named complains of a command that names what is not there: a target of make, a step of .ci/run, a package,
// a test, a script, a variable of ours.
func (r *Repository) Named(t *Tools) (c Complaints) {
	r.eachCall(&c, func(page string, line int, call Call) {
		for _, variable := range call.Variables {
			if strings.HasPrefix(variable, "ONETOKEN_") && !t.variables[variable] {
				c.add(page, line, "no code knows %s", variable)
			}
		}
		if complaint := r.named(t, call.Words); complaint != "" {
			c.add(page, line, "%s", complaint)
		}
	})
	return c
}

func (r *Repository) named(t *Tools, words []string) string {
	if len(words) < 2 {
		return ""
	}
	switch words[0] {
	case "make":
		return missing("a target of make", words[1:], t.targets)
	case ".ci/run":
		return missing("a step of .ci/run", words[1:], t.steps)
	case "go":
		return r.goCommand(t, words[1], words[2:])
	}
	if folder, _, ok := strings.Cut(words[0], "/"); ok && r.Files[folder] && !r.Files[words[0]] && folder != "bin" {
		return words[0] + " is not there"
	}
	return ""
}

func missing(what string, words, known []string) string {
	for _, word := range words {
		if !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") && !slices.Contains(known, word) {
			return word + " is not " + what
		}
	}
	return ""
}

func (r *Repository) goCommand(t *Tools, command string, arguments []string) string {
	var folders []string
	for _, argument := range arguments {
		folder, ok := strings.CutPrefix(argument, "./")
		if !ok || folder == "..." {
			continue
		}
		folder = strings.TrimSuffix(folder, "/...")
		if !r.Files[folder] {
			return "there is no package " + folder
		}
		folders = append(folders, folder)
	}
	at := slices.Index(arguments, "-run")
	if command != "test" || at < 0 || at+1 == len(arguments) {
		return ""
	}
	return t.run(arguments[at+1], folders)
}

// run says that a pattern chooses no test; of no package: it has to choose some test of any.
func (t *Tools) run(pattern string, folders []string) string {
	first, _, _ := strings.Cut(pattern, "/")
	for alternative := range strings.SplitSeq(first, "|") {
		chooses, err := regexp.Compile(alternative)
		if err != nil {
			return err.Error()
		}
		if !slices.ContainsFunc(t.testsOf(folders), chooses.MatchString) && alternative != "^$" {
			return "-run " + alternative + " chooses no test"
		}
	}
	return ""
}

func (t *Tools) testsOf(folders []string) (names []string) {
	for folder, tests := range t.tests {
		if len(folders) == 0 || slices.Contains(folders, folder) {
			names = append(names, tests...)
		}
	}
	return names
}
