package listen

import (
	"sync"
	"time"
)

// watch interrupts calls that make no progress. Its timer stays set between calls and looks at the
// clock when it fires, so that a call costs neither a timer nor an allocation. Its methods may be
// called concurrently; interrupt is called with mu held, and never after stop.
type watch struct {
	limit     time.Duration
	interrupt func() // again after each limit, as long as the call goes on

	mu      sync.Mutex // guards all below
	timer   *time.Timer
	armed   bool
	stopped bool
	calls   int       // under way
	since   time.Time // the last progress of those, or the last interrupt
}

// begin watches a call, until end.
func (w *watch) begin() {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.calls > 1 {
		return
	}
	w.since = now
	if !w.armed && !w.stopped {
		w.arm(w.limit)
	}
}

// moved notes progress inside a call.
func (w *watch) moved() {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = now
}

func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls--
	if w.calls > 0 {
		w.since = time.Now()
	}
}

// stop returns false if it was stopped before.
func (w *watch) stop() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return false
	}
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
	return true
}

func (w *watch) arm(after time.Duration) {
	w.armed = true
	if w.timer == nil {
		w.timer = time.AfterFunc(after, w.fire)
		return
	}
	w.timer.Reset(after)
}

func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	if w.stopped || w.calls == 0 {
		return
	}
	now := time.Now()
	if left := w.limit - now.Sub(w.since); left > 0 {
		w.arm(left)
		return
	}
	w.interrupt()
	w.since = now
	w.arm(w.limit)
}
