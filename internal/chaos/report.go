package chaos

import (
	"fmt"
	"strings"
	"time"
)

// report is what a run comes to, for people.
func (h *history) report(seed uint64, violations int) string {
	var b strings.Builder
	line := func(name string, value any, remark string, args ...any) {
		text := fmt.Sprintf("  %-32s %8v  %s", name, value, fmt.Sprintf(remark, args...))
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	fmt.Fprintf(&b, "chaos: %d replicas, %v, seed %d\n", h.replicas(), h.Over.Round(time.Second), seed)
	line("Gets", h.gets(), "in %d processes", len(h.Processes))
	all := period{0, h.Over}
	rotations, direct := h.rotations(all), h.direct(all)
	line("successful calls", h.granted(all), "allowed: %d rotations + %d by faults + %d direct", rotations, h.costs()+h.standstills(all), direct)
	line("rotations", rotations, "")
	line("failed calls", h.failed(all), "")
	line("faults", len(h.Faults), "")
	counts := h.byKind()
	for _, k := range kinds {
		line("  "+string(k), counts[k], "")
	}
	line("direct calls", direct, "")
	line("takeovers", h.takeovers(), "")
	with, without := h.worstGets()
	line("worst Get with a copy", brief(with), "but for stopped processes")
	line("worst Get without one", brief(without), "")
	f, took := h.worstRecovery()
	if f.Kind == "" {
		line("worst recovery", took, "")
	} else {
		line("worst recovery", round(took), "allowed: %v, and the largest stall; after: %s", round(f.bound()), f.Kind)
	}
	line("recoveries not to be judged", h.unjudged(), "the machine stood still for more than a lease")
	line("largest stall", brief(h.largestStall(all)), "of a heartbeat of %v", beat)
	line("violations", violations, "")
	return b.String()
}

func (h *history) replicas() int {
	places := map[int]bool{}
	for _, p := range h.Processes {
		places[p.Place] = true
	}
	return len(places)
}

func (h *history) gets() (n int) {
	for _, p := range h.Processes {
		for _, g := range p.Gets {
			n += g.Count
		}
	}
	return n
}

func (h *history) takeovers() (n int) {
	for _, p := range h.Processes {
		n += len(p.Takeovers)
	}
	return n
}

// worstGets is the longest with a copy and without one. One that was under way when
// we stopped its process says nothing.
func (h *history) worstGets() (with, without time.Duration) {
	for _, p := range h.Processes {
		for _, g := range p.Gets {
			switch {
			case p.stopped(g.period()):
			case p.sure(g):
				with = max(with, g.Worst)
			default:
				without = max(without, g.Worst)
			}
		}
	}
	return with, without
}

// brief has digits enough for what may take microseconds.
func brief(d time.Duration) time.Duration {
	if d < fast {
		return d.Round(time.Microsecond)
	}
	return round(d)
}
