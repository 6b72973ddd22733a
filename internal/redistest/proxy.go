package redistest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Proxy is a Link over TCP: it listens on a port of its own, in front of a real
// server, until the test ends. Its BlackHole takes connections and does not
// serve them, as nothing on loopback makes a dial hang.
type Proxy struct {
	*Link
	t      testing.TB
	target string
	addr   string
	ctx    context.Context // of the dials that hang; see Link.BlackHole

	mu       sync.Mutex // guards listener
	listener net.Listener
	serving  sync.WaitGroup
}

// NewProxy makes a Proxy in front of the target, host:port.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &Proxy{Link: newLink(), t: t, target: target, addr: "127.0.0.1:0", ctx: ctx}
	p.listen()
	p.addr = p.listener.Addr().String()
	p.refused = func(on bool) {
		if on {
			p.hangUp()
		} else {
			p.listen()
		}
	}
	t.Cleanup(func() {
		cancel()
		p.Down()
		p.serving.Wait()
		p.Cut() // what was just being connected
	})
	return p
}

// Addr returns host:port to connect to instead of the target.
func (p *Proxy) Addr() string { return p.addr }

// Client returns a client of the target through the proxy, closed when t ends.
func (p *Proxy) Client(t testing.TB, mods ...func(*redis.Options)) *redis.Client {
	return newClient(t, p.addr, mods...)
}

// listen opens the port, again if it was closed.
func (p *Proxy) listen() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return
	}
	l, err := net.Listen("tcp", p.addr)
	for deadline := time.Now().Add(2 * time.Second); err != nil && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
		l, err = net.Listen("tcp", p.addr)
	}
	if err != nil {
		p.t.Errorf("proxy: %v", err)
		return
	}
	p.listener = l
	p.serving.Go(func() { p.accept(l) })
}

// hangUp closes the port, so that the kernel refuses connections.
func (p *Proxy) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
}

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		p.serving.Go(func() { p.connect(client) })
	}
}

func (p *Proxy) connect(client net.Conn) {
	if err := p.admit(p.ctx); err != nil {
		reset(client)
		return
	}
	server, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		reset(client)
		return
	}
	p.join(client, server)
}

// reset closes a connection as a process that dies does.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
