//go:build unix

package listen_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/onetoken-go/onetoken/internal/service/listen"
	"github.com/onetoken-go/onetoken/internal/service/peer"
)

// listenerPath is for a process that the tests start: where it listens.
const listenerPath = "LISTEN_TEST_SOCKET"

func TestMain(m *testing.M) {
	if path := os.Getenv(listenerPath); path != "" {
		another(path)
	}
	os.Exit(m.Run())
}

// another is a process that listens until it is killed.
func another(path string) {
	listener, err := listen.Open(context.Background(), listen.Config{Socket: path})
	fmt.Println(err)
	if err == nil {
		_ = listener.Serve(context.Background(), http.HandlerFunc(ok))
	}
	os.Exit(0)
}

func TestTheModeIsAsConfigured(t *testing.T) {
	for _, umask := range []int{0, 0o077, 0o777} {
		for configured, want := range map[fs.FileMode]fs.FileMode{0: 0o600, 0o660: 0o660, 0o666: 0o666, 0o600: 0o600} {
			t.Run(fmt.Sprintf("umask %#o, mode %#o", umask, configured), func(t *testing.T) {
				path := filepath.Join(socketDir(t), "s")
				defer syscall.Umask(syscall.Umask(umask))
				listener, err := listen.Open(t.Context(), listen.Config{Socket: path, SocketMode: configured})
				require.NoError(t, err)
				defer listener.Close()
				info, err := os.Lstat(path)
				require.NoError(t, err)
				assert.Equal(t, fs.ModeSocket|want, info.Mode())
				assert.Equal(t, path, listener.Addr().String())
			})
		}
	}
}

func TestTheClientsUID(t *testing.T) {
	expectNoGoroutines(t)
	path := filepath.Join(socketDir(t), "s")
	s := serve(t, listen.Config{Socket: path}, func(w http.ResponseWriter, r *http.Request) {
		uid, known := peer.PeerOf(r.Context())
		_, _ = fmt.Fprint(w, uid, known)
	})
	want := "200 0 false"
	if peer.Supported {
		want = fmt.Sprintf("200 %d true", os.Getuid())
	}
	client := socketClient(t, path)
	assert.Equal(t, want, get(client, s.url))
	assert.Equal(t, want, get(client, s.url), "also the second on a connection")
}

func TestNoUIDOverTCP(t *testing.T) {
	expectNoGoroutines(t)
	s := serve(t, listen.Config{Address: "127.0.0.1:0"}, func(w http.ResponseWriter, r *http.Request) {
		_, known := peer.PeerOf(r.Context())
		_, _ = fmt.Fprint(w, known)
	})
	assert.Equal(t, "200 false", get(plainClient(t), s.url))
}

func TestTheSocketOfALiveProcessIsLeftAlone(t *testing.T) {
	expectNoGoroutines(t)
	path := filepath.Join(socketDir(t), "s")
	s := serve(t, listen.Config{Socket: path}, ok)
	_, err := listen.Open(t.Context(), listen.Config{Socket: path})
	assert.ErrorIs(t, err, listen.ErrInUse)
	assert.EqualError(t, err, "address in use: "+path+": another process listens there: stop it, or choose another path")
	assert.Equal(t, "200 OK", get(socketClient(t, path), s.url))
}

