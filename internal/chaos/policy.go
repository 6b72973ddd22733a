package chaos

import "time"

// The issuer of a run. Lives are short, so that a minute has some twenty rotations.
const (
	life    = 6 * time.Second
	window  = 5 * time.Second
	latency = 300 * time.Millisecond // a Get that waits for a call is told from one that does not
)

// What tokencache makes of them: "Windows" and "Failures" in its documentation.
const (
	span         = window - window/4                          // w
	lease        = span / 4                                   // 0.9 s
	coldLease    = 5 * time.Second                            // of who has not seen a token yet
	fresh        = span - span/10                             // with more left no replica thinks of a refresh
	lastDue      = span - span/6                              // with less left each does
	deadFor      = life / 50                                  // the last part of a life, in which no copy is handed out
	redisTimeout = time.Second                                // of a command
	redisBase    = 250 * time.Millisecond                     // the breaker's first wait, doubling
	redisLimit   = 5 * time.Second                            // and its longest
	issuerBase   = 250 * time.Millisecond                     // the first pause after a failed call, doubling
	localPause   = time.Second                                // others' after a failure that may be one process's own
	spread       = 300 * time.Millisecond                     // over which those who wait for a lock take it
	reading      = span / 4                                   // the longest that who has a copy takes to read the news
	calm         = lease + spread + fresh - lastDue + reading // a rotation without any fault, but for the call
)

// patience of a Get: more than any of them needs.
const patience = 20 * time.Second

// The looks of the watch.
const (
	lookEvery = 20 * time.Millisecond
	// gapless is how far apart two looks may be for what they saw to have been there
	// in between.
	gapless = 10 * lookEvery
)

// jittered is the most that a wait may be drawn to.
func jittered(d time.Duration) time.Duration { return d + d/5 }

// deadOf is for how long a token is dead, of whose life the issuer told so much or up to a
// second more.
func deadOf(least time.Duration) time.Duration {
	whole := (least + time.Second - 1).Truncate(time.Second)
	return max(0, whole/50)
}

// probe is how long the wait for the next probe of a Redis that did not answer for so
// long can be. Waits double, so the one that runs is not longer than all before it; a
// command sent at the very end is waited for as well.
func probe(outage time.Duration) time.Duration {
	return jittered(min(redisLimit, redisBase+outage)) + redisTimeout
}

// pause is how long the fleet waits after so many failed calls in a row.
func pause(failed int) time.Duration {
	if failed == 0 {
		return 0
	}
	return jittered(max(localPause, issuerBase<<(failed-1)))
}

// bound is the longest that a fleet may take until everybody is fresh again, but for
// stalls: a lease, the backoff that runs, the breaker's probe and one call. What makes
// up the rest, a rotation has without any fault.
func (f fault) bound() time.Duration {
	b := calm + max(latency, f.Latency) + pause(f.Failing)
	if f.Outage {
		b += probe(f.To - f.From)
	}
	return b + f.leaseLeft() - lease
}

// leaseLeft is for how long a lock can be left behind by whom the fault hit.
func (f fault) leaseLeft() time.Duration {
	if f.Cold {
		return coldLease
	}
	return lease
}
