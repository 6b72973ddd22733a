package transport_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/transport"
)

func TestBounds(t *testing.T) {
	got := transport.New(transport.Config{})
	assert.True(t, got.DisableKeepAlives)
	assert.True(t, got.ForceAttemptHTTP2)
	assert.Equal(t, 5*time.Second, got.TLSHandshakeTimeout)
	assert.Equal(t, 20*time.Second, got.ResponseHeaderTimeout)
	assert.Equal(t, int64(64<<10), got.MaxResponseHeaderBytes)
	assert.NotSame(t, http.DefaultTransport, got)
}

// both are what there is, by name.
var both = map[string]func(transport.Config) *http.Transport{"for tokens": transport.New, "pooled": transport.NewPooled}

func TestBoundsOfPooled(t *testing.T) {
	got := transport.NewPooled(transport.Config{})
	assert.False(t, got.DisableKeepAlives)
	assert.True(t, got.DisableCompression)
	assert.True(t, got.ForceAttemptHTTP2)
	assert.Equal(t, []int{512, 128, 0}, []int{got.MaxIdleConns, got.MaxIdleConnsPerHost, got.MaxConnsPerHost})
	assert.Equal(t, 60*time.Second, got.IdleConnTimeout)
	assert.Equal(t, 5*time.Second, got.TLSHandshakeTimeout)
	assert.Equal(t, time.Second, got.ExpectContinueTimeout)
	assert.Zero(t, got.ResponseHeaderTimeout, "an API may take its time")
	assert.Equal(t, int64(64<<10), got.MaxResponseHeaderBytes)
	assert.Equal(t, http.HTTP2Config{
		SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second,
		MaxReceiveBufferPerStream: 256 << 10, MaxReceiveBufferPerConnection: 64 << 20,
	}, *got.HTTP2)
	assert.NotSame(t, http.DefaultTransport, got)
	assert.True(t, transport.New(transport.Config{}).DisableKeepAlives, "nothing has leaked into the others")
}

// One connection serves call after call, by either version of HTTP; that for tokens makes a new one each time.
func TestConnectionsAreKept(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		var peers []string // one call follows the other
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			peers = append(peers, r.Proto+" "+r.RemoteAddr)
		}))
		server.EnableHTTP2 = http2
		server.StartTLS()
		defer server.Close()
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		pooled, single := transport.NewPooled(transport.Config{Roots: roots}), transport.New(transport.Config{Roots: roots})
		defer pooled.CloseIdleConnections()
		for _, by := range []*http.Transport{pooled, pooled, single, single} {
			roundTrip(t, by, server.URL)
		}
		require.Len(t, peers, 4)
		assert.Equal(t, peers[0], peers[1])
		assert.NotEqual(t, peers[2], peers[3])
		assert.Contains(t, peers[0], map[bool]string{false: "HTTP/1.1 ", true: "HTTP/2.0 "}[http2])
	}
}

// What is compressed stays so: whoever has asked for it knows what to do with it.
func TestBodiesPassAsTheyAre(t *testing.T) {
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Accept-Encoding")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "compressed")
	}))
	defer server.Close()
	pooled := transport.NewPooled(transport.Config{})
	defer pooled.CloseIdleConnections()
	assert.Equal(t, "compressed", roundTrip(t, pooled, server.URL))
	assert.Empty(t, <-asked)
}

// Every request goes to the proxy of the config, one for this host too, with the user and password
// of its URL.
func TestProxy(t *testing.T) {
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Proxy-Authorization") + " " + r.URL.String()
		_, _ = io.WriteString(w, "by the proxy")
	}))
	defer proxy.Close()
	u, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	u.User = url.UserPassword("me", "pass word")
	for name, made := range both {
		by := made(transport.Config{Proxy: u})
		assert.Equal(t, "by the proxy", roundTrip(t, by, "http://127.0.0.1:1/x"), name)
		assert.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("me:pass word"))+" http://127.0.0.1:1/x", <-asked, name)
		by.CloseIdleConnections()
	}
}

// https:// through a proxy is a tunnel.
func TestTunnel(t *testing.T) {
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		conn, rw, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			defer conn.Close()
			writeForbidden(t, rw)
		}
	}))
	defer proxy.Close()
	u, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	for name, made := range both {
		resp, err := made(transport.Config{Proxy: u}).RoundTrip(httptest.NewRequest(http.MethodGet, "https://issuer.invalid/", nil))
		if resp != nil {
			resp.Body.Close()
		}
		require.EqualError(t, err, "Forbidden", name)
		assert.Equal(t, "CONNECT issuer.invalid:443", <-asked, name)
	}
}

func writeForbidden(t *testing.T, rw *bufio.ReadWriter) {
	t.Helper()
	_, err := rw.WriteString("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
	assert.NoError(t, err)
	assert.NoError(t, rw.Flush())
}

// A server of a private authority is trusted by its Roots alone.
func TestRoots(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for name, made := range both {
		by := made(transport.Config{Roots: roots})
		assert.Equal(t, "hello", roundTrip(t, by, server.URL), name)
		by.CloseIdleConnections()
		assert.Nil(t, made(transport.Config{}).TLSClientConfig.RootCAs, "nothing has leaked into other transports")
	}
}

func roundTrip(t *testing.T, by http.RoundTripper, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := by.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}

// Who calls by HTTP/2 and reads nothing of the answers does not have them held by the megabyte.
func TestAnswersThatNobodyReads(t *testing.T) {
	var sent atomic.Int64
	full := make(chan struct{}, 1000)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		part := make([]byte, 16<<10)
		for {
			n, err := w.Write(part)
			sent.Add(int64(n))
			if err != nil {
				return
			}
			full <- struct{}{}
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	pooled := transport.NewPooled(transport.Config{Roots: roots})
	defer pooled.CloseIdleConnections()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	resp, err := pooled.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, 2, resp.ProtoMajor)
	for quiet := false; !quiet; {
		select {
		case <-full:
		case <-time.After(300 * time.Millisecond): // the window is full; a slow machine makes the figure smaller, not larger
			quiet = true
		}
	}
	assert.LessOrEqual(t, sent.Load(), int64(512<<10))
}
