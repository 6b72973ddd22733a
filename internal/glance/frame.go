package glance

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/internal/terminal"
)

// Size is that of a terminal. The zero one has no bounds: each line is as long as it has to be, as for a pipe.
type Size struct{ Width, Height int }

// Lines draw the board in ASCII, but for names and messages, within the size: credentials that are worst come
// first, and what does not fit is summed up in the last line. With colour there are escape sequences for that, and
// no others.
func (b Board) Lines(size Size, colour bool) []string {
	b = b.printable()
	p := painter{size: size, colour: colour, several: len(b.Credentials) > 1}
	if len(b.Credentials) == 0 {
		return p.cut(p.head(b))
	}
	t := p.table(b)
	for _, d := range []detail{everything, troubles} {
		head := append(p.head(b), "")
		if rows, ok := t.rows(d, p.room(head)); ok {
			lines := slices.Concat(head, rows)
			return p.cut(append(lines, p.events(b, len(lines))...))
		}
	}
	head := append(p.shortHead(b), "")
	return p.cut(slices.Concat(head, t.best(p.room(head))))
}

// painter knows what it paints on.
type painter struct {
	size    Size
	colour  bool
	several bool // credentials
}

func (p painter) bounded() bool { return p.size.Width > 0 }

// room is how many lines there are below those; without bounds more than anybody needs.
func (p painter) room(above []string) int {
	if p.size.Height == 0 {
		return math.MaxInt
	}
	return max(0, p.size.Height-len(above))
}

// in is a text in the colour of its tone.
func (p painter) in(t tone, s string) string {
	if !p.colour || t == plain || s == "" {
		return s
	}
	return colours[t].EscapeSeq() + s + text.Reset.EscapeSeq()
}

// wrapped are the lines of a text in a tone.
func (p painter) wrapped(t tone, indent, s string) (lines []string) {
	all := []string{s}
	if p.bounded() {
		all = strings.Split(text.WrapSoft(s, max(10, p.size.Width-len(indent))), "\n")
	}
	for _, line := range all {
		lines = append(lines, indent+p.in(t, strings.TrimRight(line, " ")))
	}
	return lines
}

// head is everything above the credentials.
func (p painter) head(b Board) []string {
	lines := p.wrapped(standing.Off, "", b.title())
	if b.Stale != "" {
		lines = append(lines, p.wrapped(standing.Bad, "", b.Stale)...)
	}
	if b.Stale != "" && len(b.Credentials) == 0 {
		return lines
	}
	for _, s := range b.headline() {
		lines = append(lines, p.wrapped(s.Tone, "", s.Text)...)
	}
	if next := b.next(); next != "" {
		lines = append(lines, p.wrapped(plain, "", next)...)
	}
	return append(lines, p.surroundings(b)...)
}

// shortHead has a line for each thing that a person has to know, where there is little room: the table says the rest.
func (p painter) shortHead(b Board) []string {
	first := b.headline()[0]
	lines := []string{p.in(standing.Off, p.short(b.title()))}
	for _, s := range []standing.Sentence{{Tone: standing.Bad, Text: b.Stale}, first} {
		if s.Text != "" {
			lines = append(lines, p.in(s.Tone, p.short(s.Text)))
		}
	}
	if b.Redis.Degraded {
		lines = append(lines, p.in(standing.Warn, p.short(troubleOf(b))))
	}
	if b.Config.Error != "" {
		lines = append(lines, p.in(standing.Warn, p.short("The configuration in the file is refused: "+b.Config.Error)))
	}
	if b.quiet() {
		lines = append(lines, p.short(b.next()))
	}
	return lines
}

// title is what this is a picture of.
func (b Board) title() string {
	where := b.Where
	if version, _, _ := strings.Cut(b.Version, " "); version != "" {
		where += ", " + version
	}
	return b.Now.UTC().Format(time.RFC3339) + " " + where
}

// quiet reports whether nothing but the credentials is worth a line, and something comes next.
func (b Board) quiet() bool {
	return b.Stale == "" && !b.Redis.Degraded && b.Config.Error == "" && b.next() != ""
}

// surroundings are Redis, the configuration and the doors.
func (p painter) surroundings(b Board) (lines []string) {
	var calm []string
	switch since := b.Redis.Since; {
	case b.Redis.Degraded:
		lines = append(lines, p.wrapped(standing.Warn, "", troubleOf(b))...)
	case !since.IsZero():
		calm = append(calm, "Redis up for "+standing.Span(b.Now.Sub(since)))
	}
	switch loaded := b.Config.LoadedAt; {
	case b.Config.Error != "":
		lines = append(lines, p.wrapped(standing.Warn, "", "The configuration in the file is refused, and the one before is in use: "+b.Config.Error)...)
	case !loaded.IsZero():
		calm = append(calm, "configuration loaded "+standing.Span(b.Now.Sub(loaded))+" ago")
	}
	for _, d := range b.Doors {
		calm = append(calm, fmt.Sprintf("requests at %s: %d, %d refused", d.Name, d.Requests, d.Refused))
	}
	if len(calm) > 0 {
		said := strings.Join(calm, ", ") + "."
		lines = append(lines, p.wrapped(standing.Off, "", strings.ToUpper(said[:1])+said[1:])...)
	}
	return lines
}

func troubleOf(b Board) string {
	said := "Redis is in trouble"
	if !b.Redis.Since.IsZero() {
		said = "Redis has been in trouble for " + standing.Span(b.Now.Sub(b.Redis.Since))
	}
	for _, part := range []string{b.Redis.Trouble, b.Redis.Advice} {
		if part != "" {
			said += ": " + part
		}
	}
	return said + "."
}

// events are the last that happened, where there is room for three at least.
func (p painter) events(b Board, above int) []string {
	const least, most, title = 3, 8, 2
	room := p.size.Height - above - title
	if !p.bounded() || len(b.Events) == 0 || room < min(least, len(b.Events)) {
		return nil
	}
	lines := []string{"", p.in(standing.Off, "LATELY")}
	for _, e := range b.Events[:min(len(b.Events), room, most)] {
		about := e.Kind
		if e.Credential != "" {
			about = e.Credential + " " + about
		}
		lines = append(lines, p.trimmed(e.At.UTC().Format(time.TimeOnly)+"  "+about+": "+e.Text))
	}
	return lines
}

// cut has nothing go beyond the screen.
func (p painter) cut(lines []string) []string {
	for i, line := range lines {
		lines[i] = p.trimmed(line)
	}
	if p.size.Height > 0 && len(lines) > p.size.Height {
		return lines[:p.size.Height]
	}
	return lines
}

// short is a text on one line: what is too long shows that it goes on.
func (p painter) short(s string) string {
	const more = ".."
	if !p.bounded() || text.StringWidth(s) <= p.size.Width {
		return s
	}
	return text.Trim(s, max(1, p.size.Width-len(more))) + more
}

func (p painter) trimmed(line string) string {
	if !p.bounded() {
		return line
	}
	return text.Trim(line, p.size.Width)
}

// printable has no text of the board move a cursor or begin a line.
func (b Board) printable() Board {
	b.Where, b.Version, b.Stale = terminal.Datum(b.Where), terminal.Datum(b.Version), terminal.Datum(b.Stale)
	b.Redis.Trouble, b.Redis.Advice = terminal.Datum(b.Redis.Trouble), terminal.Datum(b.Redis.Advice)
	b.Config.Error = terminal.Datum(strings.ReplaceAll(b.Config.Error, "\n", "; ")) // a complaint a line
	b.Credentials, b.Doors, b.Events = slices.Clone(b.Credentials), slices.Clone(b.Doors), slices.Clone(b.Events)
	for i := range b.Doors {
		b.Doors[i].Name = terminal.Datum(b.Doors[i].Name)
	}
	for i := range b.Events {
		e := &b.Events[i]
		e.Kind, e.Credential, e.Text = terminal.Datum(e.Kind), terminal.Datum(e.Credential), terminal.Datum(e.Text)
	}
	for i := range b.Credentials {
		c := &b.Credentials[i]
		c.Name, c.FetchedBy, c.Problem = terminal.Datum(c.Name), terminal.Datum(c.FetchedBy), c.Problem.printable()
		if c.Newer != nil {
			c.Newer = &Newer{c.Newer.Problem.printable()}
		}
	}
	return b
}

func (p *Problem) printable() *Problem {
	if p == nil {
		return nil
	}
	clean := *p
	clean.Text, clean.Advice, clean.By = terminal.Datum(p.Text), terminal.Datum(p.Advice), terminal.Datum(p.By)
	return &clean
}
