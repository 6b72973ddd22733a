package glance

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/onetoken-go/onetoken/internal/standing"
)

// row is one credential in a table, on one line.
func (p painter) row(c Credential, w columns) string {
	s := standingOf(c)
	parts := []string{p.in(s.Tone(), cell(s.Label(), w.state)), p.in(toneOfName(s), cell(p.nameOf(c), w.name))}
	if w.bar > 0 {
		parts = append(parts, p.bar(c, w.bar))
	}
	parts = append(parts, cell(leftOf(c), w.left))
	if w.next > 0 {
		parts = append(parts, cell(nextOf(c), w.next))
	}
	return strings.TrimRight(strings.Join(parts, strings.Repeat(" ", w.gap)), " ")
}

// titles of a table.
func (p painter) titles(w columns) string {
	parts := []string{cell("STATE", w.state), cell("CREDENTIAL", w.name)}
	if w.bar > 0 {
		title := "LIFE"
		if w.bar >= len(legend) {
			title = legend
		}
		parts = append(parts, cell(title, w.bar))
	}
	parts = append(parts, cell("LEFT", w.left))
	if w.next > 0 {
		parts = append(parts, cell("NEXT", w.next))
	}
	return p.in(standing.Off, strings.TrimRight(strings.Join(parts, strings.Repeat(" ", w.gap)), " "))
}

const legend = "LIFE (= window, | next)"

func toneOfName(s standing.Standing) tone {
	if s == standing.Disabled {
		return standing.Off
	}
	return plain
}

// nameOf has a mark for the one of the environment, where there are others.
func (p painter) nameOf(c Credential) string {
	if c.Ours && p.several {
		return c.Name + " (ours)"
	}
	return c.Name
}

func leftOf(c Credential) string {
	if c.Left <= 0 {
		return "-"
	}
	return standing.Span(c.Left)
}

// nextOf is when something happens by itself; "" if it is not known.
func nextOf(c Credential) string {
	switch {
	case c.Disabled:
		return ""
	case c.Problem != nil && c.Problem.Retry > 0:
		return "in " + standing.Span(c.Problem.Retry)
	case c.Refresh > 0:
		return "in " + standing.Span(c.Refresh)
	case c.Due:
		return "now"
	}
	return ""
}

// bar is full when the token is new and runs out to the left: past the mark at which the next token is looked for,
// then through the issuer's window to nothing.
func (p painter) bar(c Credential, width int) string {
	inner := width - len("[]")
	if c.Life <= 0 {
		return "[" + strings.Repeat(" ", inner) + "]"
	}
	filled, window, mark := share(c.Left, c.Life, inner), share(c.Window, c.Life, inner), -1
	if c.Refresh > 0 && c.Refresh < c.Left {
		mark = share(c.Left-c.Refresh, c.Life, inner)
	}
	var b strings.Builder
	for i := range filled {
		switch {
		case i == mark:
			b.WriteByte('|')
		case i < window:
			b.WriteByte('=')
		default:
			b.WriteByte('#')
		}
	}
	return "[" + p.in(standingOf(c).Tone(), b.String()) + strings.Repeat(" ", inner-filled) + "]"
}

// share is how much of a width a part takes: all of it at most, and of what there is a column at least.
func share(part, whole time.Duration, width int) int {
	if part <= 0 {
		return 0
	}
	return max(1, min(width, int(float64(width)*float64(part)/float64(whole))))
}

// told is one credential on a line of its own, for whoever reads a pipe.
func (p painter) told(c Credential, name int) string {
	var times []string
	switch {
	case c.Left > 0 && c.Life > 0:
		times = append(times, standing.Span(c.Left)+" of "+standing.Span(c.Life)+" left")
	case c.Left > 0:
		times = append(times, standing.Span(c.Left)+" left")
	}
	if c.Refresh > 0 && c.Problem == nil {
		times = append(times, "refreshes in "+standing.Span(c.Refresh))
	}
	line := cell(standingOf(c).Label(), stateWidth) + "  " + cell(p.nameOf(c), name) + "  " + strings.Join(times, ", ")
	return strings.TrimRight(line, " ")
}

// details of a credential that is in trouble. With all, what is good to know of any.
func details(c Credential, all bool) (lines []string) {
	lines = problemLines("", c.Problem)
	if c.Newer != nil {
		if c.Newer.Problem == nil {
			lines = append(lines, "as it is in the file now it waits for its first token")
		}
		lines = append(lines, problemLines("as it is in the file now: ", c.Newer.Problem)...)
	}
	if _, todo := standingOf(c).Unexplained(); todo != "" && c.Problem == nil {
		lines = append(lines, "> "+todo)
	}
	if all && c.FetchedBy != "" && !c.FetchedAt.IsZero() {
		lines = append(lines, "fetched "+c.FetchedAt.UTC().Format(time.DateTime)+"Z by "+c.FetchedBy)
	}
	return lines
}

func problemLines(begin string, p *Problem) (lines []string) {
	if p == nil || p.Redis { // that is told once, on top
		return nil
	}
	lines = append(lines, begin+p.Text)
	if p.Advice != "" {
		lines = append(lines, "> "+p.Advice)
	}
	var again []string
	if p.Retry > 0 {
		again = append(again, "tried again in "+standing.Span(p.Retry))
	}
	if p.Attempts > 0 {
		again = append(again, fmt.Sprintf("attempts in a row: %d", p.Attempts))
	}
	if p.By != "" {
		again = append(again, "the last by "+p.By)
	}
	if len(again) > 0 {
		lines = append(lines, strings.Join(again, ", "))
	}
	return lines
}

// cell is a text in so many columns: what is too long loses its middle.
func cell(s string, width int) string {
	s = elided(s, width)
	return s + strings.Repeat(" ", max(0, width-text.StringWidth(s)))
}

func elided(s string, width int) string {
	const gap = ".."
	if text.StringWidth(s) <= width {
		return s
	}
	if width <= len(gap)+2 {
		return text.Trim(s, width)
	}
	runes := []rune(s)
	rest := width - len(gap)
	for len(runes) > 2 && text.StringWidth(string(ends(runes, rest))) > width { // wide characters take two columns
		rest--
	}
	return string(ends(runes, rest))
}

// ends are so many characters from both ends, with the gap between.
func ends(runes []rune, n int) []rune {
	n = min(n, len(runes))
	head, tail := n-n/2, n/2
	return append(append(append([]rune{}, runes[:head]...), '.', '.'), runes[len(runes)-tail:]...)
}
