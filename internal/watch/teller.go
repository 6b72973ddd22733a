package watch

import (
	"context"
	"sync"
)

// Teller logs the failures of any number of Watches, one after the other, by one goroutine: what it
// asks on the way may take a moment. Make one with [NewTeller].
type Teller struct {
	some chan struct{} // there is something in the queue

	mu     sync.Mutex // guards the rest
	queued []*Watch
	is     map[*Watch]bool // queued: one that fails again before it was told of is told of once
}

// NewTeller returns a Teller that has nothing to tell.
func NewTeller() *Teller { return &Teller{some: make(chan struct{}, 1), is: map[*Watch]bool{}} }

// Run tells until ctx ends, and then what is left.
func (t *Teller) Run(ctx context.Context) {
	last := context.WithoutCancel(ctx)
	for {
		select {
		case <-t.some:
			t.tell(last)
		case <-ctx.Done():
			t.tell(last)
			return
		}
	}
}

func (t *Teller) tell(ctx context.Context) {
	for w := t.next(); w != nil; w = t.next() {
		w.tellFailure(ctx)
	}
}

func (t *Teller) next() *Watch {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queued) == 0 {
		return nil
	}
	w := t.queued[0]
	t.queued[0], t.queued = nil, t.queued[1:]
	delete(t.is, w)
	return w
}

func (t *Teller) queue(w *Watch) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.is[w] {
		return
	}
	t.is[w] = true
	t.queued = append(t.queued, w)
	select {
	case t.some <- struct{}{}:
	default:
	}
}
