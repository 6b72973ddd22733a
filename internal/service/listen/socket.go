package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// defaultSocketMode lets in this user, and root.
const defaultSocketMode fs.FileMode = 0o600

// socket is a Unix socket that removes its own file, and no other.
type socket struct {
	*net.UnixListener
	path   string
	file   fs.FileInfo // as it was made
	remove sync.Once
}

// openSocket makes the socket while it holds the lock of the directory, so that of two processes
// that start at once, only one takes the place of a dead third.
func openSocket(ctx context.Context, path string, mode fs.FileMode) (*socket, error) {
	if err := checkSocket(path, mode); err != nil {
		return nil, err
	}
	unlock := lockDirectory(ctx, filepath.Dir(path))
	defer unlock()
	if err := makeWay(ctx, path); err != nil {
		return nil, err
	}
	listener, err := bind(ctx, path, mode)
	if err != nil {
		return nil, explainSocket(path, err)
	}
	file, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(explainSocket(path, err), listener.Close())
	}
	return &socket{UnixListener: listener, path: path, file: file}, nil
}

func checkSocket(path string, mode fs.FileMode) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("socket %q: write an absolute path, such as /run/onetoken/tokens.sock", path)
	}
	if len(path) > LongestSocket {
		return fmt.Errorf("socket %s: the path has %d bytes, and this system takes %d: choose a shorter one", path, len(path), LongestSocket)
	}
	return checkSocketMode(mode)
}

// makeWay removes the socket of a dead process, and nothing else.
func makeWay(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return explainSocket(path, err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("socket %s: there is something else of that name: move it away, or choose another path", path)
	}
	dead, err := IsDead(ctx, path)
	if err != nil || !dead {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explainSocket(path, err)
	}
	return nil
}

// A try of a socket is answered by the kernel, at once.
const tryTimeout = time.Second

// IsDead reports whether the process is gone that listened at a socket. It connects: without a process behind
// it, the kernel refuses. (So does the one of macOS if more clients wait than fit into its queue; a door that is
// that busy is taken for dead there.) The error is ErrInUse if somebody listens, also if more clients wait than
// fit into the queue; [fs.ErrPermission] if this user may not connect; else why it cannot be told, such as ctx's.
func IsDead(ctx context.Context, path string) (bool, error) {
	dialer := net.Dialer{Timeout: tryTimeout}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
		return false, inUse(path)
	}
	switch {
	case errors.Is(err, refused), errors.Is(err, fs.ErrNotExist):
		return true, nil
	case errors.Is(err, queueFull):
		return false, inUse(path)
	case errors.Is(err, fs.ErrPermission):
		return false, fmt.Errorf("socket %s: %w: another user's socket is there, and this one may not try whether it is in use: remove it, or choose another path", path, fs.ErrPermission)
	}
	return false, fmt.Errorf("socket %s: cannot tell whether the one that is there is in use: remove it, or choose another path: %w", path, err)
}

func inUse(path string) error {
	return fmt.Errorf("%w: %s: another process listens there: stop it, or choose another path", ErrInUse, path)
}

// Close removes the file and stops listening, in this order: a successor that still gets a connection
// gives up, and one that does not finds no file. The check is sound while the socket is open, because
// until then no other file can have its inode.
func (s *socket) Close() error {
	s.remove.Do(func() {
		unlock := lockDirectory(context.Background(), filepath.Dir(s.path))
		defer unlock()
		now, err := os.Lstat(s.path)
		if err == nil && os.SameFile(s.file, now) {
			_ = os.Remove(s.path) // what is left behind is replaced at the next start
		}
	})
	return s.UnixListener.Close()
}
