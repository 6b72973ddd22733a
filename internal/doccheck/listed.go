package doccheck

import (
	"regexp"
	"slices"
)

// Listed complains of each name that a section of a page should have and has not, and of each that it has
// and should not. A name is a code span that matches whole; other pages' names may stand there as well.
func (r *Repository) Listed(page, section string, isName *regexp.Regexp, wanted, others []string) (c Complaints) {
	p := r.Pages[page]
	at := -1
	if p != nil {
		at = slices.IndexFunc(p.Headings, func(h Heading) bool { return h.Text == section })
	}
	if at < 0 {
		c.add(page, 1, "there is no section %s", section)
		return c
	}
	listed := map[string]bool{}
	for _, span := range p.Spans {
		if span.Section != section || isName.FindString(span.Text) != span.Text {
			continue
		}
		listed[span.Text] = true
		if !slices.Contains(wanted, span.Text) && !slices.Contains(others, span.Text) {
			c.add(page, span.Line, "%s has no %s", section, span.Text)
		}
	}
	for _, name := range wanted {
		if !listed[name] {
			c.add(page, p.Headings[at].Line, "%s: %s is missing", section, name)
		}
	}
	return c
}
