//go:build unix

package doccheck_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/doccheck"
)

func TestFollowing(t *testing.T) {
	d := newDesk(t)
	t.Run("the pages", func(t *testing.T) { thePages(t, d) })
	t.Run("a page that cannot be followed is found", func(t *testing.T) { pagesThatCannot(t, d) })
}

// thePages have every block of shell do what they say, in the order of the page.
func thePages(t *testing.T, d *desk) {
	r := repository(t)
	for _, name := range r.Names() {
		page := r.Pages[name]
		if translation(r, name) || !slices.ContainsFunc(page.Blocks, isShell) {
			continue // a translation has the same blocks
		}
		t.Run(name, func(t *testing.T) {
			_, complaints := follow(t, d, page)
			for _, complaint := range complaints {
				assert.Fail(t, complaint)
			}
			assert.Empty(t, d.web.Refused(), "nothing else is reached")
		})
	}
}

// follow does what a page says at the desk, and complains of what comes out otherwise.
func follow(t *testing.T, d *desk, page *doccheck.Page) (all []said, c []string) {
	t.Helper()
	d.tidy(t)
	d.write(t, "work/onetoken.yaml", d.here.Replace(configurationOf(t, page)), 0o600)
	f := follower{t: t, desk: d, page: page}
	f.enter(checkout)
	f.blocks()
	all, err := d.run(t, f.statements)
	if err != nil {
		return nil, []string{fmt.Sprintf("%s: %s", page.Path, err)}
	}
	c = append(c, f.unprinted(all)...)
	c = append(c, f.unstated(all)...)
	c = append(c, unquoted(page, all)...)
	return all, append(c, unanswered(page, all)...)
}

// unquoted are comments behind commands that promise another output.
func unquoted(page *doccheck.Page, all []said) (c []string) {
	for _, s := range all {
		if s.Comment != "" && !slices.Contains(prose, s.Comment) && !quotes(s.Comment, s.Output) {
			c = append(c, fmt.Sprintf("%s:%d: %q quotes nothing of what the command prints, which is %q: if it is not meant to, it belongs into prose",
				page.Path, s.Line, s.Comment, s.Output))
		}
	}
	return c
}

// unanswered are blocks of JSON whose names are not those of what some command of the page prints.
func unanswered(page *doccheck.Page, all []said) (c []string) {
	for _, block := range page.Blocks {
		if block.Language != "json" {
			continue
		}
		wanted := namesIn(block.Text)
		if !slices.ContainsFunc(all, func(s said) bool { return slices.Equal(namesIn(s.Output), wanted) }) {
			c = append(c, fmt.Sprintf("%s:%d: no command of the page prints an object with %q", page.Path, block.Line, wanted))
		}
	}
	return c
}

// namesIn an object of JSON, sorted; nil: it is none.
func namesIn(text string) (names []string) {
	var object map[string]any
	if json.Unmarshal([]byte(text), &object) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(object))
}

func isShell(b doccheck.Block) bool { return b.Language == "sh" }

func translation(r *doccheck.Repository, name string) bool {
	return slices.ContainsFunc(r.Names(), func(other string) bool { return doccheck.Translated(other) == name })
}

// configurationOf a page is its own, or that of docs/service.md.
func configurationOf(t *testing.T, page *doccheck.Page) string {
	t.Helper()
	for _, p := range []*doccheck.Page{page, repository(t).Pages["docs/service.md"]} {
		for _, block := range p.Blocks {
			if isConfiguration(block) && len(sections(block.Text)) > 1 {
				return block.Text
			}
		}
	}
	require.Fail(t, "no page has a configuration")
	return ""
}

// isConfiguration reports whether a block has sections of the service's file.
func isConfiguration(b doccheck.Block) bool {
	_, credentials := sections(b.Text)["credentials"]
	_, gateway := sections(b.Text)["gateway"]
	return b.Language == "yaml" && (credentials || gateway)
}

