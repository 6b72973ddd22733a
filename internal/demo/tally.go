package demo

import (
	"sync"
	"sync/atomic"
	"time"
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
