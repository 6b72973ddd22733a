package chaos

import (
	"fmt"
	"slices"
	"time"
)

// recovery is what came after a fault.
type recovery struct {
	Took    time.Duration // until the last process had handed out a fresh token
	During  period        // of the fault, to that moment
	Waiting []int         // numbers of processes that have not yet
}

// recovery looks at every process that lives after a fault, and is over when each has
// handed out a fresh token that nobody had before the fault: one that was still fresh
// then says nothing about what came after. A process that was started only then has
// until as long after its start; one with an old token, since that is to be replaced.
// Before, there is nothing to recover from: a fault between two refreshes is over
// unnoticed, and what it may have spoiled is the next one.
func (h *history) recovery(f fault) (r recovery) {
	before := h.handedOutBefore(f.From)
	for _, p := range h.Processes {
		if !p.lived(f.To) {
			continue
		}
		from := max(f.To, p.Born)
		at, ok := p.freshSince(from, before)
		if !ok || p.Born == 0 {
			r.Waiting = append(r.Waiting, p.Number)
			continue
		}
		from = max(from, p.due(before))
		if took := at - from; took > r.Took {
			r.Took, r.During = took, period{f.From, at}
		}
	}
	return r
}

// handedOutBefore is every token that somebody had by a moment.
func (h *history) handedOutBefore(moment time.Duration) map[string]bool {
	tokens := map[string]bool{}
	for _, p := range h.Processes {
		for _, g := range p.Gets {
			handed := g.End
			if g.Count > 1 {
				handed = g.First
			}
			if g.Token != "" && handed < moment {
				tokens[g.Token] = true
			}
		}
	}
	return tokens
}

// freshSince is when, from a moment on, a process first handed out a token, not one of
// the old, that it would not think of refreshing. That goes by what it knows of the
// token's end, which may be a second before the issuer's.
func (p *process) freshSince(from time.Duration, old map[string]bool) (at time.Duration, ok bool) {
	for _, g := range p.Gets {
		if g.End < from || g.Token == "" || old[g.Token] {
			continue
		}
		at := g.End
		if g.Count > 1 {
			at = max(from, g.First)
		}
		if g.Ends-at > fresh {
			return at, true
		}
	}
	return 0, false
}

// due is when a process could first think of replacing the last of the old tokens.
func (p *process) due(old map[string]bool) (at time.Duration) {
	for _, g := range p.Gets {
		if old[g.Token] {
			at = max(at, g.Ends-fresh)
		}
	}
	return at
}

// cold reports whether a process that lives has not had a token yet, which takes the lock
// for longer.
func (h *history) cold(at time.Duration) bool {
	for _, p := range h.Processes {
		if p.lived(at) && !slices.ContainsFunc(p.Gets, func(g get) bool { return g.Token != "" }) {
			return true
		}
	}
	return false
}

// lateRecoveries: everybody is fresh again within the bound and the largest stall on the
// way. If that cannot be told of most, nothing was shown.
func (h *history) lateRecoveries() (complaints []string) {
	for _, f := range h.Faults {
		r, bound := h.recovery(f), f.bound()
		bound += h.largestStall(r.During)
		switch {
		case len(r.Waiting) > 0:
			complaints = append(complaints, fmt.Sprintf("%v: %s: processes %v have had no fresh token since", round(f.From), f.Kind, r.Waiting))
		case r.Took > bound:
			complaints = append(complaints, fmt.Sprintf("%v: %s: fresh again after %v, where %v are allowed", round(f.From), f.Kind, round(r.Took), round(bound)))
		}
	}
	if n := h.unjudged(); 2*n > len(h.Faults) {
		complaints = append(complaints, fmt.Sprintf("the machine was too slow to tell of %d recoveries in %d", n, len(h.Faults)))
	}
	return complaints
}

// unjudged counts the recoveries that are in their bound only by a stall of more than a
// lease: the machine was too slow to tell. No violation, as nobody has done wrong.
func (h *history) unjudged() (n int) {
	for _, f := range h.Faults {
		if r := h.recovery(f); r.Took > f.bound()+lease && r.Took <= f.bound()+h.largestStall(r.During) {
			n++
		}
	}
	return n
}

// worstRecovery returns the fault that came closest to its bound, and its recovery.
func (h *history) worstRecovery() (worst fault, took time.Duration) {
	for _, f := range h.Faults {
		if r := h.recovery(f); r.Took > took {
			worst, took = f, r.Took
		}
	}
	return worst, took
}

// largestStall of the heartbeat in any process that meets a period, but for those that we
// caused.
func (h *history) largestStall(at period) (largest time.Duration) {
	h.eachStall(func(s stall) {
		if s.meets(at) {
			largest = max(largest, s.Late)
		}
	})
	return largest
}

// eachStall calls f for those that were not our doing.
func (h *history) eachStall(f func(stall)) {
	for _, s := range h.Stalls {
		f(s)
	}
	for _, p := range h.Processes {
		for _, s := range p.Stalls {
			if !p.stopped(s.period) {
				f(s)
			}
		}
	}
}
