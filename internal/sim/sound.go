package sim

// sound checks I7 and I8, in a run without faults.
//
// A waiter has its token within the issuer's time and four round trips: the read, the
// lock, the subscription, the read after it or after the event; a holder's own are the
// read, the lock, the second read and the publish. Connections are new, and each costs
// a round trip for HELLO before its first command; a waiter has two, a holder one. Each
// script is new to Redis once, which costs one more for read, lock, and publish. The
// holder may be farther away than the waiter.
func (c *checker) sound() {
	holders := c.w.s.trip
	if c.w.s.far > 0 {
		holders *= farther
	}
	for _, wait := range c.waits {
		waiters := c.w.s.tripOf(wait.r.index)
		most := c.w.s.latency + 2*longestWay + (4+1+3)*2*(holders+lanes) + (4+2)*2*(waiters+lanes)
		if wait.took > most {
			c.violated("I7", wait.r.name, "a Get waited for %v, more than %v", wait.took, most)
		}
	}
	rotations := 0
	for _, a := range c.w.apps {
		stats := a.issuer.Stats()
		rotations += stats.Rotations
		if stats.Calls != stats.Rotations || stats.Refused > 0 {
			c.violated("I3", "issuer", "%s: %d calls, %d refused, for %d rotations", a.name, stats.Calls, stats.Refused, stats.Rotations)
		}
	}
	events, each := 0, 6+c.extensions()
	for _, r := range c.w.alive() {
		events += r.link.Count("PUBLISH")
		if n := r.link.Count() - r.link.Count("PUBLISH"); n > each*rotations+onceEach {
			c.violated("I8", r.name, "%d commands for %d rotations: %v", n, rotations, r.link.Counts())
		}
	}
	if events > rotations {
		c.violated("I8", "world", "%d events for %d rotations", events, rotations)
	}
}

// onceEach is what a replica sends once: the text of four scripts, two subscriptions,
// and the safety polls while the issuer makes the first token.
const onceEach = 4 + 2 + 4

// extensions of the lock while the issuer is asked come on top: one for each third of
// the lease, which is short for tokens that live for seconds, and at least half a
// second.
func (c *checker) extensions() int {
	lease := min(longestLease, max(shortestLease, c.w.s.span()/4))
	return int((c.w.s.latency + 2*longestWay + 8*farther*c.w.s.trip) / (lease / 3))
}