// A process that was opened and does not accept yet, or is too busy to, is alive as well.
func TestTheSocketOfABusyProcessIsLeftAlone(t *testing.T) {
	path := filepath.Join(socketDir(t), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	require.NoError(t, unix.Listen(fd, 0))
	if full := fillQueue(t, path); !errors.Is(full, unix.EAGAIN) {
		t.Skip("this system does not tell a full queue from a dead process: ", full)
	}
	_, err = listen.Open(t.Context(), listen.Config{Socket: path})
	assert.ErrorIs(t, err, listen.ErrInUse)
	assert.FileExists(t, path)
}

// fillQueue connects until the system has enough, and returns how it says so.
func fillQueue(t *testing.T, path string) error {
	t.Helper()
	for range 10 {
		conn, err := net.Dial("unix", path)
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	return nil
}

func TestTheSocketOfAKilledProcessIsReplaced(t *testing.T) {
	expectNoGoroutines(t)
	path := filepath.Join(socketDir(t), "s")
	process := start(t, path)
	require.Equal(t, "<nil>", process.said)
	_, err := listen.Open(t.Context(), listen.Config{Socket: path})
	require.ErrorIs(t, err, listen.ErrInUse, "it is alive")

	process.kill()
	require.FileExists(t, path, "it could not clean up")
	s := serve(t, listen.Config{Socket: path}, ok)
	assert.Equal(t, "200 OK", get(socketClient(t, path), s.url))
	assert.Contains(t, start(t, path).said, "address in use: ")
}

type process struct {
	said string // its first line
	kill func()
}

// start starts another process that listens at path.
func start(t *testing.T, path string) process {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), listenerPath+"="+path)
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	kill := sync.OnceFunc(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	t.Cleanup(kill)
	said, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return process{strings.TrimSuffix(said, "\n"), kill}
}

func TestWhatIsNoSocketIsLeftAlone(t *testing.T) {
	dir := socketDir(t)
	file, folder, link := filepath.Join(dir, "file"), filepath.Join(dir, "folder"), filepath.Join(dir, "link")
	dead := filepath.Join(dir, "dead")
	leaveDead(t, dead)
	require.NoError(t, os.WriteFile(file, []byte("precious"), 0o600))
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, os.Symlink(dead, link))
	for _, path := range []string{file, folder, link} {
		_, err := listen.Open(t.Context(), listen.Config{Socket: path})
		assert.EqualError(t, err, "socket "+path+": there is something else of that name: move it away, or choose another path")
	}
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(content))
	assert.DirExists(t, folder)
	assert.FileExists(t, dead, "what the link names")
}

func TestADatagramSocketIsLeftAlone(t *testing.T) {
	path := filepath.Join(socketDir(t), "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer conn.Close()
	_, err = listen.Open(t.Context(), listen.Config{Socket: path})
	assert.ErrorContains(t, err, "cannot tell whether the one that is there is in use")
	assert.FileExists(t, path)
}

// leaveDead leaves a socket on which nobody listens.
func leaveDead(t *testing.T, path string) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	listener.SetUnlinkOnClose(false)
	require.NoError(t, listener.Close())
}

func TestASuccessorsSocketSurvivesASlowPredecessor(t *testing.T) {
	expectNoGoroutines(t)
	path := filepath.Join(socketDir(t), "s")
	predecessor, err := listen.Open(t.Context(), listen.Config{Socket: path})
	require.NoError(t, err)
	require.NoError(t, os.Remove(path)) // an impatient administrator
	successor := serve(t, listen.Config{Socket: path}, ok)
	require.NoError(t, predecessor.Close())
	assert.Equal(t, "200 OK", get(socketClient(t, path), successor.url))
	successor.end()
	require.NoError(t, <-successor.done)
	assert.NoFileExists(t, path)
}

func TestOneOfManyTakesThePlaceOfADeadProcess(t *testing.T) {
	for range 20 {
		path := filepath.Join(socketDir(t), "s")
		leaveDead(t, path)
		opened := make([]*listen.Listener, 8)
		var all sync.WaitGroup
		for i := range opened {
			all.Go(func() {
				listener, err := listen.Open(context.Background(), listen.Config{Socket: path})
				if err != nil {
					assert.ErrorIs(t, err, listen.ErrInUse)
				}
				opened[i] = listener
			})
		}
		all.Wait()
		var first *listen.Listener
		for _, listener := range opened {
			if listener == nil {
				continue
			}
			assert.Nil(t, first, "a second one has it as well")
			first = listener
		}
		require.NotNil(t, first)
		conn, err := net.Dial("unix", path)
		require.NoError(t, err)
		_ = conn.Close()
		require.NoError(t, first.Close())
	}
}

// Any user that can read the directory could lock it.
func TestALockOfAnotherIsNotWaitedForForEver(t *testing.T) {
	path := filepath.Join(socketDir(t), "s")
	dir, err := os.Open(filepath.Dir(path))
	require.NoError(t, err)
	defer dir.Close()
	require.NoError(t, unix.Flock(int(dir.Fd()), unix.LOCK_SH))
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that it is no second
	listener, err := listen.Open(ctx, listen.Config{Socket: path})
	require.NoError(t, err)
	require.NoError(t, dir.Close())
	require.NoError(t, listener.Close())
}
