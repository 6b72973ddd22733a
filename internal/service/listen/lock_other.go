//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package listen

import "context"

// lockDirectory does nothing here: two processes that start at the same moment may both take the place
// of a dead third, and then the later one has it.
func lockDirectory(context.Context, string) (unlock func()) { return func() {} }
