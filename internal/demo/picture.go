package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/onetoken-go/onetoken/internal/terminal"
)

// picture is for a terminal that it fits. Elsewhere lines are printed instead: cut, it would
// lose numbers.
type picture struct {
	screen *terminal.Screen
	rate   rateMeter // reads per second
}

const (
	barWidth = 50
	cellsRow = 60
	cellRows = 4
)

// newPicture returns nil if there is no such terminal.
func newPicture(c Config) *picture {
	screen := terminal.NewScreen(c.Out, c.Term, terminal.Width, terminal.Height)
	if screen == nil {
		return nil
	}
	return &picture{screen: screen}
}

func (p *picture) show(now snapshot) error { return p.screen.Paint(p.lines(now)) }

// lines are the picture of a moment.
func (p *picture) lines(now snapshot) []string {
	row := func(name, figure, note string) string {
		return fmt.Sprintf("  %-17s %8s  %s", name, figure, text.Faint.Sprint(note))
	}
	lines := []string{
		"",
		fmt.Sprintf("%s  %d replicas, one token, one issuer%*s", text.Bold.Sprint("onetoken demo"), now.config.Replicas, 24,
			fmt.Sprintf("%.0f s of %.0f s", now.elapsed.Seconds(), now.config.Length.Seconds())),
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
		row("reads per second", fmt.Sprint(p.rate.per(now)), fmt.Sprintf("%d in all, checked with the issuer", now.gets)),
		row("waited at first", fmt.Sprint(now.firstWaits), "Gets of a replica that had no token yet"),
		row("waited later", late.Sprintf("%8d", now.lateWaits), "Gets of one that had"),
		row("failed", late.Sprintf("%8d", now.failed), "Gets"),
		row("kill", fmt.Sprint(now.kills()), now.killStory()),
	)
}

// lifeBar is full when the token is new and runs out to the left.
func lifeBar(s snapshot) string {
	left, window := terminal.Share(s.left(), s.config.Life, barWidth), terminal.Share(s.config.window(), s.config.Life, barWidth)
	colour := text.FgGreen
	if left <= window {
		colour = text.FgYellow
	}
	return terminal.Bar(left, barWidth, colour)
}

// windowMark underlines the part of the bar in which the issuer mints anew.
func windowMark(s snapshot) string {
	return " " + text.Faint.Sprint(strings.Repeat("^", terminal.Share(s.config.window(), s.config.Life, barWidth))+" refresh window")
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
