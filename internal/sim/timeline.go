package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// entry is one line of a timeline.
type entry struct {
	at   time.Duration
	who  string
	what string
}

func (e entry) String() string {
	return fmt.Sprintf("%16.9f  %-9s %s", e.at.Seconds(), e.who, e.what)
}

// timeline is what happened, for people and for comparing two runs. Nothing that
// is random goes into it: tokens are numbered.
type timeline struct {
	start time.Time

	mu      sync.Mutex // guards entries
	entries []entry
}

func newTimeline() *timeline { return &timeline{start: time.Now()} }

func (l *timeline) add(who, format string, args ...any) { l.addAt(time.Now(), who, format, args...) }

// addAt is for what is found out later.
func (l *timeline) addAt(at time.Time, who, format string, args ...any) {
	e := entry{at: l.since(at), who: who, what: fmt.Sprintf(format, args...)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entries = append(l.entries, e); len(l.entries) >= mostEntries {
		last := l.entries[mostEntries-30:]
		panic(fmt.Sprintf("%s: %d steps, the last of them\n%s", Spins, mostEntries, strings.Trim(fmt.Sprintln(last), "[]\n")))
	}
}

// Spins is what a run that never ends panics with.
const Spins = "sim: something spins"

// mostEntries is ten times what the longest runs have.
const mostEntries = 500_000

// since is the time from the start of the run.
func (l *timeline) since(at time.Time) time.Duration { return at.Sub(l.start) }

// lines returns all, by time. What one instant brings is sorted: several goroutines
// may have written of it.
func (l *timeline) lines() []string {
	l.mu.Lock()
	entries := slices.Clone(l.entries)
	l.mu.Unlock()
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.who, b.who), strings.Compare(a.what, b.what))
	})
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = e.String()
	}
	return lines
}

// around returns the lines near the first violation, and the faults before.
func (l *timeline) around(before, after int) []string {
	lines := l.lines()
	first := slices.IndexFunc(lines, func(s string) bool { return strings.Contains(s, violated) })
	if first < 0 {
		return lines
	}
	var out []string
	for i, line := range lines {
		near := i >= first-before && i <= first+after
		if near || strings.Contains(line, "  fault ") || strings.Contains(line, violated) {
			out = append(out, line)
		}
	}
	return out
}

const violated = "VIOLATED"
