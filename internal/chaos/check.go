package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// violations is every way in which a run was not as it has to be.
func (h *history) violations() []string {
	var all []string
	for _, check := range []func() []string{h.deadTokens, h.knownDead, h.failedGets, h.waits, h.longWaits, h.lostCopies, h.calls, h.directCalls, h.wentBack, h.lateRecoveries, h.troubles, h.blind, h.sightless, h.leftLock} {
		all = append(all, check()...)
	}
	return all
}

// eachGet calls f for every Get, and collects what it complains of.
func (h *history) eachGet(f func(p *process, g get) string) (complaints []string) {
	for _, p := range h.Processes {
		for _, g := range p.Gets {
			if complaint := f(p, g); complaint != "" {
				complaints = append(complaints, of(p, g, complaint))
			}
		}
	}
	return complaints
}

func of(p *process, g get, complaint string) string {
	return fmt.Sprintf("%v: process %d (replica %d): %s", round(g.Start), p.Number, p.Place, complaint)
}

// deadTokens: a Get that has begun after the end of its token's life, or brought a token
// that will be handed out after it.
func (h *history) deadTokens() []string {
	return h.eachGet(func(_ *process, g get) string {
		if g.Token == "" {
			return ""
		}
		known, ok := h.Pairs[g.Token]
		switch {
		case !ok:
			return fmt.Sprintf("was handed the token %s, which the issuer has not minted", g.Token)
		case g.Start >= known.End:
			return fmt.Sprintf("was handed the token %s %v after its end", g.Token, round(g.Start-known.End))
		case g.Ends > known.End+precision:
			return fmt.Sprintf("takes the token %s for one that lives %v longer than it does", g.Token, round(g.Ends-known.End))
		}
		return ""
	})
}

// precision of Redis' clock, in which TTLs are.
const precision = 5 * time.Millisecond

// knownDead: a Get that was handed what its process itself took for dead when it began.
// How long a token is dead goes by the life that the issuer told, in whole seconds, and
// the more often it is asked the less. It was not less than was left when first we see
// that copy: at the end of a Get, which may have waited for it. A clock that steps is a stall.
func (h *history) knownDead() (complaints []string) {
	for _, p := range h.Processes {
		left := map[time.Duration]time.Duration{} // at first, by the end of a copy
		for _, g := range slices.SortedFunc(slices.Values(p.Gets), byStart) {
			if g.Token == "" || g.Start >= h.Pairs[g.Token].End { // see deadTokens
				continue
			}
			if _, seen := left[g.Ends]; !seen {
				left[g.Ends] = g.Ends - g.End
			}
			if late := g.Start - g.Ends + deadOf(left[g.Ends]); late > p.stalled(g) {
				complaints = append(complaints, of(p, g, fmt.Sprintf("was handed the token %s, which it knew to be dead for %v", g.Token, round(late))))
			}
		}
	}
	return complaints
}

// failedGets: only the issuer may cause one.
func (h *history) failedGets() []string {
	return h.eachGet(func(p *process, g get) string {
		switch {
		case g.Err == "":
			return ""
		case p.sure(g):
			return "failed with a usable copy: " + g.Err
		case h.readable(p, g):
			return "failed with a token in Redis to read: " + g.Err
		case !h.issuerFailed(g.period()):
			return "failed, though the issuer did not: " + g.Err
		}
		return ""
	})
}

// readable reports whether there was a token in Redis to read all the time, and
// nothing in between.
func (h *history) readable(p *process, g get) bool {
	for _, f := range h.Faults {
		if f.cuts(p.Place) && (period{f.From, f.To + probe(f.To-f.From)}).meets(g.period()) {
			return false
		}
	}
	for _, s := range h.Stored {
		if s.Token != "" && s.From <= g.Start && s.To >= g.End && h.Pairs[s.Token].End-deadFor > g.End {
			return true
		}
	}
	return false
}

// issuerFailed reports whether failures of the issuer, or the pauses after them, fell
// into a period.
func (h *history) issuerFailed(at period) bool {
	for _, f := range h.Faults {
		if f.Failing > 0 && (period{f.From, f.To + pause(f.Failing)}).meets(at) {
			return true
		}
	}
	return false
}

// atOnce is how long a Get with a copy may take beyond the stalls that the heartbeat
// has met: there is more than one thread to stop. It is well below a call, or a
// time-out of Redis.
const atOnce = latency / 3

// waits: a Get that took long though there was a copy.
func (h *history) waits() []string {
	return h.eachGet(func(p *process, g get) string {
		if took := g.took() - p.stalled(g); p.sure(g) && took > atOnce {
			return fmt.Sprintf("waited for %v with a copy usable for another %v", round(took), round(g.Usable-g.Start))
		}
		return ""
	})
}

// longWaits: a Get without a copy that took longer than everything it may have had to
// wait for, or than its own time. One that fails is to do so as early.
func (h *history) longWaits() []string {
	return h.eachGet(func(p *process, g get) string {
		took, allowed := g.took()-p.stalled(g), min(patience, h.longestWait(g))
		if p.sure(g) || took <= allowed {
			return ""
		}
		if allowed += h.largestStall(g.period()); took <= allowed {
			return ""
		}
		return fmt.Sprintf("waited for %v without a copy, where %v are allowed", round(took), round(allowed))
	})
}

