package cast

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Picture is the input of Draw. All fields have to be set.
type Picture struct {
	Title   string        // read out in place of the picture
	Command string        // shown above the frames, behind a $
	Frames  []Frame       // the last one is shown without motion
	Rest    time.Duration // how long the last frame stays before the first comes again
}

// Sizes in pixels, of letters whatever the font's are.
const (
	width     = 800
	left, top = 26, 64 // of the first row
	advance   = 9.6    // of a letter
	height    = 21     // of a row
	baseline  = 16     // in a row
	below     = 22
)

// sheet has the colours, for light and dark, by the styles' classes.
const sheet = `
svg{--ground:#f6f8fa;--edge:#d0d7de;--plain:#1f2328;--faint:#59636e;--green:#1a7f37;--yellow:#9a6700;--red:#cf222e}
@media (prefers-color-scheme:dark){svg{--ground:#161b22;--edge:#30363d;--plain:#e6edf3;--faint:#9198a1;--green:#3fb950;--yellow:#d29922;--red:#f85149}}
text{font:16px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;fill:var(--plain);white-space:pre}
.w{fill:var(--ground);stroke:var(--edge)}.o{fill:var(--edge)}
.b{font-weight:600}.f{fill:var(--faint)}.g{fill:var(--green)}.y{fill:var(--yellow)}.r{fill:var(--red)}
`

// Draw writes an SVG of text alone: no script, and no reference to anything else. Each row of the terminal is a strip
// with all texts that the row ever shows, in a window one row high. CSS moves the strips. Readers who prefer reduced
// motion see the last frame.
func Draw(p Picture) []byte {
	end := p.Frames[len(p.Frames)-1].At + p.Rest
	var rules, body bytes.Buffer
	count := 0
	for _, f := range p.Frames {
		count = max(count, len(f.Rows))
	}
	for i := range count {
		s := stripOf(p.Frames, i)
		s.draw(&body, i)
		if len(s.shows) > 1 {
			s.animate(&rules, i, end)
		}
	}
	var out bytes.Buffer
	tall := top + count*height + below
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d" xml:space="preserve">`+"\n", width, tall, width, tall)
	fmt.Fprintf(&out, "<title id=\"t\">%s</title>\n<desc id=\"d\">%s</desc>\n", escaped(p.Title), escaped(p.describe()))
	fmt.Fprintf(&out, "<style>%s@media (prefers-reduced-motion:no-preference){.m{animation:%ss step-end infinite}}\n%s</style>\n", sheet, number(end.Seconds()), rules.Bytes())
	fmt.Fprintf(&out, `<rect class="w" x=".5" y=".5" width="%d" height="%d" rx="10"/>`+"\n", width-1, tall-1)
	for i := range 3 {
		fmt.Fprintf(&out, `<circle class="o" cx="%d" cy="22" r="6"/>`+"\n", left+6+20*i)
	}
	fmt.Fprintf(&out, `<g transform="translate(%d %d)">`+"\n", left, top-height)
	out.WriteString(textOf(Row{{Faint, "$ "}, {Bold, p.Command}}, baseline) + "\n</g>\n")
	fmt.Fprintf(&out, `<g transform="translate(%d %d)">`+"\n%s</g>\n</svg>\n", left, top, body.Bytes())
	return out.Bytes()
}

// describe tells readers who cannot see the picture the command and the last frame.
func (p Picture) describe() string {
	said := []string{"A terminal runs " + p.Command + ". In the end it shows:"}
	for _, row := range p.Frames[len(p.Frames)-1].Rows {
		if words := strings.Fields(row.String()); len(words) > 0 {
			said = append(said, strings.Join(words, " "))
		}
	}
	return strings.Join(said, "\n")
}

// strip has the texts of one row, each once, and the turns among them.
type strip struct {
	shows []Row
	turns []turn
}

// turn is the moment from which a row shows a text.
type turn struct {
	at   time.Duration
	show int
}

func stripOf(frames []Frame, row int) (s strip) {
	for _, f := range frames {
		var r Row
		if row < len(f.Rows) {
			r = f.Rows[row]
		}
		show := slices.IndexFunc(s.shows, func(other Row) bool { return slices.Equal(r, other) })
		if show < 0 {
			show = len(s.shows)
			s.shows = append(s.shows, r)
		}
		if last := len(s.turns) - 1; last < 0 || s.turns[last].show != show {
			s.turns = append(s.turns, turn{f.At, show})
		}
	}
	s.turns[0].at = 0 // the picture begins with its first frame
	return s
}

func (s strip) draw(out *bytes.Buffer, row int) {
	if len(s.shows) == 1 {
		if text := textOf(s.shows[0], row*height+baseline); text != "" {
			out.WriteString(text + "\n")
		}
		return
	}
	fmt.Fprintf(out, `<svg y="%d" width="%d" height="%d"><g class="m" id="r%d">`, row*height, width-2*left, height, row)
	for i, show := range s.shows {
		out.WriteString(textOf(show, i*height+baseline))
	}
	out.WriteString("</g></svg>\n")
}

// textOf fixes the width of a row's text, as fonts differ. An empty row has no text.
func textOf(row Row, y int) string {
	all := row.String()
	text := strings.TrimLeft(all, " ")
	if text == "" {
		return ""
	}
	blanks := len(all) - len(text)
	var b strings.Builder
	fmt.Fprintf(&b, `<text x="%s" y="%d" textLength="%s">`, number(float64(blanks)*advance), y, number(float64(len(text))*advance))
	for i, span := range row {
		text := escaped(span.Text)
		if i == 0 {
			text = text[blanks:]
		}
		if span.Style == 0 {
			b.WriteString(text)
			continue
		}
		fmt.Fprintf(&b, `<tspan class="%c">%s</tspan>`, span.Style, text)
	}
	return b.String() + "</text>"
}

// animate writes the rule that moves a strip; without motion the strip stays at its last turn.
func (s strip) animate(rules *bytes.Buffer, row int, end time.Duration) {
	fmt.Fprintf(rules, "#r%d{transform:translateY(%dpx);animation-name:m%d}\n@keyframes m%d{", row, -height*s.turns[len(s.turns)-1].show, row, row)
	for _, t := range s.turns {
		fmt.Fprintf(rules, "%s%%{transform:translateY(%dpx)}", number(100*t.at.Seconds()/end.Seconds()), -height*t.show)
	}
	rules.WriteString("}\n")
}

// number is rounded to a hundredth.
func number(f float64) string {
	return strconv.FormatFloat(math.Round(100*f)/100, 'f', -1, 64)
}

func escaped(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a Buffer takes all
	return b.String()
}
