// Package pause waits for a time, for less if there is news, and not beyond a context.
package pause

import (
	"context"
	"time"
)

// For waits for d, or until early has something or is closed; nil: nothing ends the wait early. It is false if ctx
// ends first. If both have happened, either may count: loops that must not go on ask ctx again.
func For(ctx context.Context, d time.Duration, early <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-early:
	case <-timer.C:
	}
	return true
}
