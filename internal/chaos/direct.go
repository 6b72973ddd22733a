package chaos

import (
	"fmt"
	"time"
)

// directCalls: around Redis only where Redis could not be had. A product that always
// went around it would keep every other promise.
func (h *history) directCalls() (complaints []string) {
	for _, p := range h.Processes {
		for _, at := range p.Direct {
			if !h.hadTrouble(p, at) {
				complaints = append(complaints, fmt.Sprintf("%v: process %d (replica %d) asked the issuer directly, with nothing between it and Redis", round(at), p.Number, p.Place))
			}
		}
	}
	return complaints
}

// direct counts the calls that had reason to go around Redis.
func (h *history) direct(in period) (n int) {
	for _, p := range h.Processes {
		for _, at := range p.Direct {
			if in.holds(at) && h.hadTrouble(p, at) {
				n++
			}
		}
	}
	return n
}

// slowCommand is a stall that may have cost a command its time-out, with one or two
// others that the heartbeats slept through. That of redis-server itself is seen by the
// watch alone.
const slowCommand = redisTimeout / 2

// hadTrouble reports whether a process that was answered at some moment may have found
// Redis out of reach when it asked, or its breaker still open.
func (h *history) hadTrouble(p *process, answered time.Duration) (yes bool) {
	asked := answered - latency
	call := period{asked - p.slept(period{asked - latency, answered}) - around, answered}
	late := func(trouble period) {
		yes = yes || period{trouble.From, trouble.To + probe(trouble.To-trouble.From)}.meets(call)
	}
	for _, f := range h.Faults {
		if f.cuts(p.Place) || f.Kind == killClients {
			late(f.period)
		}
	}
	for _, stop := range p.Stops { // a command was under way, and its time is up
		late(stop)
	}
	for _, s := range h.Stored {
		if !s.Known {
			late(s.period)
		}
	}
	h.eachStall(func(s stall) {
		if s.Late >= slowCommand {
			late(s.period)
		}
	})
	return yes
}
