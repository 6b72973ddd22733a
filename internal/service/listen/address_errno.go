//go:build !windows

package listen

import "syscall"

const (
	addressInUse   = syscall.EADDRINUSE
	addressNotHere = syscall.EADDRNOTAVAIL
	refused        = syscall.ECONNREFUSED
	queueFull      = syscall.EAGAIN
)
