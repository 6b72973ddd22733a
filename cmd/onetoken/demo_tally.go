package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// tally is what the fleet counts.
type tally struct {
	gets, failed, invalid atomic.Int64
	firstWaits, lateWaits atomic.Int64

	mu         sync.Mutex // guards the rest
	firstError error
	last       moment // the last refresh
	killed     moment
	takeover   moment // the first refresh after the kill
}

// moment is what a replica did and when. The zero moment has not come.
type moment struct {
	replica int
	at      time.Time
}

func (t *tally) fail(err error) {
	t.failed.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.firstError == nil {
		t.firstError = err
	}
}

func (t *tally) refresh(replica int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = moment{replica, time.Now()}
	if t.killed.replica != 0 && t.takeover.replica == 0 {
		t.takeover = t.last
	}
}

func (t *tally) kill(replica int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.killed = moment{replica, time.Now()}
}

// counts is a tally at one moment.
type counts struct {
	gets, failed, invalid, firstWaits, lateWaits int64
	firstError                                   error
	last, killed, takeover                       moment
}

func (t *tally) counts() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return counts{
		gets: t.gets.Load(), failed: t.failed.Load(), invalid: t.invalid.Load(),
		firstWaits: t.firstWaits.Load(), lateWaits: t.lateWaits.Load(),
		firstError: t.firstError, last: t.last, killed: t.killed, takeover: t.takeover,
	}
}

// snapshot is all there is to see at one moment.
type snapshot struct {
	o       demoOptions
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
