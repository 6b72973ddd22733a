//go:build unix

package sdnotify_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/sdnotify"
)

func TestWhatTheManagerHears(t *testing.T) {
	next := manager(t)

	require.NoError(t, sdnotify.Ready())
	assert.Equal(t, "READY=1", next())
	require.NoError(t, sdnotify.Stopping())
	assert.Equal(t, "STOPPING=1", next())
	require.NoError(t, sdnotify.Alive())
	assert.Equal(t, "WATCHDOG=1", next())
	require.NoError(t, sdnotify.Reloading())
	assert.Regexp(t, `^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\n$`, next())
}

func TestWithoutAManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	for _, tell := range []func() error{sdnotify.Ready, sdnotify.Reloading, sdnotify.Stopping, sdnotify.Alive} {
		assert.NoError(t, tell())
	}
}

func TestAManagerThatIsGone(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "none"))
	assert.ErrorContains(t, sdnotify.Ready(), "NOTIFY_SOCKET: the service manager was not told")
}

func TestWatchdogWithin(t *testing.T) {
	own, other := strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getpid()+1)
	for _, c := range []struct {
		edge, usec, pid string
		within          time.Duration
		err             string
	}{
		{edge: "no watchdog"},
		{edge: "ours", usec: "60000000", pid: own, within: time.Minute},
		{edge: "of whoever is there", usec: "1", within: time.Microsecond},
		{edge: "another process'", usec: "60000000", pid: other},
		{edge: "no number", usec: "1min", pid: own, err: "WATCHDOG_USEC and WATCHDOG_PID"},
		{edge: "no time", usec: "0", pid: own, err: "WATCHDOG_USEC and WATCHDOG_PID"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			t.Setenv("WATCHDOG_USEC", c.usec)
			t.Setenv("WATCHDOG_PID", c.pid)
			within, err := sdnotify.WatchdogWithin()
			assert.Equal(t, c.within, within)
			if c.err == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, c.err)
		})
	}
}

// manager listens in the place of systemd. The function returns its next message.
func manager(t *testing.T) (next func() string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd") // t.TempDir is too long a path for a socket on macOS
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", address.Name)
	return func() string {
		t.Helper()
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		message := make([]byte, 4096)
		n, err := conn.Read(message)
		require.NoError(t, err)
		return string(message[:n])
	}
}
