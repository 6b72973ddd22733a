package peer_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/peer"
)

func TestPeerOf(t *testing.T) {
	_, ok := peer.PeerOf(t.Context())
	assert.False(t, ok, "nobody put a uid there")

	uid, ok := peer.PeerOf(peer.WithPeer(t.Context(), 0))
	assert.True(t, ok, "root is a peer like any other")
	assert.Zero(t, uid)

	uid, ok = peer.PeerOf(peer.WithPeer(t.Context(), 4294967294))
	assert.True(t, ok)
	assert.Equal(t, uint32(4294967294), uid)
}

func TestUIDIsThatOfTheProcessThatConnected(t *testing.T) {
	server, client := pair(t)
	for _, conn := range []*net.UnixConn{server, client} {
		uid, err := peer.UID(conn)
		if !peer.Supported {
			assert.ErrorIs(t, err, peer.ErrUnsupported)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, uint32(os.Getuid()), uid)
	}
}

func TestUIDOfAClosedConnection(t *testing.T) {
	server, _ := pair(t)
	require.NoError(t, server.Close())
	_, err := peer.UID(server)
	assert.ErrorIs(t, err, net.ErrClosed)
}

func TestUIDOfATCPConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()

	uid, err := peer.UID(conn.(*net.TCPConn))
	if err == nil { // Linux answers with the uid that maps to nobody
		assert.NotEqual(t, uint32(os.Getuid()), uid)
	}
}

// pair returns both ends of a connection.
func pair(t *testing.T) (server, client *net.UnixConn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "peer") // t.TempDir is too long a path for a socket on macOS
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	require.NoError(t, err)
	defer listener.Close()
	var dialer net.Dialer
	conn, err := dialer.DialContext(context.Background(), "unix", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	server, err = listener.AcceptUnix()
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	return server, conn.(*net.UnixConn)
}
