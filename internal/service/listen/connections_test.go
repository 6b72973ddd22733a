package listen_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

const hello = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// Thousands of such clients lock nobody out, here three of them.
func TestClientsThatSendSlowlyMakeRoom(t *testing.T) {
	expectNoGoroutines(t)
	s := serve(t, listen.Config{Address: "127.0.0.1:0", MaxConnections: 3}, ok)
	var slow []net.Conn
	for range 30 {
		conn := s.dial(t)
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHos")
		slow = append(slow, conn)
	}
	for range 5 {
		assert.Equal(t, "200 OK", ask(t, s.dial(t), hello))
	}
	for _, conn := range slow[:25] {
		assertClosed(t, conn)
	}
}

func TestWhoMakesRoom(t *testing.T) {
	for name, c := range map[string]struct {
		wait   time.Duration // of the one that sends nothing
		closed string
	}{
		"silent beyond patience": {time.Second, "silent"},
		"silent within patience": {time.Second - 1, "first"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := servePipes(t, listen.Config{MaxConnections: 3}, ok)
				first, second := p.dial(t), p.dial(t)
				assert.Equal(t, "200 OK", ask(t, first, hello))
				time.Sleep(time.Second)
				assert.Equal(t, "200 OK", ask(t, second, hello))
				silent := p.dial(t)
				time.Sleep(c.wait)
				assert.Equal(t, "200 OK", ask(t, p.dial(t), hello))
				for name, conn := range map[string]net.Conn{"first": first, "second": second, "silent": silent} {
					assert.Equal(t, name == c.closed, isClosed(t, conn), name)
				}
			})
		})
	}
}

func TestAllHaveRequestsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := &journal{}
		release := make(chan struct{})
		p := servePipes(t, listen.Config{MaxConnections: 2, Logger: journal.logger()}, func(w http.ResponseWriter, r *http.Request) {
			<-release
			ok(w, r)
		})
		var all sync.WaitGroup
		for range 2 {
			conn := p.dial(t)
			all.Go(func() { assert.Equal(t, "200 OK", ask(t, conn, hello)) })
		}
		synctest.Wait()
		const line = "level=WARN msg=\"as many clients as allowed are connected\" allowed=2 closed_waiting=0 refused="
		for range 4 {
			assert.True(t, isClosed(t, p.dial(t)), "one more is refused")
		}
		assert.Equal(t, line+"1\n", journal.String(), "once a minute")
		close(release)
		all.Wait()
		synctest.Wait()
		assert.Equal(t, "200 OK", ask(t, p.dial(t), hello), "now one of the two is idle, and makes room")
	})
}

func TestTheLogOfACrowdEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := &journal{}
		p := servePipes(t, listen.Config{MaxConnections: 1, Logger: journal.logger()}, ok)
		const line = "level=WARN msg=\"as many clients as allowed are connected\" allowed=1 closed_waiting="
		p.dial(t)
		p.dial(t)
		synctest.Wait()
		assert.Equal(t, line+"1 refused=0\n", journal.String())
		time.Sleep(time.Second) // the header timeout has 4 s left
		p.dial(t)
		p.dial(t)
		last := p.dial(t)
		assert.Equal(t, "200 OK", ask(t, last, hello))
		time.Sleep(59 * time.Second) // it stays for a minute
		p.dial(t)
		synctest.Wait()
		assert.Equal(t, line+"1 refused=0\n"+line+"4 refused=0\n", journal.String())
	})
}

