package config

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parserSays takes apart what the parser tells of an error. It has no line for the first one.
var parserSays = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// complainOfSyntax has words of its own: the parser's quote, now and then. The parser gives no column,
// and of a mapping or list that is broken the line where that begins.
func (t *tree) complainOfSyntax(text string, err error) {
	line, problem := 1, ""
	if parts := parserSays.FindStringSubmatch(err.Error()); parts != nil {
		problem = parts[2]
		if n, err := strconv.Atoi(parts[1]); err == nil {
			line = n
		}
	}
	if row, column := tabIn(text); row > 0 && tabMatters(problem) {
		t.complainOfLine(row, column, "a tab where the line is indented: YAML takes spaces there")
		return
	}
	if parts := unknownAnchor.FindStringSubmatch(problem); parts != nil {
		line, column := whereIs(text, "*"+parts[1])
		t.complainOfLine(line, column, wordsFor(problem))
		return
	}
	t.complainOfLine(line, 1, wordsFor(problem))
}

// unknownAnchor is the one problem of which the parser never has the line.
var unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)

func whereIs(text, part string) (line, column int) {
	before, _, _ := strings.Cut(text, part)
	last := before[strings.LastIndexByte(before, '\n')+1:]
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(last) + 1
}

// tabIn finds the first line that is indented by a tab.
func tabIn(text string) (line, column int) {
	for row := range strings.Lines(text) {
		line++
		blanks := row[:len(row)-len(strings.TrimLeft(row, " \t"))]
		if tab := strings.IndexByte(blanks, '\t'); tab >= 0 && strings.TrimSpace(row) != "" {
			return line, tab + 1
		}
	}
	return 0, 0
}

func tabMatters(problem string) bool {
	return strings.Contains(problem, "tab character") || strings.Contains(problem, "cannot start any token")
}

// problems are those of the parser, by how they begin, and what to tell a person.
var problems = []struct{ begins, words string }{
	{"mapping values are not allowed", "a colon and a blank within a value, or a line that is indented too far: put such a value in quotes"},
	{"block sequence entries are not allowed", "a - where no list can begin: put each item on a line of its own"},
	{"could not find expected ':'", "a line that is neither KEY: VALUE nor - ITEM: is there a blank after the colon?"},
	{"did not find expected key", "here begins what does not go on as it began: compare the indentation of the lines that follow"},
	{"did not find expected '-' indicator", "here begins a list that does not go on as one: compare the indentation of the lines that follow"},
	{"did not find expected ',' or ']'", "a list in [ ] that does not go on with a comma or end with ]"},
	{"did not find expected ',' or '}'", "keys in { } that do not go on with a comma or end with }"},
	{"did not find expected <document start>", "the file goes on after its end, or has a second document: keep one"},
	{"found character that cannot start any token", "a value that begins with a character which YAML keeps for itself: put it in quotes"},
	{"found unexpected end of stream", "the file ends within quotes, which began before this line"},
	{"found unexpected document indicator", "a line of --- or ... within quotes"},
	{"found unknown escape character", `a \ in double quotes that begins no escape: use single quotes`},
	{"unknown anchor", "an alias (*) of nothing: write out what it stands for, or put a value that begins with * in quotes"},
	{"exceeded max depth", "this is nested deeper than any key of this file is"},
}

func wordsFor(problem string) string {
	for _, known := range problems {
		if strings.HasPrefix(problem, known.begins) {
			return known.words
		}
	}
	return "this is no YAML: look for a missing quotation mark, bracket or colon here and in the lines before"
}
