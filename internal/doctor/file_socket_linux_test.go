package doctor

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A service that takes no more connections is there all the same. (On macOS the kernel says otherwise.)
func TestSocketWithAFullQueue(t *testing.T) {
	t.Parallel()
	path := filepath.Join(folderOfSockets(t), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	require.NoError(t, unix.Listen(fd, 1))
	for err == nil {
		var conn net.Conn
		if conn, err = net.DialTimeout("unix", path, time.Second); err == nil {
			defer conn.Close()
		}
	}
	require.ErrorIs(t, err, unix.EAGAIN)
	f := socketCheck(t.Context(), path, 0o660)
	assert.Equal(t, checkFail, f.Status)
	assert.Contains(t, f.Found, "in use by something that does not answer: ")
}
