package gateway

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

func TestRequestsUnderWay(t *testing.T) {
	var b bounds
	for range mostUnderWay {
		require.True(t, b.begin("bot"))
	}
	assert.False(t, b.begin("bot"))
	assert.True(t, b.begin("notes"), "each has its own")
	b.end("bot")
	assert.True(t, b.begin("bot"))
	for range mostUnderWay {
		b.end("bot")
	}
	b.end("notes")
	assert.Empty(t, b.underWay, "nothing is kept of who has none")
}

// Bodies are kept, so that they can be sent once more, as long as there is room for all of them.
func TestBodiesThatAreKept(t *testing.T) {
	var b bounds
	of := func(length int64) *http.Request { return &http.Request{ContentLength: length} }
	var all []func()
	for range 256 {
		release, ok := b.keep(of(-1))
		require.True(t, ok)
		all = append(all, release)
	}
	_, ok := b.keep(of(1))
	assert.False(t, ok)
	_, ok = b.keep(of(0))
	assert.True(t, ok, "without a body")
	_, ok = b.keep(of(5 << 20))
	assert.True(t, ok, "of which nothing is kept")
	all[0]()
	release, ok := b.keep(of(1 << 20))
	assert.True(t, ok)
	release()
	for _, release := range all[1:] {
		release()
	}
	assert.Zero(t, b.kept.Load())
}

// none has no credential.
type none struct{}

func (none) Find(string) (Credential, bool) { return nil, false }

// Whoever sends a body too slowly loses the connection, whatever comes.
func TestSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		uses := make(chan Use, 1)
		table, err := clients.New(nil, nil)
		require.NoError(t, err)
		g, err := New(Config{Clients: func() *clients.Table { return table }, Vault: none{}, Audit: func(u Use) { uses <- u }})
		require.NoError(t, err)
		ours, theirs := net.Pipe()
		server := &http.Server{Handler: g}
		served := make(chan error, 1)
		l := &oneConn{conn: theirs, done: make(chan struct{})}
		go func() { served <- server.Serve(l) }()
		began := time.Now()
		_, err = fmt.Fprintf(ours, "POST /open-apis/auth/v3/tenant_access_token/internal HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n")
		require.NoError(t, err)
		go func() {
			for {
				if _, err := io.WriteString(ours, " "); err != nil {
					return
				}
				time.Sleep(time.Second - time.Millisecond)
			}
		}()
		answer, _ := io.ReadAll(ours)
		assert.Empty(t, answer)
		assert.Equal(t, readingTakes, time.Since(began))
		assert.Equal(t, Use{Status: http.StatusRequestTimeout, Refused: "slow body"}, <-uses)
		require.NoError(t, server.Shutdown(context.Background()))
		require.ErrorIs(t, <-served, http.ErrServerClosed)
		_ = ours.Close()
		time.Sleep(time.Second) // for whoever writes
	})
}

// oneConn accepts one.
type oneConn struct {
	conn net.Conn
	done chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if conn := l.conn; conn != nil {
		l.conn = nil
		return conn, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	close(l.done)
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }
