//go:build unix

package terminal

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Gone reports whether nobody reads any more what is written to out, a pipe or a terminal. It writes nothing, and waits for
// nobody.
func Gone(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return false // it is closed
	}
	var polled [1]unix.PollFd // no event is asked for: these are told of in any case
	_ = conn.Control(func(fd uintptr) {
		polled[0].Fd = int32(fd)
		_, _ = unix.Poll(polled[:], 0) // interrupted: the next look asks again
	})
	return polled[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
}
