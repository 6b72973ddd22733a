package doccheck

import (
	"strings"
	"unicode"
)

// Twice complains of a paragraph, or of a row of a table, that shares so many characters in a row, or
// more, with one of another document: each fact has one home. Case and punctuation do not count. A page's
// counterpart in the other language has the same names.
func (r *Repository) Twice(least int) (c Complaints) {
	type home struct {
		page string
		line int
	}
	homes := map[string]home{}
	for _, name := range r.Names() {
		for _, fact := range r.Pages[name].Facts {
			for _, run := range runs(fact.Text, least) {
				first, ok := homes[run]
				if ok && first.page != name && r.original(first.page) != r.original(name) {
					c.add(name, fact.Line, "stands in %s:%d as well: %s", first.page, first.line, run)
					break
				}
				homes[run] = home{name, fact.Line}
			}
		}
	}
	return c
}

// runs are the shortest ones of whole words that have so many characters: one from each word on.
func runs(text string, least int) (runs []string) {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.In(r, unicode.Letter, unicode.Number) })
	for from := range words {
		length := -1
		for to := from; to < len(words); to++ {
			length += 1 + len([]rune(words[to]))
			if length >= least {
				runs = append(runs, strings.Join(words[from:to+1], " "))
				break
			}
		}
	}
	return runs
}
