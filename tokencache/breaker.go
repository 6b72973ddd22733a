package tokencache

import (
	"sync"
	"time"
)

// breaker spares a Redis that does not answer, and those who would wait for it.
// One command without an answer opens it; while it is open one fill in each wait
// may probe. It never looks at what Redis answers: a refusal is an answer.
type breaker struct {
	jitter   func() float64
	onChange func(open bool, err error)

	mu       sync.Mutex // guards below
	failures int        // in a row; 0 means closed
	probing  bool       // one is under way
	since    instant    // of the last failure or probe
	wait     time.Duration
}

// allow reports whether Redis may be asked. While open it says yes to one
// caller per wait: the probe.
func (b *breaker) allow(at instant) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures == 0 {
		return true
	}
	if at.since(b.since) < b.wait {
		return false
	}
	b.since, b.probing = at, true
	return true
}

// retryIn returns how long to wait before allow may say yes; 0 when closed.
func (b *breaker) retryIn(at instant) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures == 0 {
		return 0
	}
	return max(0, b.wait-at.since(b.since))
}

// record takes the outcome of one command.
func (b *breaker) record(err error) {
	if changed, open := b.count(answered(err), now()); changed {
		b.onChange(open, err)
	}
}

func (b *breaker) count(ok bool, at instant) (changed, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.failures
	if ok {
		b.failures, b.probing = 0, false
		return before > 0, false
	}
	// Only the first and the probes count: others were under way before.
	if before == 0 || b.probing {
		b.failures, b.probing = before+1, false
		b.since, b.wait = at, redisBackoff.after(b.failures, b.jitter())
	}
	return before == 0, true
}
