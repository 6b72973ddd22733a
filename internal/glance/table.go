package glance

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/onetoken-go/onetoken/internal/standing"
)

// table is the credentials, the worst first.
type table struct {
	painter
	columns
	all   []Credential
	title []string // none without bounds
}

func (p painter) table(b Board) table {
	t, longest := table{painter: p, all: worstFirst(b.Credentials)}, 0
	for _, c := range t.all {
		longest = max(longest, text.StringWidth(p.nameOf(c)))
	}
	if !p.bounded() {
		t.columns = columns{name: longest}
		return t
	}
	t.columns = columnsOn(p.size.Width, longest)
	t.title = []string{p.titles(t.columns)}
	return t
}

// detail is how much is told of a credential beside its row.
type detail int

const (
	everything detail = iota
	troubles
	firstLines // one of a trouble
)

// rows are all of them. It is false if they do not fit into the room.
func (t table) rows(d detail, room int) (lines []string, ok bool) {
	lines = t.title
	for _, c := range t.all {
		if lines = append(lines, t.block(c, d)...); len(lines) > room {
			return nil, false
		}
	}
	return lines, true
}

// best are as many as fit, and a line about the others.
func (t table) best(room int) []string {
	if lines, ok := t.rows(firstLines, room); ok {
		return lines
	}
	lines := t.title
	for i, c := range t.all {
		block := t.block(c, firstLines)
		if len(lines)+len(block) >= room { // the last line is for the others
			return append(lines, t.in(standing.Off, t.short(rest(t.all[i:]))))
		}
		lines = append(lines, block...)
	}
	return lines
}

// block is one credential.
func (t table) block(c Credential, d detail) []string {
	lines := []string{t.line(c)}
	for _, text := range details(c, d == everything) {
		if d == firstLines {
			return append(lines, t.short("  "+text))
		}
		lines = append(lines, t.wrapped(plain, "  ", text)...)
	}
	return lines
}

func (t table) line(c Credential) string {
	if t.bounded() {
		return t.row(c, t.columns)
	}
	return t.told(c, t.name)
}

// groups are those of the page's filter, in words of a sentence.
var groups = [...]string{standing.InTrouble: "in trouble", standing.OnTheWay: "on the way", standing.AllWell: "well", standing.SwitchedOff: "disabled"}

// rest sums up those that are not shown.
func rest(all []Credential) string {
	var count [len(groups)]int
	for _, c := range all {
		count[standingOf(c).Group()]++
	}
	var parts []string
	for g, n := range count {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, groups[g]))
		}
	}
	return fmt.Sprintf("and %d more: ", len(all)) + strings.Join(parts, ", ")
}
