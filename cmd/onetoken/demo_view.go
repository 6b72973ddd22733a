package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// printer is for logs and pipes: a line for each snapshot, and one for the kill.
type printer struct {
	out  io.Writer
	rate rateMeter
	told string // of the kill
}

func (p *printer) show(s snapshot) error {
	if story := s.killStory(); s.kills() > 0 && story != p.told {
		p.told = story
		_, _ = fmt.Fprintf(p.out, "      killed: %s\n", story)
	}
	_, err := fmt.Fprintf(p.out, "%4.0fs left %4.1fs  calls %d  minted %d  reads/s %-5d waited %d+%d  failed %d\n",
		s.elapsed.Seconds(), s.left().Seconds(), s.issuer.Calls, s.issuer.Rotations,
		p.rate.per(s), s.firstWaits, s.lateWaits, s.failed)
	return err
}

// killStory says who was killed and who took over.
func (s snapshot) killStory() string {
	switch {
	case s.killed.replica == 0:
		return "comes at the first refresh"
	case s.takeover.replica == 0:
		return fmt.Sprintf("replica %d, in the middle of its call", s.killed.replica)
	}
	return fmt.Sprintf("replica %d; %d took over %.1f s later",
		s.killed.replica, s.takeover.replica, s.takeover.at.Sub(s.killed.at).Seconds())
}

// summary is what remains on the screen.
func (s snapshot) summary() string {
	var b strings.Builder
	row := func(name string, n int64, note string) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-17s %8d  %s", name, n, note), " ") + "\n")
	}
	fmt.Fprintf(&b, "\n%d replicas, %.0f s, by the issuer's counters:\n", s.o.replicas, s.elapsed.Seconds())
	row("rotations", int64(s.issuer.Rotations), "tokens minted")
	row("successful calls", int64(s.issuer.Calls), fmt.Sprintf("allowed: one per rotation, and %d for the kill", s.kills()))
	row("refused calls", int64(s.issuer.Refused), "")
	b.WriteString("by the fleet's:\n")
	row("Gets", s.gets, "every token checked with the issuer")
	row("  not valid", s.invalid, "")
	row("  failed", s.failed, "")
	row("  waited at first", s.firstWaits, "in a replica that had no token yet")
	row("  waited later", s.lateWaits, "")
	row("kills", int64(s.kills()), s.killStory())
	return b.String()
}

// screen repaints a picture in place. The layout is in ASCII: wider characters
// have no certain width in every console. Where the picture does not fit there
// are printed lines instead: cut, it would lose numbers.
type screen struct {
	out   io.Writer
	size  func() (width, height int, err error)
	lines int       // of the last picture
	rate  rateMeter // reads per second
}

const (
	minWidth  = 76
	minHeight = 22
	barWidth  = 50
	cellsRow  = 60
	cellRows  = 4
)

// newScreen returns nil if out is no terminal of at least that size that can be
// painted on.
func newScreen(out io.Writer, termName string, least, lines int) *screen {
	f, ok := out.(*os.File)
	if !ok || !isTerminal(out) || termName == "dumb" {
		return nil
	}
	s := &screen{out: out, size: func() (int, int, error) { return term.GetSize(int(f.Fd())) }}
	if width, height, err := s.size(); err != nil || width < least || height < lines {
		return nil
	}
	return s
}

// isTerminal says whether a person may be looking.
func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// widthOf is how many columns the terminal has, or the least of the demo if it does not say.
func widthOf(out io.Writer) int {
	if f, ok := out.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return minWidth
}

func (s *screen) show(now snapshot) error { return s.paint(s.picture(now)) }

// paint does it with one write, so that nothing flickers. Its error is of that.
func (s *screen) paint(picture []string) error {
	width, height, err := s.size()
	if err != nil {
		width, height = minWidth, minHeight
	}
	if len(picture) >= height { // the cursor cannot go up beyond the top
		more := len(picture) - (height - 2)
		picture = append(picture[:height-2:height-2], fmt.Sprintf("(%d more lines)", more))
	}
	var b strings.Builder
	if s.lines > 0 {
		b.WriteString(text.CursorUp.Sprintn(s.lines))
	}
	for len(picture) < s.lines { // wipe what was below
		picture = append(picture, "")
	}
	for _, line := range picture {
		b.WriteString("\r" + text.Trim(line, width-1) + text.EraseLine.Sprint() + "\n")
	}
	s.lines = len(picture)
	_, err = io.WriteString(s.out, b.String())
	return err
}

