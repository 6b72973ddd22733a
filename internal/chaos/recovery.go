package chaos

import (
	"fmt"
	"time"
)

// recovery is what came after a fault.
type recovery struct {
	Took    time.Duration // until the last process had handed out a fresh token
	Waiting []int         // numbers of processes that have not yet
}

// recovery looks at every process that lives after a fault. One that was started only
// then has until as long after its start.
func (h *history) recovery(f fault) (r recovery) {
	for _, p := range h.Processes {
		if !p.lived(f.To) {
			continue
		}
		from := max(f.To, p.Born)
		at, ok := p.freshSince(from)
		if !ok || p.Born == 0 {
			r.Waiting = append(r.Waiting, p.Number)
			continue
		}
		r.Took = max(r.Took, at-from)
	}
	return r
}

// freshSince is when, from a moment on, a process first handed out a token that it
// would not think of refreshing. That goes by what it knows of the token's end, which may
// be a second before the issuer's.
func (p *process) freshSince(from time.Duration) (at time.Duration, ok bool) {
	for _, g := range p.Gets {
		if g.End < from || g.Token == "" {
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

// lateRecoveries: everybody is fresh again within the bound and the largest stall.
func (h *history) lateRecoveries() (complaints []string) {
	for _, f := range h.Faults {
		r, bound := h.recovery(f), f.bound()+h.largestStall()
		switch {
		case len(r.Waiting) > 0:
			complaints = append(complaints, fmt.Sprintf("%v: %s: processes %v have had no fresh token since", round(f.From), f.Kind, r.Waiting))
		case r.Took > bound:
			complaints = append(complaints, fmt.Sprintf("%v: %s: fresh again after %v, where %v are allowed", round(f.From), f.Kind, round(r.Took), round(bound)))
		}
	}
	return complaints
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

// largestStall of the heartbeat in any process, but for those that we caused.
func (h *history) largestStall() (largest time.Duration) {
	h.eachStall(func(s stall) { largest = max(largest, s.Late) })
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
