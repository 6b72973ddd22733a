package listen_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

func TestABodyThatStallsInHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := servePipes2(t, func(w http.ResponseWriter, r *http.Request) {
			assert.NoError(t, http.NewResponseController(w).EnableFullDuplex())
			time.Sleep(time.Hour)
			began := time.Now()
			body, err := io.ReadAll(r.Body)
			assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
			assert.Equal(t, "body", string(body))
			assert.Equal(t, limit, time.Since(began))
			http.Error(w, "you stalled", http.StatusRequestTimeout)
		})
		body, sender := io.Pipe()
		go func() { _, _ = io.WriteString(sender, "body") }()
		assert.Equal(t, "408 you stalled\n", client.post(t, body))
		_ = sender.Close()
		assert.Equal(t, 1, client.dialed, "and the connection lives on")
	})
}

func TestABodyThatComesSlowlyInHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := servePipes2(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				return
			}
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			time.Sleep(time.Hour)
			_, _ = fmt.Fprint(w, string(body), r.Context().Err())
		})
		body, sender := io.Pipe()
		go func() {
			for range 100 {
				time.Sleep(limit - 1)
				_, _ = io.WriteString(sender, "b")
			}
			_ = sender.Close()
		}()
		assert.Equal(t, "200 "+strings.Repeat("b", 100)+"<nil>", client.post(t, body))
	})
}

func TestAResponseThatNobodyTakesInHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := servePipes2(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				ok(w, r)
				return
			}
			_, err := w.Write(make([]byte, 1<<20)) // the client lets it send 4 MiB
			assert.NoError(t, err)
			time.Sleep(time.Hour)
			began := time.Now()
			_, err = io.Copy(w, zeros{})
			assert.ErrorContains(t, err, "i/o timeout")
			assert.ErrorIs(t, r.Context().Err(), context.Canceled)
			assert.Equal(t, limit, time.Since(began))
		})
		response, err := client.Get("https://127.0.0.1/")
		require.NoError(t, err)
		defer response.Body.Close()
		time.Sleep(time.Hour + limit + time.Second) // and less than the IdleTimeout
		_, err = io.Copy(io.Discard, response.Body)
		assert.ErrorContains(t, err, "stream ID 1; INTERNAL_ERROR")
		assert.Equal(t, "200 OK", client.post(t, http.NoBody), "other streams of the connection go on")
		assert.Equal(t, 1, client.dialed)
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestAStreamThatIsSilentForLongInHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := servePipes2(t, silent(t))
		body, sender := io.Pipe()
		defer sender.Close()
		assert.Equal(t, "200 "+said, client.post(t, body), "whose body nobody reads")
		assert.Equal(t, "200 "+said, client.post(t, http.NoBody))
		assert.Equal(t, 1, client.dialed)
	})
}

// A client need not even let the server send what it holds back until the handler returns.
func TestAShortResponseThatNobodyTakesInHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authority := newAuthority(t)
		p := servePipes(t, watched(listen.Config{TLS: listen.NewTLS(authority.identity(t, nil))}), ok)
		conn := tls.Client(p.dial(t), authority.trusting("h2"))
		go func() { _, _ = io.WriteString(conn, withoutWindow) }()
		began := time.Now()
		for kind := byte(0); kind != resetStream; {
			kind = frame(t, conn)
		}
		assert.Equal(t, limit, time.Since(began))
	})
}

// HTTP/2 bounds that for the whole connection, and would be done with it in 10 s.
func TestAConnectionThatNobodyReadsInHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authority := newAuthority(t)
		p := servePipes(t, watched(listen.Config{TLS: listen.NewTLS(authority.identity(t, nil))}), ok)
		below := p.dial(t)
		conn := tls.Client(below, authority.trusting("h2"))
		require.NoError(t, conn.HandshakeContext(t.Context()))
		_, err := io.WriteString(conn, withoutWindow)
		require.NoError(t, err)
		time.Sleep(limit - 1)
		assert.False(t, isOver(below))
		time.Sleep(5*time.Second + 1) // in which TLS tries to say goodbye
		assert.True(t, isOver(below))
	})
}

// GET / of stream 1, by a client that takes no body of a response.
const withoutWindow = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
	"\x00\x00\x06\x04\x00\x00\x00\x00\x00" + "\x00\x04\x00\x00\x00\x00" + // SETTINGS_INITIAL_WINDOW_SIZE 0
	"\x00\x00\x06\x01\x05\x00\x00\x00\x01" + "\x82\x87\x84\x41\x01a" // HEADERS

const resetStream = 3

// frame reads one, and returns its type.
func frame(t *testing.T, conn net.Conn) byte {
	t.Helper()
	var header [9]byte
	_, err := io.ReadFull(conn, header[:])
	require.NoError(t, err)
	size := int64(header[0])<<16 | int64(header[1])<<8 | int64(header[2])
	_, err = io.CopyN(io.Discard, conn, size)
	require.NoError(t, err)
	return header[3]
}

// client2 speaks HTTP/2 in a bubble.
type client2 struct {
	*http.Client
	dialed int
}

func servePipes2(t *testing.T, handler http.HandlerFunc) *client2 {
	t.Helper()
	authority := newAuthority(t)
	p := servePipes(t, watched(listen.Config{TLS: listen.NewTLS(authority.identity(t, nil))}), func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "HTTP/2.0", r.Proto)
		handler(w, r)
	})
	c := &client2{}
	transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
		c.dialed++
		return tls.Client(p.dial(t), authority.trusting("h2")), nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	c.Client = &http.Client{Transport: transport}
	return c
}

// post returns the status and the body.
func (c *client2) post(t *testing.T, body io.Reader) string {
	t.Helper()
	response, err := c.Post("https://127.0.0.1/", "text/plain", body)
	require.NoError(t, err)
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.Status[:4] + string(all)
}
