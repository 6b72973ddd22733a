package listen_test

import (
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

// Another user tries all the time while sockets come and go, with a umask that takes nothing away.
func TestNobodyElseConnectsAtAnyMoment(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can act as another user")
	}
	dir := socketDir(t)
	require.NoError(t, os.Chmod(dir, 0o755))
	path := filepath.Join(dir, "s")
	defer syscall.Umask(syscall.Umask(0))
	var over atomic.Bool
	tried := make(chan map[error]int)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its user
		if _, err := unix.SetfsuidRetUid(65534); err != nil {
			tried <- map[error]int{err: 1}
			return
		}
		outcomes := make(map[error]int)
		for !over.Load() {
			outcomes[connect(path)]++
		}
		tried <- outcomes
	}()
	for range 500 {
		listener, err := listen.Open(t.Context(), listen.Config{Socket: path})
		require.NoError(t, err)
		require.NoError(t, listener.Close())
	}
	over.Store(true)
	outcomes := <-tried
	assert.Zero(t, outcomes[nil], "it was let in")
	assert.NotZero(t, outcomes[unix.EACCES], "it was never there at the right moment: %v", outcomes)
}

// connect does what net.Dial does, on this thread.
func connect(path string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Connect(fd, &unix.SockaddrUnix{Name: path})
}
