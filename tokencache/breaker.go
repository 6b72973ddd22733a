package tokencache

import (
	"slices"
	"sync"
	"time"
)

// breaker spares a Redis that does not answer, and those who would wait for it.
// One command without an answer opens it. While it is open fills are turned away
// at once, and the prober asks: see prober.go. The breaker never looks at what Redis
// answers: a refusal is an answer.
type breaker struct {
	jitter   func() float64
	onChange func(open bool, err error)
	onOpen   func() // starts the prober

	answers chan struct{} // of capacity 1: a command was answered while the breaker is open

	mu       sync.Mutex    // guards below
	open     chan struct{} // closed while the breaker is open; another is made when it closes
	isOpen   bool
	failures int     // openings and probes without an answer, since a command was answered
	since    instant // of the last failure
	wait     time.Duration
	key      string    // of the command that opened it
	cause    error     // how the last command or probe failed
	told     []Trouble // what was told since it opened
}

func newBreaker(jitter func() float64, onChange func(open bool, err error)) *breaker {
	return &breaker{
		jitter: jitter, onChange: onChange, onOpen: func() {},
		answers: make(chan struct{}, 1), open: make(chan struct{}),
	}
}

// allow reports whether Redis may be asked.
func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.isOpen
}

// opened returns what is closed while the breaker is open, from the next time on.
func (b *breaker) opened() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// retryIn returns how long the prober waits before it asks; 0 while it does, and when
// closed.
func (b *breaker) retryIn(at instant) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.isOpen {
		return 0
	}
	return max(0, b.wait-at.since(b.since))
}

// record takes the outcome of one command, and a key of it.
func (b *breaker) record(err error, key string) {
	if answered(err) {
		b.answered()
		return
	}
	if b.failed(key, err, now()) {
		b.onChange(true, err)
		b.onOpen()
	}
}

// answered ends a row of failures. It does not close an open breaker, as other
// connections may be dead: the prober shall see to these now.
func (b *breaker) answered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = 0
	if !b.isOpen {
		return
	}
	select {
	case b.answers <- struct{}{}:
	default:
	}
}

// failed opens a closed breaker. In an open one only probes count: other commands were
// under way before.
func (b *breaker) failed(key string, cause error, at instant) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.isOpen {
		return false
	}
	b.isOpen, b.key, b.cause = true, key, cause
	b.told = []Trouble{redisTrouble(cause)}
	close(b.open)
	b.oneMore(at)
	return true
}

// missed notes a probe that does not close the breaker. If it was answered, only the
// client's pool is in the way still: the next comes soon. What it failed with is the more
// recent cause, and may say more: a server that hangs up on who has a connection already
// tells who wants one why. Each trouble is told once.
func (b *breaker) missed(at instant, answers bool, cause error) {
	if b.noteMiss(at, answers, cause) {
		b.onChange(true, cause)
	}
}

// noteMiss reports whether the cause is of another kind than all since the breaker opened.
func (b *breaker) noteMiss(at instant, answers bool, cause error) (another bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if answers {
		b.failures = 0
	}
	if cause != nil {
		b.cause = cause
	}
	b.oneMore(at)
	if answered(cause) || slices.Contains(b.told, redisTrouble(cause)) {
		return false
	}
	b.told = append(b.told, redisTrouble(cause))
	return true
}

// oneMore failure, and a longer wait. The count outlasts the breaker's closing: where the
// prober is answered and commands are not, they come ever less often. The caller holds
// b.mu.
func (b *breaker) oneMore(at instant) {
	b.failures++
	b.since, b.wait = at, redisBackoff.after(b.failures, b.jitter())
}

// close is the prober's: Redis may be asked again.
func (b *breaker) close() {
	b.mu.Lock()
	b.isOpen, b.open = false, make(chan struct{})
	select {
	case <-b.answers:
	default:
	}
	b.mu.Unlock()
	b.onChange(false, nil)
}

// paused is the error of who is turned away.
func (b *breaker) paused(key string) *RedisError {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := &RedisError{Trouble: TroublePaused, ID: key}
	if b.cause != nil {
		e.before = redisErrorOf(b.cause, key)
	}
	return e
}

// about returns a key of the command that opened the breaker.
func (b *breaker) about() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.key
}
