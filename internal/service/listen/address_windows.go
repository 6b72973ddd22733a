package listen

import "golang.org/x/sys/windows"

// Package syscall's constants of these names are not what Windows returns.
const (
	addressInUse   = windows.WSAEADDRINUSE
	addressNotHere = windows.WSAEADDRNOTAVAIL
	refused        = windows.WSAECONNREFUSED
	queueFull      = windows.WSAEWOULDBLOCK
)