// clear makes room for the summary.
func (s *screen) clear() {
	if s.lines > 0 {
		up := text.CursorUp.Sprintn(s.lines)
		_, _ = io.WriteString(s.out, up+strings.Repeat(text.EraseLine.Sprint()+"\n", s.lines)+up)
	}
}

func (s *screen) picture(now snapshot) []string {
	row := func(name, figure, note string) string {
		return fmt.Sprintf("  %-17s %8s  %s", name, figure, text.Faint.Sprint(note))
	}
	lines := []string{
		"",
		fmt.Sprintf("%s  %d replicas, one token, one issuer%*s", text.Bold.Sprint("onetoken demo"), now.o.replicas, 24,
			fmt.Sprintf("%.0f s of %.0f s", now.elapsed.Seconds(), now.o.length.Seconds())),
		"",
		fmt.Sprintf("  %-11s %s %5.1f s", "token left", lifeBar(now), now.left().Seconds()),
		fmt.Sprintf("  %-11s %s", "", windowMark(now)),
		"",
	}
	lines = append(lines, fleetRows(now.cells)...)
	late := text.FgGreen
	if now.lateWaits+now.failed > 0 {
		late = text.FgRed
	}
	return append(lines,
		"",
		row("issuer calls", fmt.Sprint(now.issuer.Calls), fmt.Sprintf("rotations: %d", now.issuer.Rotations)),
		row("refreshed by no.", fmt.Sprint(now.last.replica), ago(now.last.at)),
		row("reads per second", fmt.Sprint(s.rate.per(now)), fmt.Sprintf("%d in all, checked with the issuer", now.gets)),
		row("waited at first", fmt.Sprint(now.firstWaits), "Gets of a replica that had no token yet"),
		row("waited later", late.Sprintf("%8d", now.lateWaits), "Gets of one that had"),
		row("failed", late.Sprintf("%8d", now.failed), "Gets"),
		row("kill", fmt.Sprint(now.kills()), now.killStory()),
	)
}

// lifeBar is full when the token is new and runs out to the left.
func lifeBar(s snapshot) string {
	left, window := share(s.left(), s.o.life, barWidth), share(s.o.window(), s.o.life, barWidth)
	colour := text.FgGreen
	if left <= window {
		colour = text.FgYellow
	}
	return bar(left, barWidth, colour)
}

func bar(filled, width int, colour text.Color) string {
	return "[" + colour.Sprint(strings.Repeat("#", filled)) + strings.Repeat(" ", width-filled) + "]"
}

// windowMark underlines the part of the bar in which the issuer mints anew.
func windowMark(s snapshot) string {
	return " " + text.Faint.Sprint(strings.Repeat("^", share(s.o.window(), s.o.life, barWidth))+" refresh window")
}

// share is how much of a width a part of the whole takes.
func share(part, whole time.Duration, width int) int {
	return min(width, int(float64(width)*float64(part)/float64(whole)))
}

// fleetRows shows a character for each replica, as far as there is room.
func fleetRows(cells string) []string {
	name, rest := "fleet", cells
	var rows []string
	for len(rows) < cellRows && rest != "" {
		n := min(cellsRow, len(rest))
		rows = append(rows, fmt.Sprintf("  %-11s %s", name, coloured(rest[:n])))
		name, rest = "", rest[n:]
	}
	legend := fmt.Sprintf("%c newest token  %c the one before  %c none yet", cellNewest, cellOlder, cellNone)
	if rest != "" {
		legend += fmt.Sprintf("  (%d more)", len(rest))
	}
	return append(rows, fmt.Sprintf("  %-11s %s", "", text.Faint.Sprint(legend)))
}

func coloured(cells string) string {
	var b strings.Builder
	for _, cell := range cells {
		switch cell {
		case cellNewest:
			b.WriteString(text.FgGreen.Sprint(string(cell)))
		case cellOlder:
			b.WriteString(text.FgYellow.Sprint(string(cell)))
		default:
			b.WriteRune(cell)
		}
	}
	return b.String()
}

func ago(t time.Time) string {
	if t.IsZero() {
		return "not yet"
	}
	return fmt.Sprintf("%.0f s ago", time.Since(t).Seconds())
}

// rateMeter measures over the last second or so.
type rateMeter struct {
	since time.Duration
	gets  int64
	rate  int64
}

func (m *rateMeter) per(now snapshot) int64 {
	if took := now.elapsed - m.since; took >= 900*time.Millisecond { // ticks are not exact
		m.rate = int64(float64(now.gets-m.gets) / took.Seconds())
		m.since, m.gets = now.elapsed, now.gets
	}
	return m.rate
}
