//go:build unix

package chaos

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// wholeRound is how long a run must be told to last for every kind of fault to come.
// The round is finished then, though a slow machine take longer.
const wholeRound = time.Minute

// TestProcessesUnderFaults is all of it; see the package's comment.
func TestProcessesUnderFaults(t *testing.T) {
	seed := *runSeed
	if seed == 0 {
		seed = rand.Uint64N(1e6) + 1
	}
	t.Logf("-chaos.seed=%d", seed)
	f := newFleet(t, 3*(*runFor+wholeRound))
	defer f.judge(seed) // what has gone wrong by then, though a Fatal end the run
	stop := make(chan struct{})
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		f.watch.run(stop)
	}()
	defer func() { close(stop); <-watching }()
	go heartbeat(stop, time.Now, f.stall)
	require.True(t, f.soon(30*time.Second, everybodyFresh), "a whole fleet to begin with")

	actions := newPlan(seed, size)
	for begun := time.Now(); f.goesOn(begun); {
		a := actions.next()
		t.Logf("%v: %s", round(f.now()), a.Kind)
		if err := f.inflict(a); err != nil {
			f.trouble(err.Error())
			break
		}
	}
	f.endInMidCall()
	f.finished = true
}

// endInMidCall ends all when one has the lock, and looks for it at once: in a lease it
// would be gone by itself. By then nothing else explains one: see [history.hindered].
func (f *fleet) endInMidCall() {
	f.soon(long, func(h *history) bool { return !h.hindered(f.now()) })
	if _, err := f.nextCall(); err != nil {
		f.trouble("in the end: " + err.Error())
	}
	f.end()
	left := f.watch.locked()
	f.with(func(h *history) { h.Ended, h.LockLeft = f.now(), left })
	if left && !f.soon(2*lease, func(*history) bool { return !f.watch.locked() }) {
		f.trouble("a lock does not end")
	}
}

func (f *fleet) trouble(what string) {
	f.with(func(h *history) { h.Troubles = append(h.Troubles, what) })
}

// goesOn reports whether there is time for another fault, or need of one.
func (f *fleet) goesOn(begun time.Time) (yes bool) {
	if time.Since(begun) < *runFor {
		return true
	}
	if *runFor < wholeRound || time.Since(begun) > 2*(*runFor) {
		return false
	}
	f.with(func(h *history) { yes = len(h.missing()) > 0 })
	return yes
}

// everybodyFresh reports whether all have had their first token.
func everybodyFresh(h *history) bool {
	return len(h.Processes) == size && len(h.recovery(fault{}).Waiting) == 0
}

func (f *fleet) stall(from, to time.Time, late time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.history.Stalls = append(f.history.Stalls, stall{period{f.at(from), f.at(to)}, late})
}

// judge checks the history, and leaves the report to be printed last.
func (f *fleet) judge(seed uint64) {
	if !f.finished {
		f.trouble("the run was broken off, which may explain the others")
	}
	f.with(func(h *history) {
		h.Over = f.now()
		if missing := h.missing(); *runFor >= wholeRound && len(missing) > 0 {
			h.Troubles = append(h.Troubles, fmt.Sprintf("did not come: %q", missing))
		}
		violations := h.violations()
		for n, v := range violations {
			if n == mostTold {
				f.t.Errorf("and %d more", len(violations)-n)
				break
			}
			f.t.Error(v)
		}
		lastWords = h.report(seed, len(violations))
	})
}

// mostTold violations are named one by one.
const mostTold = 30
