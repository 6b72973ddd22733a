package listen

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"
)

// Config says where to listen and within which limits. The zero value of each field but Address and
// Socket is good.
type Config struct {
	// Address is host:port for TCP, such as 127.0.0.1:8081. Port 0 takes any that is free: see
	// Listener.Addr. Exactly one of Address and Socket is set.
	Address string

	// Socket is the absolute path of a Unix socket, such as /run/onetoken/tokens.sock. Its directory
	// has to exist. Whoever may write into that may put another socket in its place.
	Socket string

	// SocketMode is who may connect to Socket; 0 means 0600, this user alone. With 0660 its group
	// may as well. Windows has no modes: there anything else than 0 is an error.
	SocketMode fs.FileMode

	// TLS has the certificates. Without it (nil) Address speaks plain HTTP/1.1; with it, HTTP/2 as
	// well. It cannot be combined with Socket.
	TLS *TLS

	// Logger hears what no caller does. Nil: nobody.
	Logger *slog.Logger

	// MaxHeaderBytes bounds the request line and all headers together, as they are on the wire in
	// HTTP/1.1; 0 means 8 KiB. What is beyond gets a 431. HTTP/2 adds 32 bytes for each field
	// (RFC 9113, 10.5.1), so that many small ones are refused earlier. While it waits for
	// headers, a connection holds at most 8 KiB more than this.
	MaxHeaderBytes int

	// MaxBodyBytes bounds the body of a request; 0 means 64 KiB, a negative number no bound. Reading
	// beyond it returns an *http.MaxBytesError, and the handler answers 413.
	MaxBodyBytes int64

	// ReadHeaderTimeout is how long the headers of a request may take to arrive, and a TLS
	// handshake; 0 means 5 s.
	ReadHeaderTimeout time.Duration

	// ReadTimeout is how long a request may take to arrive with its body; 0 means 10 s, a negative
	// number no limit. The time that the handler takes afterwards does not count.
	ReadTimeout time.Duration

	// WriteTimeout is how long a request may take from the end of its headers to the end of its
	// response, the handler included; 0 means 30 s, a negative number no limit, for responses that are
	// streams. The handler is not told of it: it has to finish in less.
	WriteTimeout time.Duration

	// StallTimeout is how long one read of a request's body, or one write of its response, may make no
	// progress; 0 means no limit. It is for streams, with a ReadTimeout and a WriteTimeout of -1: it cuts
	// off a client that stops in the middle of its body or reads nothing of its response, and no
	// stream in which the handler has nothing to say. Progress in writing is 32 KiB, and the kernel tells of
	// it only when a third of its buffer is free: leave slow clients time for some hundred KiB, such as 30 s.
	//
	// The handler's read or write returns an error. After that of a read, which is
	// os.ErrDeadlineExceeded, it can still answer. Where net/http would read on in a body that the handler
	// has left unread (HTTP/1.1), a client that neither sends nor reads is cut off after twice
	// the time. A handler watches what it hijacks by itself. The kernel does not copy responses
	// (io.ReaderFrom), and HTTP/1.1 has no full duplex (http.ErrNotSupported).
	StallTimeout time.Duration

	// IdleTimeout is how long a connection may wait for its next request; 0 means 1 min.
	IdleTimeout time.Duration

	// Grace is how long Serve takes at most after its ctx has ended; 0 means 10 s. Requests under
	// way have nine tenths of it to finish, those with a hijacked connection included. Then their
	// contexts end, and their handlers have the rest to answer.
	Grace time.Duration

	// MaxConnections bounds the open connections; 0 means 10,000. Beyond it, a new one takes the
	// place of one that waits for a request. Only if all have requests under way is it refused. One that
	// is hijacked counts until the handler returns, whether it is closed before or kept for longer.
	MaxConnections int

	// MaxStreams bounds the requests under way in one HTTP/2 connection; 0 means 100.
	MaxStreams int
}

func (c Config) withDefaults() Config {
	if c.SocketMode == 0 {
		c.SocketMode = defaultSocketMode
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.MaxHeaderBytes = cmp.Or(c.MaxHeaderBytes, 8<<10)
	c.MaxBodyBytes = cmp.Or(c.MaxBodyBytes, 64<<10)
	c.ReadHeaderTimeout = cmp.Or(c.ReadHeaderTimeout, 5*time.Second)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, 10*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, time.Minute)
	c.Grace = cmp.Or(c.Grace, 10*time.Second)
	c.MaxConnections = cmp.Or(c.MaxConnections, 10_000)
	c.MaxStreams = cmp.Or(c.MaxStreams, 100)
	return c
}

// The most bytes of headers that can be asked for: net/http adds to it in 32 bits.
const mostHeaderBytes = 1 << 20

// validate joins all complaints.
func (c Config) validate() error {
	var complaints []error
	complain := func(wrong bool, format string, args ...any) {
		if wrong {
			complaints = append(complaints, fmt.Errorf(format, args...))
		}
	}
	complain(c.Address == "" && c.Socket == "", "nothing to listen on: set Address, such as 127.0.0.1:8081, or Socket, a path")
	complain(c.Address != "" && c.Socket != "", "Address and Socket are both set: open a listener for each")
	complain(c.Socket != "" && c.TLS != nil, "TLS on a Unix socket: leave it out, SocketMode says who may connect")
	complain(c.SocketMode&^fs.ModePerm != 0, "SocketMode %#o: only permissions will do, such as 0660", uint32(c.SocketMode))
	complain(c.MaxHeaderBytes < 0 || c.MaxHeaderBytes > mostHeaderBytes, "MaxHeaderBytes %d: it is between 1 and %d, 0 for 8 KiB", c.MaxHeaderBytes, mostHeaderBytes)
	complain(c.MaxConnections < 0, "MaxConnections %d: it is 1 or more, 0 for 10,000", c.MaxConnections)
	complain(c.MaxStreams < 0, "MaxStreams %d: it is 1 or more, 0 for 100", c.MaxStreams)
	complain(c.ReadHeaderTimeout < 0, "ReadHeaderTimeout %v: it cannot be switched off", c.ReadHeaderTimeout)
	complain(c.StallTimeout < 0, "StallTimeout %v: it is positive, 0 for no limit", c.StallTimeout)
	complain(c.IdleTimeout < 0, "IdleTimeout %v: it cannot be switched off", c.IdleTimeout)
	complain(c.Grace < 0, "Grace %v: it is positive, 0 for 10 s", c.Grace)
	return errors.Join(complaints...)
}