// longestWait is the end of a lease, and a call; with Redis in trouble as many time-outs
// as a fill has commands; and with a failing issuer its pauses.
func (h *history) longestWait(g get) time.Duration {
	left, call, trouble := lease, latency, time.Duration(0)
	for _, f := range h.Faults {
		lasts := max(redisTimeout, f.Latency, pause(f.Failing), f.leaseLeft())
		if !(period{f.From, f.To + lasts}).meets(g.period()) {
			continue
		}
		left, call = max(left, f.leaseLeft()), max(call, f.Latency)
		trouble += time.Duration(f.Failing) * (pause(f.Failing) + latency)
		if f.Outage {
			trouble += 4 * redisTimeout
		}
	}
	return left + spread + call + trouble
}

// shrinks is by how much the issuer's next word on a token may be shorter than the last,
// as it says whole seconds: see "Windows" in the documentation of tokencache.
const shrinks = 1250 * time.Millisecond

// lostCopies: a Get that found no copy, though one before it had seen one that should
// still be there. This is what keeps the copies themselves from being taken on trust.
func (h *history) lostCopies() (complaints []string) {
	for _, p := range h.Processes {
		usable := time.Duration(0)
		for _, g := range slices.SortedFunc(slices.Values(p.Gets), byStart) {
			if left := usable - g.Start - p.stalled(g); g.Usable == 0 && left > shrinks {
				complaints = append(complaints, of(p, g, fmt.Sprintf("found no copy, where there was one usable for another %v", round(left))))
			}
			usable = max(usable, g.Usable)
		}
	}
	return complaints
}

func byStart(a, b get) int { return cmp.Compare(a.Start, b.Start) }

// wentBack: a token in Redis that makes way for one that ends earlier, though nothing
// was lost.
func (h *history) wentBack() (complaints []string) {
	before := stored{}
	for _, s := range h.Stored {
		if s.Token == "" {
			continue
		}
		if earlier := h.Pairs[before.Token].End - h.Pairs[s.Token].End; before.Token != "" && earlier > 0 && !h.lostData(before.To, s.From) {
			complaints = append(complaints, fmt.Sprintf("%v: in Redis %s made way for %s, which ends %v earlier",
				round(s.From), before.Token, s.Token, round(earlier)))
		}
		before = s
	}
	return complaints
}

// lostData reports whether Redis was restarted between two looks.
func (h *history) lostData(from, to time.Duration) bool {
	for _, f := range h.Faults {
		if f.Kind == restartRedis && f.meets(period{from, to}) {
			return true
		}
	}
	return false
}

// troubles: what kept the run from going on, processes that ended by themselves, or not
// when they were told to.
func (h *history) troubles() []string {
	complaints := slices.Clone(h.Troubles)
	for _, p := range h.Processes {
		switch {
		case p.Trouble != "":
			complaints = append(complaints, fmt.Sprintf("process %d (replica %d) %s", p.Number, p.Place, p.Trouble))
		case p.Killed == 0 && !p.Ended:
			complaints = append(complaints, fmt.Sprintf("process %d (replica %d) did not end when told to", p.Number, p.Place))
		}
	}
	return complaints
}

// blind: a heartbeat that did not see its process stopped, and so would not see a stall
// of the machine either. On a busy machine the signal waits for its turn, so half will do.
func (h *history) blind() (complaints []string) {
	for _, p := range h.Processes {
		for _, stop := range p.Stops {
			if seen, least := p.slept(stop), (stop.To-stop.From)/2; seen < least {
				complaints = append(complaints, fmt.Sprintf("%v: process %d (replica %d): stopped for %v, of which its heartbeat saw %v",
					round(stop.From), p.Number, p.Place, round(stop.To-stop.From), round(seen)))
			}
		}
	}
	return complaints
}

// leftLock: who ends releases the lock, though in the middle of a call. What was killed,
// cut off or stood still just before may not have been able to.
func (h *history) leftLock() []string {
	if !h.LockLeft || h.hindered(h.Ended) {
		return nil
	}
	return []string{fmt.Sprintf("%v: a lock is left by processes that ended in good order", round(h.Ended))}
}

// hindered reports whether there is a reason for a lock to be there, of which its holder
// is no more.
func (h *history) hindered(at time.Duration) (yes bool) {
	late := func(from, to time.Duration) { yes = yes || (period{from, to + lease}).meets(period{at, at}) }
	for _, p := range h.Processes {
		if p.Killed > 0 {
			late(p.Killed, p.Killed)
		}
		for _, stop := range p.Stops {
			late(stop.From, stop.To+redisTimeout)
		}
	}
	for _, f := range h.Faults {
		if f.Outage || f.Kind == killClients {
			late(f.From, f.To+probe(f.To-f.From))
		}
	}
	h.eachStall(func(s stall) {
		if s.Late >= slowCommand {
			late(s.From, s.To+redisTimeout)
		}
	})
	return yes
}

// missing is the kinds of faults that did not come.
func (h *history) missing() (missing []kind) {
	counts := h.byKind()
	for _, k := range kinds {
		if counts[k] == 0 {
			missing = append(missing, k)
		}
	}
	return missing
}

func (h *history) byKind() map[kind]int {
	counts := map[kind]int{}
	for _, f := range h.Faults {
		counts[f.Kind]++
	}
	return counts
}

// round is for people.
func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
