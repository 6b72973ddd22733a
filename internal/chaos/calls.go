package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// calls: one per rotation, the direct ones that had a reason, and what a fault may cost. Faults come one
// at a time, so each answers for what was asked until the next. A machine that stood
// still for as long as a lock lasts was one as well.
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

// standstills counts the stalls of the machine in which a holder may have lost its lock:
// that is extended at a third.
func (h *history) standstills(in period) (n int) {
	h.eachStall(func(s stall) {
		if in.holds(s.From) && s.Late >= lease-lease/3 {
			n++
		}
	})
	return n
}

func (h *history) costs() (n int) {
	for _, f := range h.Faults {
		n += f.costs()
	}
	return n
}
