package tokencache

import "time"

// isClosed peeks at a channel on which nothing is ever sent.
func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// closeOnce closes ch unless it is closed. The caller holds the mutex that guards ch.
func closeOnce(ch chan struct{}) {
	if !isClosed(ch) {
		close(ch)
	}
}

// bell wakes all who wait: ringing closes the channel that they were given. The zero bell is one that
// nobody waits for. The caller holds the mutex that guards it.
type bell struct{ ch chan struct{} }

// next is closed when the bell rings next.
func (b *bell) next() <-chan struct{} {
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *bell) ring() {
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

// sleepUnless returns false if the channel was closed first.
func sleepUnless(over <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-over:
		return false
	}
}
