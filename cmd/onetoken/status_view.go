package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	statusBarWidth = 40
	longestDatum   = 300 // of what stands in Redis: others can write there
)

// statusView lays out for people what is known of credentials.
type statusView struct {
	prefix string
	ours   string // the key of the environment's credential, or nothing
	drawn  bool   // on a terminal: with bars and colours
	width  int    // of the terminal
}

// on is the view for a terminal of a width.
func (v statusView) on(width int) statusView {
	v.width = width
	return v
}

// heading of one look among many.
func (v statusView) heading() string {
	return time.Now().UTC().Format(time.RFC3339) + "  credentials under the prefix " + datum(v.prefix)
}

func (v statusView) text(all []tokencache.Status) string {
	return strings.Join(v.lines(all), "\n") + "\n"
}

// picture is for a screen that is painted again and again.
func (v statusView) picture(all []tokencache.Status) []string {
	return slices.Concat(v.wrapped(v.heading(), v.width-1), []string{""}, v.lines(all))
}

// trouble is a picture of nothing.
func (v statusView) trouble(why string) []string {
	return slices.Concat(v.wrapped(v.heading(), v.width-1), []string{""}, v.wrapped(why, v.width-1))
}

func (v statusView) lines(all []tokencache.Status) []string {
	if len(all) == 0 {
		return []string{"no credential under the prefix " + datum(v.prefix)}
	}
	var lines []string
	for i, st := range all {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, v.block(st)...)
	}
	return lines
}

// block is one credential: its key and state, and a row for all that there is.
func (v statusView) block(st tokencache.Status) []string {
	lines := []string{v.title(st)}
	row := func(name, format string, args ...any) {
		for _, part := range v.wrapped(fmt.Sprintf(format, args...), v.width-1-rowIndent) {
			lines = append(lines, fmt.Sprintf("  %-8s %s", name, part))
			name = ""
		}
	}
	if st.Life > 0 {
		left := fmt.Sprintf("%s of %s", roundly(st.Remaining), roundly(st.Life))
		lines = append(lines, fmt.Sprintf("  %-8s %s%s", "left", v.bar(st, len(left)), left))
	}
	if !st.FetchedAt.IsZero() || st.FetchedBy != "" {
		row("fetched", "%s by %s", atMoment(st.FetchedAt), datum(st.FetchedBy))
	}
	if st.Garbled != "" {
		row("record", "cannot be used: %s", datum(st.Garbled))
	}
	switch {
	case st.Locked > 0:
		row("lock", "somebody asks the issuer; ends in %s unless extended", roundly(st.Locked))
	case st.Locked < 0:
		row("lock", "has no end; whoever asks next mends that")
	}
	if f := st.Failure; f != nil {
		row("failure", "%s", datum(f.Message))
		row("", "%s", factsOf(st))
		row("", "%s", againIn(st.RetryIn))
	}
	return lines
}

// rowIndent is what stands before the words of a row.
const rowIndent = 11

// title is the key and the state. Where there is too little room the mark is a shorter one,
// and the key gives way in its middle: both ends of it tell credentials apart.
func (v statusView) title(st tokencache.Status) string {
	key, state, mark := datum(st.ID), "  "+string(st.State), ""
	if st.ID == v.ours {
		mark = "  (of this environment)"
	}
	if v.drawn {
		if mark != "" && text.StringWidth(key+state+mark) > v.width-1 {
			mark = "  (ours)"
		}
		key = elided(key, v.width-1-len(state+mark))
	}
	return key + "  " + v.coloured(st.State) + mark
}

// elided is s in so many columns, without its middle if need be.
func elided(s string, width int) string {
	runes := []rune(s)
	if len(runes) <= width {
		return s
	}
	const gap = "..."
	rest := max(2, width-len(gap))
	return string(runes[:rest-rest/2]) + gap + string(runes[len(runes)-rest/2:])
}

// factsOf a failure are what its message does not say.
func factsOf(st tokencache.Status) string {
	facts := []string{st.Failure.Class.String()}
	if st.Failure.Code != 0 {
		facts = append(facts, fmt.Sprintf("code %d", st.Failure.Code))
	}
	if st.Failure.LogID != "" {
		facts = append(facts, "log id "+datum(st.Failure.LogID))
	}
	attempts := fmt.Sprintf("attempts in a row: %d", st.Attempts)
	if st.FailedBy != "" {
		attempts += ", the last by " + datum(st.FailedBy)
	}
	return strings.Join(append(facts, attempts), ", ")
}

func againIn(wait time.Duration) string {
	if wait <= 0 {
		return "the issuer may be asked again"
	}
	return "the issuer is asked again in " + roundly(wait)
}

// wrapped is for screens, where lines would be cut. In a pipe a line is a line.
func (v statusView) wrapped(s string, width int) []string {
	if !v.drawn {
		return []string{s}
	}
	width = max(width, 10) // a terminal may shrink to nothing
	lines := strings.Split(text.WrapSoft(s, width), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}

// bar is full when the token is new and runs out to the left. It leaves room for the figures
// after it: what is too short to tell anything is left out.
func (v statusView) bar(st tokencache.Status, figures int) string {
	const least = 5
	width := min(statusBarWidth, v.width-1-rowIndent-len("[] ")-figures)
	if !v.drawn || width < least {
		return ""
	}
	return bar(share(st.Remaining, st.Life, width), width, colourOf[st.State]) + " "
}

var colourOf = map[tokencache.State]text.Color{
	tokencache.StateFresh: text.FgGreen, tokencache.StateDue: text.FgYellow, tokencache.StateUrgent: text.FgRed, tokencache.StateAbsent: text.FgRed,
}

func (v statusView) coloured(state tokencache.State) string {
	if !v.drawn {
		return string(state)
	}
	return colourOf[state].Sprint(state)
}

func atMoment(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return t.UTC().Format(time.RFC3339)
}

// datum is what stands in Redis, or came from an issuer, as a part of a line.
func datum(s string) string {
	s = printable(s)
	if runes := []rune(s); len(runes) > longestDatum {
		return string(runes[:longestDatum]) + "..."
	}
	return s
}

// roundly is a duration as exact as people want it.
func roundly(d time.Duration) string {
	if d < 10*time.Second {
		return max(0, d.Round(100*time.Millisecond)).String()
	}
	return d.Round(time.Second).String()
}