// sections of a text of YAML by their names, each with its name.
func sections(text string) map[string]string {
	all, name := map[string]string{}, ""
	for line := range strings.Lines(text) {
		if key := regexp.MustCompile(`^(\w+):`).FindStringSubmatch(line); key != nil {
			name = key[1]
		}
		all[name] += line
	}
	return all
}

// follower collects what the shell has to do.
type follower struct {
	t          *testing.T
	desk       *desk
	page       *doccheck.Page
	statements []doccheck.Statement
	prints     []prints
	states     []states
	from       int // first statement of the block before this one
}

// prints is what the last of some statements that prints at all has to print.
type prints struct {
	from, to int
	pattern  string
}

// states is a block of text right behind one of shell: what its statements print.
type states struct {
	from, to int
	block    doccheck.Block
}

// isFile finds the name of the file that a block is, in the words before it.
var isFile = regexp.MustCompile(`\bThis is (\S+\.\w+)\b`)

// blocks go one after the other. One that is a file is written, where the shell is by then.
func (f *follower) blocks() {
	for _, block := range f.page.Blocks {
		name := isFile.FindStringSubmatch(block.Before)
		switch {
		case isShell(block):
			f.block(block)
		case isOutput(block) && !isUnread(f.page.Path, block):
			f.states = append(f.states, states{f.from, len(f.statements), block})
		case name != nil:
			f.add(doccheck.Statement{Text: "cat >" + name[1] + " <<'END'\n" + block.Text + "END"})
		default:
			assert.False(f.t, strings.HasPrefix(block.Text, "package main\n"), "%s:%d: the words before it name no file", f.page.Path, block.Line)
		}
	}
}

// isOutput reports whether a block is what that before it prints.
func isOutput(b doccheck.Block) bool { return b.Behind && b.Language == "text" }

func (f *follower) block(block doccheck.Block) {
	n := noteOf(f.page.Path, block)
	if n.unrun != "" {
		return
	}
	if n.folder != "" {
		f.enter(n.folder)
	}
	f.add(doccheck.Statement{Text: n.before})
	statements, err := block.Statements()
	require.NoError(f.t, err, "%s:%d", f.page.Path, block.Line)
	f.from = len(f.statements)
	for _, s := range statements {
		if !runsElsewhere(f.page.Path, s) {
			f.add(s)
		}
	}
	if n.prints != "" {
		f.prints = append(f.prints, prints{f.from, len(f.statements), n.prints})
	}
	f.add(doccheck.Statement{Text: n.after})
}

// enter a folder of the desk.
func (f *follower) enter(folder string) {
	f.add(doccheck.Statement{Text: "cd " + f.desk.dir + "/" + folder})
}

// add has a statement run, or what runs here instead.
func (f *follower) add(s doccheck.Statement) {
	if s.Text == "" {
		return
	}
	for _, i := range instead {
		s.Text = i.statement.ReplaceAllString(s.Text, i.runs)
	}
	f.statements = append(f.statements, s)
}

// unprinted is what notes want printed, and was not.
func (f *follower) unprinted(all []said) (c []string) {
	for _, p := range f.prints {
		printed := ""
		for _, s := range all[p.from:p.to] {
			printed = cmp.Or(s.Output, printed)
		}
		if !regexp.MustCompile(p.pattern).MatchString(printed) {
			c = append(c, fmt.Sprintf("%s:%d: it prints %q, which is not %s", f.page.Path, all[p.from].Line, printed, p.pattern))
		}
	}
	return c
}

// unstated are lines of blocks of text that are not printed, or not in this order.
func (f *follower) unstated(all []said) (c []string) {
	for _, s := range f.states {
		var printed []string
		for _, statement := range all[s.from:s.to] {
			printed = append(printed, strings.Split(statement.Output, "\n")...)
		}
		for i, line := range strings.Split(strings.TrimSpace(s.block.Text), "\n") {
			at := slices.IndexFunc(printed, shape(line).MatchString)
			if at < 0 {
				c = append(c, fmt.Sprintf("%s:%d: no command prints %q, at this place", f.page.Path, s.block.Line+i, line))
				break
			}
			printed = printed[at+1:]
		}
	}
	return c
}

