// Package aside lets a caller stop waiting for others' code when a context ends, even if that code
// ignores the context. http.Transport does not tie the body of a 101, a connection, to its request;
// the bodies of other transports do as they like.
package aside

import "context"

// Run runs f, and returns its value and true. If ctx ends first it returns false, leaves f behind,
// and has late clean up what f returns. If f panics in time, so does Run; a panic that comes later is
// dropped. If f ends its goroutine, Run returns the zero value and true.
func Run[T any](ctx context.Context, f func() T, late func(T)) (T, bool) {
	type result struct {
		value    T
		panicked any
	}
	done := make(chan result)
	go func() {
		var r result
		defer func() {
			r.panicked = recover()
			select {
			case done <- r:
			case <-ctx.Done():
				if r.panicked == nil {
					late(r.value)
				}
			}
		}()
		r.value = f()
	}()

	select {
	case r := <-done:
		if r.panicked != nil {
			panic(r.panicked)
		}
		return r.value, true
	case <-ctx.Done():
		var none T
		return none, false
	}
}
