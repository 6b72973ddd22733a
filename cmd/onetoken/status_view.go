package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/internal/terminal"
	"github.com/onetoken-go/onetoken/tokencache"
)

const statusBarWidth = 40

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

// urgencyOf is 0 without a token, 1 in trouble or near the end of one, and 2 otherwise.
func urgencyOf(st tokencache.Status) int {
	switch {
	case st.State == tokencache.StateAbsent:
		return 0
	case st.State == tokencache.StateUrgent, standing.Failure(st) != nil, st.Garbled != "", st.Locked < 0:
		return 1
	}
	return 2
}

// urgentFirst keeps the order of ids otherwise.
func urgentFirst(all []tokencache.Status) []tokencache.Status {
	return slices.SortedStableFunc(slices.Values(all), func(a, b tokencache.Status) int { return urgencyOf(a) - urgencyOf(b) })
}

func (v statusView) text(all []tokencache.Status) string {
	return strings.Join(v.lines(all), "\n") + "\n"
}

func (v statusView) lines(all []tokencache.Status) []string {
	if len(all) == 0 {
		return []string{"no credential under the prefix " + terminal.Datum(v.prefix)}
	}
	var lines []string
	for i, block := range v.blocks(all) {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, block...)
	}
	return lines
}

// blocks are those of all, the most urgent first.
func (v statusView) blocks(all []tokencache.Status) (blocks [][]string) {
	for _, st := range urgentFirst(all) {
		blocks = append(blocks, v.block(st, len(twinsOf(st, all)) > 0))
	}
	return blocks
}

// block is one credential: its id and state, and a row for all that there is. It has all that
// tells the credential from others of its app.
func (v statusView) block(st tokencache.Status, twin bool) []string {
	title, digits := v.title(st)
	lines := []string{title}
	row := func(name, format string, args ...any) {
		for _, part := range v.wrapped(fmt.Sprintf(format, args...), v.width-1-rowIndent) {
			lines = append(lines, fmt.Sprintf("  %-8s %s", name, part))
			name = ""
		}
	}
	if twin && digits < enoughDigits {
		row("digest", "%s", digestOf(st, enoughDigits))
	}
	if twin && st.IssuerURL != "" {
		row("issuer", "%s", terminal.Datum(st.IssuerURL))
	}
	if st.Life > 0 {
		left := fmt.Sprintf("%s of %s", roundly(st.Remaining), roundly(st.Life))
		lines = append(lines, fmt.Sprintf("  %-8s %s%s", "left", v.bar(st, len(left)), left))
	}
	if !st.FetchedAt.IsZero() || st.FetchedBy != "" {
		row("fetched", "%s by %s", atMoment(st.FetchedAt), terminal.Datum(st.FetchedBy))
	}
	if st.Garbled != "" {
		row("record", "cannot be used: %s", terminal.Datum(st.Garbled))
	}
	switch {
	case st.Locked > 0:
		row("lock", "somebody asks the issuer; ends in %s unless extended", roundly(st.Locked))
	case st.Locked < 0:
		row("lock", "has no end; whoever asks next mends that")
	}
	if f := st.Failure; f != nil {
		row("failure", "%s", terminal.Datum(f.Message))
		row("", "%s", factsOf(st))
		again := againIn(st.RetryIn)
		if f.Class == tokencache.ClassPermanent {
			again += "; " + advice.AskAtOnce
		}
		row("", "%s", again)
	}
	return lines
}

// rowIndent is what stands before the words of a row.
const rowIndent = 11

// enoughDigits of a digest tell credentials apart; with fewer than leastDigits it is left out.
const enoughDigits, leastDigits = 8, 4

// title is the id and the state, and how many digits it shows of the digest. Where there is too
// little room the mark is a shorter one, then the digest, then the kind of issuer is left out, and
// the app's id gives way last, in its middle.
func (v statusView) title(st tokencache.Status) (title string, digits int) {
	id, state, mark := terminal.Datum(st.ID), "  "+string(st.State), ""
	if st.ID == v.ours {
		mark = "  (of this environment)"
	}
	digits = len(st.ID) - strings.LastIndex(st.ID, ":") - 1
	if v.drawn {
		if mark != "" && text.StringWidth(id+state+mark) > v.width-1 {
			mark = "  (ours)"
		}
		id, digits = fitted(id, digits, v.width-1-len(state+mark))
	}
	return id + "  " + v.coloured(st.State) + mark, digits
}

// fitted is an id in so many columns, and what remains of its digest.
func fitted(id string, digits, width int) (string, int) {
	const gap = "..."
	runes := []rune(id)
	over := len(runes) - width
	if over <= 0 {
		return id, digits
	}
	parts := strings.Split(id, ":")
	if len(parts) != 3 {
		return elided(id, width), digits
	}
	if rest := digits - over - len(gap); rest >= leastDigits {
		return string(runes[:len(runes)-digits+rest]) + gap, rest
	}
	kindAndApp, app := parts[0]+":"+parts[1], parts[1]
	if len([]rune(kindAndApp)) <= width {
		return kindAndApp, 0
	}
	return elided(app, width), 0
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
		facts = append(facts, "log id "+terminal.Datum(st.Failure.LogID))
	}
	attempts := fmt.Sprintf("attempts in a row: %d", st.Attempts)
	if st.Attempts == 0 { // see fail.lua: what may be the replica's own trouble
		attempts = "may be the replica's own trouble, so not counted"
	}
	if st.FailedBy != "" {
		attempts += ", the last by " + terminal.Datum(st.FailedBy)
	}
	return strings.Join(append(facts, attempts), ", ")
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
	return terminal.Bar(terminal.Share(st.Remaining, st.Life, width), width, colourOf[st.State]) + " "
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
