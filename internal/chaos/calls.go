package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// calls: one per rotation, the direct ones that had a reason, and what a fault may cost.
// Faults come one at a time, so each answers for what was asked until the next. A machine
// that stood still for as long as a lock lasts was one as well.
func (h *history) calls() (complaints []string) {
	for _, s := range h.stretches() {
		if granted, allowed := h.granted(s.period), h.rotations(s.period)+h.direct(s.period)+s.costs+h.standstills(s.period); granted > allowed {
			complaints = append(complaints, fmt.Sprintf("%v to %v (%s): %d successful calls, where %d are explained: %d rotations, %d direct, %d by the fault%s",
				round(s.From), round(s.To), s.why, granted, allowed, h.rotations(s.period), h.direct(s.period), s.costs, h.account(s.period)))
		}
	}
	return complaints
}

// account lists the calls of a stretch: what the issuer saw, and who says that it asked.
func (h *history) account(in period) string {
	told := map[time.Duration]string{}
	for _, c := range h.Calls {
		told[c.At] = fmt.Sprintf("the issuer answered: granted %t, minted %t; %v of the token before were left", c.Granted, c.Minted, round(c.Left))
	}
	for _, p := range h.Processes {
		for name, moments := range map[string][]time.Duration{"called": p.Calls, "called directly": p.Direct, "took over": p.Takeovers} {
			for _, at := range moments {
				told[at] = fmt.Sprintf("process %d (replica %d) %s", p.Number, p.Place, name)
			}
		}
	}
	var b strings.Builder
	for _, at := range slices.Sorted(maps.Keys(told)) {
		if in.holds(at) {
			fmt.Fprintf(&b, "\n\t%v: %s", round(at), told[at])
		}
	}
	return b.String()
}

// stretch of a run, from a fault to the next.
type stretch struct {
	period
	why   string
	costs int // calls more than one per rotation
}

func (h *history) stretches() []stretch {
	all := []stretch{{period{0, h.Over}, "without a fault", 0}}
	for _, f := range h.Faults {
		all[len(all)-1].To = f.From
		all = append(all, stretch{period{f.From, h.Over}, string(f.Kind), f.costs()})
	}
	return all
}

func (h *history) granted(in period) int {
	return h.count(in, func(c call) bool { return c.Granted })
}

func (h *history) rotations(in period) int {
	return h.count(in, func(c call) bool { return c.Minted })
}

func (h *history) failed(in period) int {
	return h.count(in, func(c call) bool { return !c.Granted })
}

func (h *history) count(in period, is func(call) bool) (n int) {
	for _, c := range h.Calls {
		if in.holds(c.At) && is(c) {
			n++
		}
	}
	return n
}

// standstills counts how often the machine stood still for so long that a holder may have
// lost its lock, which is extended at a third. What all heartbeats saw at once is one;
// another lease, and the next holder may have lost it as well.
func (h *history) standstills(in period) (n int) {
	for _, still := range h.stoodStill(lease - lease/3) {
		if in.holds(still.From) {
			n += max(1, int((still.To-still.From)/lease))
		}
	}
	return n
}

// stoodStill is when any process had a stall of so long that was not our doing, in order
// and without overlap.
func (h *history) stoodStill(least time.Duration) (all []period) {
	var stalls []period
	h.eachStall(func(s stall) {
		if s.Late >= least {
			stalls = append(stalls, s.period)
		}
	})
	slices.SortFunc(stalls, func(a, b period) int { return cmp.Compare(a.From, b.From) })
	for _, s := range stalls {
		if n := len(all) - 1; n >= 0 && all[n].meets(s) {
			all[n].To = max(all[n].To, s.To)
		} else {
			all = append(all, s)
		}
	}
	return all
}

func (h *history) costs() (n int) {
	for _, f := range h.Faults {
		n += f.costs()
	}
	return n
}
