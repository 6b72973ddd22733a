package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
)

// IsInUse reports whether an error says that another process listens at the address. On Windows
// package syscall's constant of that name is not what the system returns.
func IsInUse(err error) bool { return errors.Is(err, addressInUse) }

// explainTCP says what to do about an address that cannot be listened on.
func explainTCP(address string, err error) error {
	var malformed *net.AddrError
	var unknown *net.DNSError
	switch {
	case IsInUse(err):
		return fmt.Errorf("%w: %s: stop the process that listens there, or choose another port", ErrInUse, address)
	case errors.Is(err, addressNotHere):
		return fmt.Errorf("listen on %s: this machine has no such address: use one of its own, or leave out the host for all of them", address)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("listen on %s: permission denied: choose a port above 1023, or grant CAP_NET_BIND_SERVICE", address)
	case errors.As(err, &malformed):
		return fmt.Errorf("listen on %q: %s: write host:port, such as 127.0.0.1:8081 or [::1]:8081", address, malformed.Err)
	case errors.As(err, &unknown):
		return fmt.Errorf("listen on %s: the host or the port has no number: write both as numbers, such as 127.0.0.1:8081: %w", address, err)
	}
	return fmt.Errorf("listen on %s: %w", address, err)
}

// explainSocket says what to do about a path that cannot be listened on.
func explainSocket(path string, err error) error {
	switch {
	case IsInUse(err):
		return fmt.Errorf("%w: %s: another process made something there just now: choose another path", ErrInUse, path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("socket %s: there is no directory %s: create it, or set RuntimeDirectory= in the unit", path, filepath.Dir(path))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("socket %s: permission denied: let this user write into %s, or choose another path", path, filepath.Dir(path))
	}
	return fmt.Errorf("socket %s: %w", path, err)
}
