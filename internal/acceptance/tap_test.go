package acceptance_test

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// tap relays connections to a server, and keeps what passes: each direction of each connection by itself,
// so that nothing is torn by what comes the other way.
type tap struct {
	url    string
	target string

	mu      sync.Mutex // guards streams
	streams []*stream
	passing sync.WaitGroup
}

// newTap listens in front of the server until the test ends.
func newTap(t *testing.T, server string) *tap {
	t.Helper()
	at, err := url.Parse(server)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &tap{url: "http://" + listener.Addr().String(), target: at.Host}
	p.passing.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			p.passing.Go(func() { p.relay(client) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		p.passing.Wait() // for the clients, which the test has ended by now
	})
	return p
}

func (p *tap) relay(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	var both sync.WaitGroup
	both.Go(func() { p.pass(server, client) })
	both.Go(func() { p.pass(client, server) })
	both.Wait()
}

// pass ends when the sender has closed its half, or with both connections when one of them is broken.
func (p *tap) pass(to, from net.Conn) {
	if _, err := io.Copy(to, io.TeeReader(from, p.keep())); err != nil {
		to.Close()
		from.Close()
		return
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

func (p *tap) keep() *stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := new(stream)
	p.streams = append(p.streams, s)
	return s
}

// contains reports whether the text has passed, whole.
func (p *tap) contains(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.streams, func(s *stream) bool { return s.contains(text) })
}

// find returns the first group of what matches in some stream; nil if nothing does.
func (p *tap) find(pattern interface{ FindSubmatch([]byte) [][]byte }) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.streams {
		if found := s.find(pattern); found != nil {
			return found
		}
	}
	return nil
}

// stream is one direction of a connection.
type stream struct {
	mu  sync.Mutex // guards all
	all bytes.Buffer
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(p)
}

func (s *stream) contains(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Contains(s.all.Bytes(), []byte(text))
}

func (s *stream) find(pattern interface{ FindSubmatch([]byte) [][]byte }) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := pattern.FindSubmatch(s.all.Bytes()); found != nil {
		return bytes.Clone(found[1])
	}
	return nil
}
