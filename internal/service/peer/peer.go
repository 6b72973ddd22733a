// Package peer knows which user is at the other end of a Unix socket. The listener asks the kernel
// once for each connection and puts the uid into its context; whoever decides what a client may do
// reads it there. No client can lie about it: the kernel noted the uid when the client connected.
package peer

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// ErrUnsupported means that this system, such as Windows, does not tell the uid of a peer.
var ErrUnsupported = errors.New("this system does not tell which user connects to a unix socket: identify clients by secret or certificate")

type uidKey struct{}

// WithPeer returns a context that carries the uid of the client.
func WithPeer(ctx context.Context, uid uint32) context.Context {
	return context.WithValue(ctx, uidKey{}, uid)
}

// PeerOf returns the uid that WithPeer put into ctx. Without one, as over TCP, it returns false:
// look at that first, since 0 is root.
func PeerOf(ctx context.Context) (uint32, bool) {
	uid, ok := ctx.Value(uidKey{}).(uint32)
	return uid, ok
}

// UID asks the kernel for the effective uid that the peer of a connected Unix socket had when it
// connected. It costs one system call. On other systems than Linux, macOS and FreeBSD it returns
// ErrUnsupported; see [Supported].
func UID(conn syscall.Conn) (uint32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("uid of the peer: %w", err)
	}
	var uid uint32
	var asked error
	if err := raw.Control(func(fd uintptr) { uid, asked = uidOf(int(fd)) }); err != nil {
		return 0, fmt.Errorf("uid of the peer: %w", err)
	}
	if asked != nil {
		return 0, fmt.Errorf("uid of the peer: %w", asked)
	}
	return uid, nil
}
