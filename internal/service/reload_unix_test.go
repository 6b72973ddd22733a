//go:build unix

package service

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever writes a file faster than it can be read is told so, and the service manager that its reload is over.
func TestAConfigurationThatNeverRestsIsRefused(t *testing.T) {
	folder, err := os.MkdirTemp("", "s") // t.TempDir may be longer than a socket's path may
	require.NoError(t, err)
	defer func() { _ = os.RemoveAll(folder) }()
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(folder, "s"), Net: "unixgram"})
	require.NoError(t, err)
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", manager.LocalAddr().String())
	inTown(t, func(t *testing.T, w *town) {
		before := w.revision()
		w.asked.Store(true) // SIGHUP
		for i := range 200 {
			w.write("crm", "secret-of-crm-"+strconv.Itoa(i))
			time.Sleep(200 * time.Millisecond)
		}
		assert.Contains(t, w.refused(), "changes all the time: no two readings in a row were the same for 15s")
		assert.Equal(t, 1, strings.Count(w.log.String(), "the configuration is refused"), "it is told once")
		assert.Equal(t, before, w.revision())
		time.Sleep(3 * time.Second)
		assert.Empty(t, w.refused(), "it rests")
		assert.NotEqual(t, before, w.revision())
	})
	require.NoError(t, manager.SetReadDeadline(time.Now().Add(10*time.Second)))
	said := make([]byte, 100)
	n, err := manager.Read(said)
	require.NoError(t, err)
	assert.Equal(t, "READY=1", string(said[:n]))
}
