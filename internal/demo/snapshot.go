package demo

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// snapshot is all there is to see at one moment.
type snapshot struct {
	config  Config
	elapsed time.Duration
	issuer  feishutest.Stats
	newest  tokencache.Token // the longest-lived that a replica holds
	cells   string           // a character for each replica; see cellsOf
	counts
}

// left is the newest token's remaining life.
func (s snapshot) left() time.Duration { return max(0, time.Until(s.newest.Expiry())) }

// Characters for a replica that holds the newest token, an older one, none yet.
const (
	cellNewest = 'o'
	cellOlder  = '-'
	cellNone   = '.'
)

func cellsOf(held []tokencache.Token, newest tokencache.Token) string {
	var b strings.Builder
	for _, tok := range held {
		switch {
		case tok.IsZero():
			b.WriteRune(cellNone)
		case tok.Equal(newest):
			b.WriteRune(cellNewest)
		default:
			b.WriteRune(cellOlder)
		}
	}
	return b.String()
}

// kills is 1 once somebody was killed: that call the issuer may have counted,
// though nobody saw its answer.
func (s snapshot) kills() int {
	if s.killed.replica == 0 {
		return 0
	}
	return 1
}

// verdict is nil if the fleet kept its promises.
func (s snapshot) verdict() error {
	var broken []string
	complain := func(is bool, format string, args ...any) {
		if is {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	complain(s.issuer.Calls > s.issuer.Rotations+s.kills(), "%d successful calls for %d rotations and %d kill",
		s.issuer.Calls, s.issuer.Rotations, s.kills())
	complain(s.failed > 0, "%d Gets failed, the first: %v", s.failed, s.firstError)
	complain(s.lateWaits > 0, "%d Gets waited in replicas that had held a token", s.lateWaits)
	complain(s.invalid > 0, "%d tokens were not valid at the issuer", s.invalid)
	complain(strings.ContainsRune(s.cells, cellNone), "%d replicas got no token", strings.Count(s.cells, string(cellNone)))
	complain(s.kills() == 0, "there was no refresh, and so nobody to kill")
	if len(broken) == 0 {
		return nil
	}
	return errors.New("demo: " + strings.Join(broken, "; "))
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
	fmt.Fprintf(&b, "\n%d replicas, %.0f s, by the issuer's counters:\n", s.config.Replicas, s.elapsed.Seconds())
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
