package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What this file does not use of YAML, and what is no text.
func TestDocument(t *testing.T) {
	const nothing = " is empty: it has to have a list of credentials at least, such as credentials: []"
	newStage(t).assertTold([]edge{
		{"", []string{nothing}},
		{"# nothing\n", []string{nothing}},
		{"---\n", []string{nothing}},
		{"~", []string{nothing}},
		{"just " + inlineSecret, []string{"1:1: has to be keys with values, one a line, and not a text: there are redis, credentials, status, tokens and gateway"}},
		{"[1, 2]", []string{"1:1: has to be keys with values, one a line, and not a list: there are redis, credentials, status, tokens and gateway"}},
		{"credentials: []\n---\nredis: {}", []string{"2:1: a second document begins here: keep one"}},
		{"credentials: &" + inlineSecret + " []\nredis: *" + inlineSecret, []string{
			"1:14: an anchor (&): leave it out, as aliases are not taken here", "2:8: an alias (*): write out what it stands for",
		}},
		{"credentials: []\n<<: {redis: {}}", []string{"2:1: a merge key (<<): write out what it stands for"}},
		{"credentials: []\nredis: {user: !" + inlineSecret + " x}", []string{"2:15: a tag (!): leave it out, and put a text that looks like a number in quotes"}},
		{"credentials: []\nredis: {user: !!str 1}", []string{"2:15: a tag (!): leave it out, and put a text that looks like a number in quotes"}},
		{"credentials: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), []string{"1:33: this is nested deeper than any key of this file is"}},
		{"a: 1\nb: \xff", []string{"2:4: this is not UTF-8: save the file as UTF-8"}},
		{"\xff\xfea\x00:\x00", []string{"1:1: the file is in UTF-16: save it as UTF-8"}},
		{"a: 1\nbü: \x00", []string{"2:5: a control character: take it out"}},
		{"a: \ufeff1", []string{"1:4: a control character: take it out"}},
		{"a: \u2028", []string{"1:4: a control character: take it out"}},
		{"? [a]\n: b\ncredentials: []", []string{"1:3: a key that is not known here: there are redis, credentials, status, tokens and gateway"}},
		{strings.Repeat("#", 1<<20+1), []string{" cannot be read: it is larger than 1024 KiB"}},
	})
}

func TestDocumentTaken(t *testing.T) {
	s := newStage(t)
	for _, text := range []string{
		"\ufeff" + empty, "---\n" + empty + "...\n", "credentials: []\r\nredis:\r\n  prefix: x\r\n", "{credentials: []}", "\"credentials\": []",
		empty + "redis: {user: ünï, password_file: password} # \ufffd stands for itself\n", empty + strings.Repeat("#", 1<<20-len(empty)),
	} {
		assert.Empty(t, s.told(text))
	}
}
