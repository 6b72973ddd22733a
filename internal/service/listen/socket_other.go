//go:build !unix

package listen

import (
	"context"
	"fmt"
	"io/fs"
	"net"
)

// LongestSocket leaves room for the zero byte behind a path.
const LongestSocket = 107

// HasSocketModes says whether a socket's mode counts on this system.
const HasSocketModes = false

func checkSocketMode(mode fs.FileMode) error {
	if mode != defaultSocketMode {
		return fmt.Errorf("SocketMode %#o: sockets have no modes on this system: leave it out, and guard the directory", uint32(mode))
	}
	return nil
}

func bind(ctx context.Context, path string, _ fs.FileMode) (*net.UnixListener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	unix := listener.(*net.UnixListener)
	unix.SetUnlinkOnClose(false) // it would remove the file of a successor as well
	return unix, nil
}