func TestConnectionsThatEndMakeRoom(t *testing.T) {
	expectNoGoroutines(t)
	s := serve(t, listen.Config{Address: "127.0.0.1:0", MaxConnections: 1}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hijack" {
			conn, _, err := http.NewResponseController(w).Hijack()
			assert.NoError(t, err)
			_ = conn.Close()
			return
		}
		ok(w, r)
	})
	for range 20 {
		assertClosed(t, sent(t, s, "GET /hijack HTTP/1.1\r\nHost: a\r\n\r\n"))
		assertClosed(t, sent(t, s, "none\r\n\r\n"))
		assertClosed(t, sent(t, s, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
	}
	require.Eventually(t, func() bool { // a client may see the end before the server counts it
		conn := s.dial(t)
		_, _ = io.WriteString(conn, hello) // it may be refused by now
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, within, 10*time.Millisecond)
}

const upgrade = "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

// Net/http forgets of them, so that nothing else bounds them.
func TestAHijackedConnectionCountsUntilItsHandlerReturns(t *testing.T) {
	for name, secured := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release, released := make(chan struct{}), make(chan struct{})
				config, dial := listen.Config{MaxConnections: 2}, func(p servedPipes) net.Conn { return p.dial(t) }
				if secured {
					authority := newAuthority(t)
					config.TLS = listen.NewTLS(authority.identity(t, nil))
					dial = func(p servedPipes) net.Conn { return tls.Client(p.dial(t), authority.trusting("http/1.1")) }
				}
				var kept net.Conn
				p := servePipes(t, config, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/upgrade" {
						ok(w, r)
						return
					}
					conn := switched(t, w)
					if !secured {
						_ = conn.Close() // which changes nothing
					}
					<-release
					kept = conn // nor does this
					close(released)
				})
				first, second := dial(p), dial(p)
				assert.Equal(t, "101 ", ask(t, first, upgrade))
				assert.Equal(t, "200 OK", ask(t, second, hello), "a second fits")
				synctest.Wait()
				third := dial(p)
				assert.Equal(t, "200 OK", ask(t, third, hello))
				assert.True(t, isClosed(t, second), "a third takes the place of the one that waits, and not of the one that is hijacked")
				close(release)
				<-released
				synctest.Wait()
				assert.Equal(t, "200 OK", ask(t, dial(p), hello))
				assert.Equal(t, "200 OK", ask(t, third, hello), "there is room for two again")
				_ = kept.Close()
			})
		})
	}
}

func TestUpgradesBeyondMaxConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 5
		p := servePipes(t, listen.Config{MaxConnections: most}, func(w http.ResponseWriter, r *http.Request) {
			conn := switched(t, w)
			defer conn.Close()
			_, _ = io.Copy(conn, conn)
		})
		var held []net.Conn
		for range most {
			held = append(held, p.dial(t))
			assert.Equal(t, "101 ", ask(t, held[len(held)-1], upgrade))
		}
		for range 3 {
			assert.True(t, isClosed(t, p.dial(t)), "one more is refused")
		}
		for _, conn := range held {
			assert.Equal(t, "echo", echoed(t, conn))
		}
		require.NoError(t, held[0].Close())
		synctest.Wait()
		assert.Equal(t, "101 ", ask(t, p.dial(t), upgrade), "one that ends makes room")
	})
}

// switched hijacks, and answers with 101.
func switched(t *testing.T, w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if assert.NoError(t, err) {
		_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		assert.NoError(t, err)
	}
	return conn
}

// echoed is what comes back.
func echoed(t *testing.T, conn net.Conn) string {
	t.Helper()
	_, err := io.WriteString(conn, "echo")
	require.NoError(t, err)
	back := make([]byte, len("echo"))
	_, err = io.ReadFull(conn, back)
	require.NoError(t, err)
	return string(back)
}

func sent(t *testing.T, s *served, request string) net.Conn {
	t.Helper()
	conn := s.dial(t)
	_, err := io.WriteString(conn, request)
	require.NoError(t, err)
	return conn
}

// pipes is a listener inside a bubble.
type pipes struct {
	waiting chan net.Conn
	closed  chan struct{}
	close   sync.Once
}

func newPipes() *pipes {
	return &pipes{waiting: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) dial(t *testing.T) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	p.waiting <- server
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.waiting:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.close.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

// isClosed says whether the other side has closed the connection, without waiting for it.
func isClosed(t *testing.T, conn net.Conn) bool {
	t.Helper()
	synctest.Wait()
	if conn.SetReadDeadline(time.Now().Add(time.Nanosecond)) != nil {
		return true // so says a pipe of its other end
	}
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	return false
}

// servedPipes is how to reach, and to end, a Listener that serves until the test ends.
type servedPipes struct {
	*pipes
	end  context.CancelFunc
	done chan error // what Serve returned, once
}

func servePipes(t *testing.T, config listen.Config, handler http.HandlerFunc) servedPipes {
	t.Helper()
	p := newPipes()
	return servePipesOn(t, p, p, config, handler)
}

// servePipesOn serves on a listener that is around the pipes.
func servePipesOn(t *testing.T, on net.Listener, p *pipes, config listen.Config, handler http.HandlerFunc) servedPipes {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := servedPipes{pipes: p, end: cancel, done: make(chan error, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.done <- listen.On(on, config).Serve(ctx, handler)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return s
}
