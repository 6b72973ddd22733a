package tokencache

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
