package transport_test

import (
	"bufio"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	assert.Equal(t, "by the proxy", get(t, transport.Config{Proxy: u}, "http://127.0.0.1:1/x"))
	assert.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("me:pass word"))+" http://127.0.0.1:1/x", <-asked)
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
	resp, err := transport.New(transport.Config{Proxy: u}).RoundTrip(httptest.NewRequest(http.MethodGet, "https://issuer.invalid/", nil))
	if resp != nil {
		resp.Body.Close()
	}
	require.EqualError(t, err, "Forbidden")
	assert.Equal(t, "CONNECT issuer.invalid:443", <-asked)
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
	assert.Equal(t, "hello", get(t, transport.Config{Roots: roots}, server.URL))
	assert.Nil(t, transport.New(transport.Config{}).TLSClientConfig.RootCAs, "nothing has leaked into other transports")
}

func get(t *testing.T, c transport.Config, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := transport.New(c).RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}
