package tokencache

import "time"

// aside runs f in a goroutine of its own, and returns the channel on which its result comes:
// whoever has no more time leaves it behind. If f panics, or ends without a result, the result
// is instead's, which is told the panic's value, or nil.
func aside[T any](f func() T, instead func(panicked any) T) <-chan T {
	done := make(chan T, 1)
	go func() {
		returned := false
		var result T
		defer func() {
			if p := recover(); !returned { // nil: runtime.Goexit
				result = instead(p)
			}
			done <- result
		}()
		result = f()
		returned = true
	}()
	return done
}

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

// bell wakes all who wait: ringing closes its channel, and the next to wait take a new one.
type bell struct{ ch chan struct{} }

func newBell() bell { return bell{make(chan struct{})} }

func (b *bell) ring() {
	close(b.ch)
	b.ch = make(chan struct{})
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
