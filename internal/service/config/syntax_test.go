package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What is no YAML is told by the line, in words that do not quote it.
func TestSyntax(t *testing.T) {
	newStage(t).assertTold([]edge{
		{"a: b: " + inlineSecret, []string{"1:1: a colon and a blank within a value, or a line that is indented too far: put such a value in quotes"}},
		{"x: 1\na: b: c", []string{"2:1: a colon and a blank within a value, or a line that is indented too far: put such a value in quotes"}},
		{"redis:\n  url: x\n\tprefix: y", []string{"3:1: a tab where the line is indented: YAML takes spaces there"}},
		{"redis:\n  \turl: x: y\n", []string{"2:3: a tab where the line is indented: YAML takes spaces there"}},
		{"\tredis: {}", []string{"1:1: a tab where the line is indented: YAML takes spaces there"}},
		{"a: @" + inlineSecret, []string{"1:1: a value that begins with a character which YAML keeps for itself: put it in quotes"}},
		{"a: [1, 2\nb: 3", []string{"1:1: a list in [ ] that does not go on with a comma or end with ]"}},
		{"a: {b: 1\nc: 2", []string{"1:1: keys in { } that do not go on with a comma or end with }"}},
		{"a: \"" + inlineSecret + "\nb: 1\n", []string{"3:1: the file ends within quotes, which began before this line"}},
		{`a: "\q"`, []string{`1:1: a \ in double quotes that begins no escape: use single quotes`}},
		{"x:\n  a: 1\n b: 2", []string{"2:1: here begins what does not go on as it began: compare the indentation of the lines that follow"}},
		{"- a\nb: 1", []string{"1:1: here begins a list that does not go on as one: compare the indentation of the lines that follow"}},
		{"a: 1\n" + inlineSecret + "\nb: 2", []string{"2:1: a line that is neither KEY: VALUE nor - ITEM: is there a blank after the colon?"}},
		{"a: - b", []string{"1:1: a - where no list can begin: put each item on a line of its own"}},
		{"%FOO\n---\na: 1", []string{"1:1: this is no YAML: look for a missing quotation mark, bracket or colon here and in the lines before"}},
		{"a: 1\nbü: *" + inlineSecret, []string{"2:5: an alias (*) of nothing: write out what it stands for, or put a value that begins with * in quotes"}},
		{"a: 1\n...\ngarbage: [\n", []string{"2:1: the file goes on after its end, or has a second document: keep one"}},
		{strings.Repeat("[", 100_000), []string{"1:1: this is nested deeper than any key of this file is"}},
	})
}

func TestSyntaxOfALongLine(t *testing.T) {
	told := newStage(t).told("a: [" + strings.Repeat("x, ", 10_000) + "\nb: c: d")
	assert.Len(t, told, 1)
	assert.Less(t, len(told[0]), 200)
}