// shape of a line: any number does for a number, and anything for three dots.
func shape(line string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(line)
	pattern = strings.ReplaceAll(pattern, `\.\.\.`, `.*`)
	return regexp.MustCompile(regexp.MustCompile(`\d+`).ReplaceAllString(pattern, `\d+`) + "$")
}

func noteOf(page string, block doccheck.Block) note {
	for _, n := range notes {
		if n.page == page && strings.HasPrefix(block.Text, n.first) {
			return n
		}
	}
	return note{}
}

func runsElsewhere(page string, s doccheck.Statement) bool {
	for _, e := range elsewhere {
		if e.page == page && e.statement == s.Text {
			return true
		}
	}
	return false
}

// quotes reports whether a part of a comment is part of the output. Durations count in whole minutes: a
// moment has passed since.
func quotes(comment, output string) bool {
	output = minutes(output)
	for _, part := range regexp.MustCompile(`, |: `).Split(minutes(comment), -1) {
		if len(part) > 2 && strings.Contains(output, part) {
			return true
		}
	}
	return false
}

var duration = regexp.MustCompile(`\b\d+h\d+m\d+s\b`)

func minutes(text string) string {
	return duration.ReplaceAllStringFunc(text, func(duration string) string {
		d, err := time.ParseDuration(duration)
		if err != nil {
			return duration
		}
		return d.Round(time.Minute).String()
	})
}

// pagesThatCannot be followed do something else than they say.
func pagesThatCannot(t *testing.T, d *desk) {
	for _, f := range []struct{ text, complaint string }{
		{"```sh\nfalse\n```\n", "exit status 1"},
		{"```sh\nfalse | true\n```\n", "exit status 1"},
		{"```sh\nnone\n```\n", "none: command not found"},
		{"```sh\ntrue\n```\n\n```sh\nbuild/onetoken version\n```\n", "build/onetoken: No such file"},
		{"```sh\ncurl -sf https://nowhere.example/\n```\n", "exit status 22"},
		{"```sh\necho \"a token that lives for 1h59m10s\" # reads: a token that lives for 2h0m0s\n```\n", `wrong.md:2: "reads: a token that lives for 2h0m0s" quotes nothing of what the command prints, which is "a token that lives for 1h59m10s"`},
		{"```sh\ntrue\necho '{\"calls\":2}' # {\"calls\":1}\n```\n", "wrong.md:3: "},
		{"```sh\ntrue # ready\n```\n", `wrong.md:2: "ready" quotes nothing`},
		{"```sh\necho 'a 1'\necho b\n```\n\n```text\na 2\nc\n```\n", `wrong.md:8: no command prints "c", at this place`},
		{"```sh\necho b\necho a\n```\n\n```text\na\nb\n```\n", `wrong.md:8: no command prints "b", at this place`},
		{"```sh\necho '{\"a\":1}'\n```\n\n```json\n{\"a\": 2, \"b\": 3}\n```\n", `wrong.md:6: no command of the page prints an object with ["a" "b"]`},
	} {
		t.Run(f.complaint, func(t *testing.T) {
			_, complaints := follow(t, d, doccheck.Read("wrong.md", []byte(f.text)))
			require.Len(t, complaints, 1)
			assert.Contains(t, complaints[0], f.complaint)
		})
	}
	assert.Equal(t, []string{"CONNECT nowhere.example:443"}, d.web.Refused())

	good := "```sh\necho \"a token that lives for 1h59m59s\" # reads: a token that lives for 2h0m0s\necho '{\"a\":1}' # \"a\":1, always\n```\n\n```text\na token ... 2h0m0s\n{\"a\":2}\n```\n\n```json\n{\"a\": 2}\n```\n"
	all, complaints := follow(t, d, doccheck.Read("good.md", []byte(good)))
	assert.Empty(t, complaints)
	assert.Len(t, all, 3)
}
