//go:build unix

package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// manager listens in the place of systemd.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd") // t.TempDir is too long a path for a socket on macOS
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &manager{t, conn}
}

// next is the first message that is not about the watchdog; the number of those goes before.
func (m *manager) next() (message string, watchdogs int) {
	m.t.Helper()
	require.NoError(m.t, m.conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	buf := make([]byte, 4096)
	for {
		n, err := m.conn.Read(buf)
		require.NoError(m.t, err)
		if message = string(buf[:n]); message != "WATCHDOG=1" {
			return message, watchdogs
		}
		watchdogs++
	}
}

// watchdogs waits for so many signs of life.
func (m *manager) watchdogs(count int) {
	m.t.Helper()
	require.NoError(m.t, m.conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	buf := make([]byte, 4096)
	for range count {
		n, err := m.conn.Read(buf)
		require.NoError(m.t, err)
		require.Equal(m.t, "WATCHDOG=1", string(buf[:n]))
	}
}

// What deploy/systemd/onetoken.service relies on: the manager hears when the service is ready, that it
// works, that a reading of the configuration begins and ends, also where it is refused, and that it ends.
func TestWhatTheServiceManagerHears(t *testing.T) {
	w, m := newSite(t, 1, time.Hour), newManager(t)
	t.Setenv("NOTIFY_SOCKET", m.conn.LocalAddr().String())
	t.Setenv("WATCHDOG_USEC", "100000")
	w.write("service.yaml", w.configuration(""))
	r := w.start("service.yaml")
	message, before := m.next()
	assert.Equal(t, "READY=1", message)
	assert.Zero(t, before, "the watchdog is not answered before")
	m.watchdogs(3)

	for _, config := range []string{w.configuration(""), "credentials: no list"} {
		w.write("service.yaml", config)
		require.NoError(t, r.cmd.Process.Signal(syscall.SIGHUP))
		message, _ = m.next()
		assert.True(t, strings.HasPrefix(message, "RELOADING=1\nMONOTONIC_USEC="), message)
		message, _ = m.next()
		assert.Equal(t, "READY=1", message)
	}

	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
	message, _ = m.next()
	assert.Equal(t, "STOPPING=1", message)
	require.NoError(t, r.cmd.Wait(), "exit status 0: %s", r.stderr)
}
