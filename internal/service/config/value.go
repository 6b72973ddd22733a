package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// value is what stands at a path of the file.
type value struct {
	path         string
	key          string     // the last of the path; "" of an item of a list
	line, column int        // of the key, or of the item
	node         *yaml.Node // nil: nothing stands there
}

// item of a list.
func (v value) item(i int, node *yaml.Node) value {
	return value{path: fmt.Sprintf("%s[%d]", v.path, i), line: node.Line, column: node.Column, node: node}
}

// checkGiven complains of a key without a value. It is false then, and of an absent one.
func (t *tree) checkGiven(v value) bool {
	if v.node == nil {
		return false
	}
	if v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!null" {
		t.complain(v, "has no value: give it one, or leave the key out")
		return false
	}
	return true
}

// text that is not empty. It is false of an absent one, and after a complaint.
func (t *tree) text(v value) (string, bool) {
	text, ok := t.anyText(v)
	if ok && text == "" {
		t.complain(v, "is empty: give it a value, or leave the key out")
		return "", false
	}
	return text, ok
}

// anyText may be empty.
func (t *tree) anyText(v value) (string, bool) {
	if !t.checkGiven(v) {
		return "", false
	}
	if v.node.Kind != yaml.ScalarNode {
		t.complain(v, "has to be one text, and not "+kindName(v.node))
		return "", false
	}
	if v.node.Tag != "!!str" {
		t.complain(v, "is read as "+kindName(v.node)+", where a text is wanted: put it in quotes")
		return "", false
	}
	return v.node.Value, true
}

// kindName says what YAML takes a value for.
func kindName(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	}
	switch node.Tag {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!timestamp":
		return "a date"
	}
	return "a text"
}

// boolean is false where it is absent. Nothing but true and false will do: of yes and on YAML's
// versions think differently.
func (t *tree) boolean(v value) bool {
	switch {
	case !t.checkGiven(v):
		return false
	case v.node.Kind != yaml.ScalarNode:
		t.complain(v, "has to be true or false, and not "+kindName(v.node))
		return false
	case v.node.Tag == "!!bool":
		return strings.EqualFold(v.node.Value, "true")
	case v.node.Value == "true" || v.node.Value == "false":
		t.complain(v, "is a text: leave the quotes out")
		return false
	}
	t.complainf(v, "%s is neither true nor false", quoted(v.node.Value))
	return false
}

// quoted is of a value that should be of a closed set, cut short should it be something else.
func quoted(text string) string {
	const longest = 24
	runes := []rune(text)
	if len(runes) > longest {
		return strconv.Quote(string(runes[:longest])) + "..."
	}
	return strconv.Quote(text)
}

// choice is one of the options, or "" where it is absent, and after a complaint.
func (t *tree) choice(v value, options ...string) string {
	text, ok := t.text(v)
	if !ok || slices.Contains(options, text) {
		return text
	}
	t.complainf(v, "%s is not known: %s", quoted(text), oneOf(options, nearest(text, options)))
	return ""
}

// oneOf offers what is near, or everything.
func oneOf(options []string, near string) string {
	if near != "" {
		return "did you mean " + near + "?"
	}
	if len(options) == 1 {
		return "there is " + options[0]
	}
	last := len(options) - 1
	return "there are " + strings.Join(options[:last], ", ") + " and " + options[last]
}

// duration is 0 where it is absent, and after a complaint.
func (t *tree) duration(v value) time.Duration {
	if !t.checkGiven(v) {
		return 0
	}
	if v.node.Tag == "!!int" || v.node.Tag == "!!float" {
		t.complain(v, "is a number without a unit: write a duration, such as 90s, 30m or 1h30m")
		return 0
	}
	text, ok := t.text(v)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		t.complain(v, "is no duration: write one such as 90s, 30m or 1h30m")
		return 0
	}
	return d
}

// rate is a number from above 0 to most, and 0 where it is absent, and after a complaint.
func (t *tree) rate(v value, most float64) float64 {
	if !t.checkGiven(v) {
		return 0
	}
	n, err := strconv.ParseFloat(v.node.Value, 64)
	if isNumber := v.node.Tag == "!!int" || v.node.Tag == "!!float"; !isNumber || err != nil || !(n > 0 && n <= most) { // NaN is neither
		t.complainf(v, "has to be a number above 0, up to %.0f", most)
		return 0
	}
	return n
}

// list has its items, none where it is absent, and after a complaint.
func (t *tree) list(v value, example string) []value {
	if !t.checkGiven(v) {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		t.complain(v, "has to be a list, such as "+example+", and not "+kindName(v.node))
		return nil
	}
	items := make([]value, len(v.node.Content))
	for i, node := range v.node.Content {
		items[i] = v.item(i, node)
	}
	return items
}

// word is a text of a list, and where it stands.
type word struct {
	value
	text string
}

// words are the texts of a list.
func (t *tree) words(v value, example string) []word {
	var all []word
	for _, item := range t.list(v, example) {
		if text, ok := t.text(item); ok {
			all = append(all, word{item, text})
		}
	}
	return all
}

// wordsOrOne are words, of which one need not be in a list.
func (t *tree) wordsOrOne(v value, example string) []word {
	if v.node == nil || v.node.Kind != yaml.ScalarNode {
		return t.words(v, example)
	}
	text, ok := t.text(v)
	if !ok {
		return nil
	}
	return []word{{v, text}}
}

func texts(words []word) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w.text
	}
	return all
}
