//go:build unix

package listen

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// LongestSocket leaves room for the zero byte behind a path.
const LongestSocket = len(unix.RawSockaddrUnix{}.Path) - 1

// HasSocketModes says whether a socket's mode counts on this system.
const HasSocketModes = true

func checkSocketMode(fs.FileMode) error { return nil }

// bind sets the mode before bind and before listen. Linux makes the file with the mode that the socket has before it is
// bound, less the umask, so that the file never allows more than it should. To set it between bind and listen alone
// would leave a moment: a client whose permission the kernel has checked before is let in if listen comes before it
// goes on. Where the kernel does not take a mode for a socket (macOS), that moment stays. Package net does bind and
// listen in one step, and the umask, which would do as well, is that of the whole process.
func bind(_ context.Context, path string, mode fs.FileMode) (*net.UnixListener, error) {
	fd, err := unixSocket()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close() //nolint:errcheck // the listener has a descriptor of its own
	_ = unix.Fchmod(fd, uint32(mode.Perm()))
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	listener, err := listenOn(file, path, mode)
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return listener, nil
}

// unixSocket holds the fork lock, so that no child inherits the descriptor before it is marked.
func unixSocket() (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	return fd, err
}

func listenOn(file *os.File, path string, mode fs.FileMode) (*net.UnixListener, error) {
	if err := os.Chmod(path, mode); err != nil { // the umask may have taken something away
		return nil, err
	}
	if err := unix.Listen(int(file.Fd()), unix.SOMAXCONN); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	listener, err := net.FileListener(file) // which removes no file when it is closed
	if err != nil {
		return nil, err
	}
	return listener.(*net.UnixListener), nil
}
