package listen

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/peer"
)

// Conditions that callers may want to tell apart.
var (
	ErrInUse  = errors.New("address in use")          // of Open: somebody listens there
	ErrCutOff = errors.New("requests were cut off")   // of Serve: Grace was too short for them
	errServed = errors.New("serve was called before") // a Listener serves once
)

// A Listener listens on one address or Unix socket. Its methods may be called concurrently.
type Listener struct {
	config Config
	net    net.Listener
	served atomic.Bool
}

// Open listens, and accepts nothing yet: call Serve, or Close. The context bounds how long it looks up a
// host and tries a socket that is there already, a second or so at most. The error says what to do,
// and is ErrInUse if somebody listens there.
func Open(ctx context.Context, config Config) (*Listener, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	opened, err := open(ctx, config.withDefaults())
	if err != nil {
		return nil, err
	}
	return &Listener{config: config.withDefaults(), net: opened}, nil
}

func open(ctx context.Context, config Config) (net.Listener, error) {
	if config.Socket != "" {
		return openSocket(ctx, config.Socket, config.SocketMode)
	}
	return openTCP(ctx, config.Address)
}

// Addr is where it listens, with the port that was taken for port 0.
func (l *Listener) Addr() net.Addr { return l.net.Addr() }

// Close gives up a Listener that does not serve, and removes its socket. One that serves ends, with
// net.ErrClosed from Serve: end its context instead. After Serve it does nothing.
func (l *Listener) Close() error {
	if err := l.net.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Serve answers with handler until ctx ends. Then it accepts nothing more, closes connections
// without a request, lets requests under way finish, those with a hijacked connection included, and closes.
// It returns nil if all of them did, ErrCutOff if some did not within nine tenths of Config.Grace, or the
// error that ended it early. All goroutines have ended when it returns, except handlers that go on
// after their contexts have ended.
//
// Handlers' contexts carry the values of ctx, the uid of a client on a Unix socket (see
// [peer.PeerOf]), and end with the connection. Call it once.
func (l *Listener) Serve(ctx context.Context, handler http.Handler) error {
	if l.served.Swap(true) {
		return errServed
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	clients := newConnections(l.config.MaxConnections, l.config.Logger)
	server := l.server(base, clients, handler)

	stopped, stop := context.WithCancelCause(ctx)
	var accepting sync.WaitGroup
	accepting.Go(func() { stop(l.accept(server)) })
	<-stopped.Done()
	failed := context.Cause(stopped)
	if ctx.Err() != nil {
		failed = nil
	}
	cutOff := l.shutDown(server, clients, cancel)
	accepting.Wait()
	return errors.Join(failed, cutOff)
}

func (l *Listener) accept(server *http.Server) error {
	if l.config.TLS != nil {
		return server.ServeTLS(l.net, "", "")
	}
	return server.Serve(l.net)
}

func (l *Listener) server(base context.Context, clients *connections, handler http.Handler) *http.Server {
	server := &http.Server{
		Handler:           newGuard(l.config, clients, handler),
		ReadHeaderTimeout: l.config.ReadHeaderTimeout,
		ReadTimeout:       beforeHandler(l.config, l.config.ReadTimeout),
		WriteTimeout:      beforeHandler(l.config, l.config.WriteTimeout),
		IdleTimeout:       l.config.IdleTimeout,
		MaxHeaderBytes:    l.config.MaxHeaderBytes,
		HTTP2:             http2(l.config),
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       func(ctx context.Context, conn net.Conn) context.Context { return l.introduce(ctx, clients, conn) },
		ConnState:         clients.changed,
		ErrorLog:          errorLog(l.config.Logger),
	}
	if l.config.TLS != nil {
		server.TLSConfig = l.config.TLS.server()
	}
	return server
}

// http2 keeps what a client can make the server hold small: net/http's own limits are a frame of
// 1 MiB and as much of bodies for each connection.
func http2(config Config) *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams:          config.MaxStreams,
		MaxReadFrameSize:              16 << 10,
		MaxReceiveBufferPerConnection: 128 << 10,
		MaxReceiveBufferPerStream:     64 << 10,
		SendPingTimeout:               30 * time.Second, // finds dead clients of streams without a WriteTimeout
		PingTimeout:                   10 * time.Second,
		WriteByteTimeout:              cmp.Or(config.StallTimeout, 10*time.Second), // a client that reads nothing
	}
}

// introduce admits a new connection and notes who it is from.
func (l *Listener) introduce(ctx context.Context, clients *connections, conn net.Conn) context.Context {
	ctx = clients.admit(ctx, conn, time.Now())
	unix, ok := conn.(*net.UnixConn)
	if !ok || !peer.Supported {
		return ctx
	}
	uid, err := peer.UID(unix)
	if err != nil {
		l.config.Logger.DebugContext(ctx, "a client without a uid", "error", err) // it was closed
		return ctx
	}
	return peer.WithPeer(ctx, uid)
}

// shutDown ends all connections within the grace. Handlers that use up nine tenths of it lose their
// contexts, and have the last tenth to answer; then they lose their connections. Those that have hijacked
// theirs are treated alike, but net/http's Shutdown and Close do not know of them.
func (l *Listener) shutDown(server *http.Server, clients *connections, cancel context.CancelFunc) error {
	whole, done := context.WithTimeout(context.Background(), l.config.Grace)
	defer done()
	patient := l.config.Grace / 10 * 9
	polite, politeDone := context.WithTimeout(whole, patient)
	defer politeDone()

	// By the time that net/http calls it, a connection without a request would get no response:
	// see conn.serve. It would hold up the shutdown for 5 s.
	server.RegisterOnShutdown(clients.turnAway)
	err := server.Shutdown(polite)
	clients.wait(polite)
	var cutOff error
	if errors.Is(err, context.DeadlineExceeded) || clients.handled() > 0 {
		cutOff = fmt.Errorf("%w: %d were under way after %v", ErrCutOff, clients.handled(), patient)
		cancel()
		_ = server.Shutdown(whole) // if that ends first, Close does it
	}
	_ = server.Close() // the listener may be closed already
	clients.wait(whole)
	clients.closeHijacked()
	return cutOff
}

// raw is the connection below TLS.
func raw(conn net.Conn) net.Conn {
	if secured, ok := conn.(*tls.Conn); ok {
		return secured.NetConn()
	}
	return conn
}
