package redistest

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Match chooses commands; the name is in upper case. A nil Match chooses every
// command but those that set a connection up: HELLO, AUTH, SELECT and CLIENT.
type Match func(name string, args []string) bool

// Commands is a Match by name. Remember that go-redis runs a script by EVALSHA
// first, and by EVAL only when Redis has not seen it.
func Commands(names ...string) Match {
	return func(name string, _ []string) bool { return slices.Contains(names, name) }
}

func (m Match) matches(name string, args []string) bool {
	if m == nil {
		return !setsUp(name)
	}
	return m(name, args)
}

func setsUp(name string) bool {
	return slices.Contains([]string{"HELLO", "AUTH", "SELECT", "CLIENT"}, name)
}

func subscribes(name string) bool { return strings.HasSuffix(name, "SUBSCRIBE") }

// rule is what a Link does to the commands it matches.
type rule struct {
	match Match
	left  int // commands to come; negative: any number

	text  string        // answer this error
	lose  bool          // lose the reply and the connection
	cut   bool          // lose the second half of the reply, and the connection
	twice bool          // have the server see the command twice
	drop  bool          // lose the reply alone: the first of two
	late  time.Duration // hold the reply back
	gate  chan struct{} // wait until it is closed
}

// DropReplies lets the next n matching commands (all, if n is negative) reach the server, and
// loses their replies together with the connection, as a fault between them would. go-redis sends
// most of what is lost in this way a second time.
func (l *Link) DropReplies(n int, match Match) (undo func()) {
	return l.add(&rule{match: match, left: n, lose: true})
}

// CutReplies is DropReplies, but that the client gets the first half of each reply before the
// connection ends.
func (l *Link) CutReplies(n int, match Match) (undo func()) {
	return l.add(&rule{match: match, left: n, cut: true})
}

// DelayReplies holds the replies to the next n matching commands back by d, and what follows
// them on their connections.
func (l *Link) DelayReplies(n int, d time.Duration, match Match) (undo func()) {
	return l.add(&rule{match: match, left: n, late: d})
}

// Repeat has the server see the next n matching commands twice, one right after the other. The
// client gets the second reply, as it would if the first one was lost and the command sent again.
// It leaves connections that have subscribed alone.
func (l *Link) Repeat(n int, match Match) (undo func()) {
	return l.add(&rule{match: match, left: n, twice: true})
}

// Fail answers matching commands with an error, such as "OOM command not
// allowed when used memory > 'maxmemory'.", without the server seeing them. It
// is not for commands between MULTI and EXEC.
func (l *Link) Fail(text string, match Match) (undo func()) {
	return l.add(&rule{match: match, left: -1, text: text})
}

// Hold keeps the next matching command from the server until release is called,
// to let something else happen in between.
func (l *Link) Hold(match Match) (release func()) {
	r := &rule{match: match, left: 1, gate: make(chan struct{})}
	undo := l.add(r)
	return sync.OnceFunc(func() {
		undo()
		close(r.gate)
	})
}

func (l *Link) add(r *rule) (undo func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rules = append(l.rules, r)
	return func() { l.remove(r) }
}

func (l *Link) remove(r *rule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rules = slices.DeleteFunc(l.rules, func(other *rule) bool { return other == r })
}

// command counts a command and returns the first rule for it, or an empty one.
func (l *Link) command(v value) rule {
	name, args := v.command()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent += int64(len(v.raw))
	if !setsUp(name) {
		l.counts[name]++
	}
	for _, r := range l.rules {
		if r.left == 0 || !r.match.matches(name, args) {
			continue
		}
		if r.left > 0 { // a rule for ever is shared by links and never written
			r.left--
		}
		return *r
	}
	return rule{}
}

// Count returns how many of these commands the client has sent since the last
// ResetCounts, whatever became of them; of all commands if none is named. Those
// that set a connection up are not counted.
func (l *Link) Count(names ...string) int {
	total := 0
	for name, n := range l.Counts() {
		if len(names) == 0 || slices.Contains(names, name) {
			total += n
		}
	}
	return total
}
