package config

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// deepest nesting of a file: what there is has 6 levels, with the lists.
const deepest = 20

// tree is a document whose values are read by what they have to be. What is wrong goes to its
// complaints.
type tree struct{ complaints }

// parse returns the root of the one document, or nil after a complaint.
func (t *tree) parse(raw string) *yaml.Node {
	text := strings.TrimPrefix(raw, "\ufeff")
	if line, column, what := unreadable(text); what != "" {
		t.complainOfLine(line, column, what)
		return nil
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	document, err := decode(decoder)
	switch {
	case errors.Is(err, io.EOF), err == nil && document.Content[0].Tag == "!!null":
		t.complainOfFile("is empty: it has to have a list of credentials at least, such as credentials: []")
		return nil
	case err != nil:
		t.complainOfSyntax(text, err)
		return nil
	}
	switch next, err := decode(decoder); {
	case err == nil:
		t.complainOfLine(next.Line, next.Column, "a second document begins here: keep one")
	case !errors.Is(err, io.EOF):
		t.complainOfSyntax(text, err)
	}
	t.checkPlain(document, 0)
	if len(t.all) > 0 {
		return nil
	}
	return document.Content[0]
}

// unreadable finds the first character that is no text, and says what to do about it.
func unreadable(text string) (line, column int, what string) {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return 1, 1, "the file is in UTF-16: save it as UTF-8"
	}
	line, column = 1, 1
	for i, c := range text {
		if c == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") {
			return line, column, "this is not UTF-8: save the file as UTF-8"
		}
		if isControl(c) {
			return line, column, "a control character: take it out"
		}
		column++
		if c == '\n' {
			line, column = line+1, 1
		}
	}
	return 0, 0, ""
}

// isControl is of what YAML has outside of escapes for nothing, and people cannot see.
func isControl(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c >= 0x7f && c < 0xa0 || c == '\ufeff' || c == '\u2028' || c == '\u2029'
}

// errPanic is of a parser that met what it did not expect.
var errPanic = errors.New("the parser gave up")

// decode survives a panic of the parser: a file that is read again while the process serves shall not
// end it.
func decode(decoder *yaml.Decoder) (document *yaml.Node, err error) {
	defer func() {
		if recover() != nil {
			document, err = nil, errPanic
		}
	}()
	document = new(yaml.Node)
	return document, decoder.Decode(document)
}

// checkPlain refuses what a reader of the file would have to look for elsewhere.
func (t *tree) checkPlain(node *yaml.Node, depth int) {
	if depth > deepest {
		t.complainOfLine(node.Line, node.Column, "this is nested deeper than any key of this file is")
		return
	}
	switch {
	case node.Kind == yaml.AliasNode:
		t.complainOfLine(node.Line, node.Column, "an alias (*): write out what it stands for")
		return
	case node.Anchor != "":
		t.complainOfLine(node.Line, node.Column, "an anchor (&): leave it out, as aliases are not taken here")
	case node.Style&yaml.TaggedStyle != 0:
		t.complainOfLine(node.Line, node.Column, "a tag (!): leave it out, and put a text that looks like a number in quotes")
	case node.Tag == "!!merge":
		t.complainOfLine(node.Line, node.Column, "a merge key (<<): write out what it stands for")
	}
	for _, child := range node.Content {
		t.checkPlain(child, depth+1)
	}
}
