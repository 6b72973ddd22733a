package redistest

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// pipe is a client's end of a net.Pipe that fails as TCP does.
type pipe struct {
	net.Conn
	relay *relay
}

// Write says of a connection that the other side has closed what a socket says.
func (p *pipe) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	if errors.Is(err, io.ErrClosedPipe) {
		err = &net.OpError{Op: "write", Net: "tcp", Addr: address, Err: os.NewSyscallError("write", syscall.EPIPE)}
	}
	return n, err
}

// SetDeadline, SetReadDeadline and SetWriteDeadline are kept a nanosecond later on a shaped
// link. A deadline is mostly that of a ctx, whose timer fires at the same moment: whichever
// came first would decide, anew in each run, whether the client tries once more.
func (p *pipe) SetDeadline(t time.Time) error      { return p.Conn.SetDeadline(p.later(t)) }
func (p *pipe) SetReadDeadline(t time.Time) error  { return p.Conn.SetReadDeadline(p.later(t)) }
func (p *pipe) SetWriteDeadline(t time.Time) error { return p.Conn.SetWriteDeadline(p.later(t)) }

func (p *pipe) later(t time.Time) time.Time {
	if t.IsZero() || p.relay.link.shaped().Request == nil {
		return t
	}
	return t.Add(time.Nanosecond)
}

// SyscallConn makes go-redis check a pooled connection before it uses it, as it
// does with a socket: one that the other side has closed meanwhile is left out.
func (p *pipe) SyscallConn() (syscall.RawConn, error) {
	select {
	case <-p.relay.done:
		return nil, net.ErrClosed
	default:
		return idle{}, nil
	}
}

// idle is a socket with nothing to read.
type idle struct{}

func (idle) Control(func(uintptr)) error    { return nil }
func (idle) Read(func(uintptr) bool) error  { return nil }
func (idle) Write(func(uintptr) bool) error { return nil }
