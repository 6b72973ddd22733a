// Package aside ends a wait for others' code with a context, also where that code does not
// look at it: a body that came with 101 is a connection that http.Transport does not tie to
// the request, and the bodies of other transports do as they like.
package aside

import "context"

// Run returns what f does, and false if ctx ended first. Then f is left behind, and late gets
// what it returns, to clean up. A panic of f is the caller's, unless it comes late.
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
