//go:build !unix

package terminal

import "io"

// Gone knows of nobody: that a reader is gone is found out by writing.
func Gone(io.Writer) bool { return false }
