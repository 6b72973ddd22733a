// Package transport makes the private HTTP transports that ask issuers for tokens, and their APIs on behalf
// of clients, for fetchers and for what configures them.
package transport

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Config of a transport. The zero value is good.
type Config struct {
	// Proxy that every request goes through, whatever its host: http, https, socks5 or socks5h,
	// perhaps with user and password. nil means the proxies of the environment: HTTPS_PROXY,
	// HTTP_PROXY, NO_PROXY.
	Proxy *url.URL

	// Roots are the certificate authorities to trust, of issuers and of a proxy with https. nil
	// means the system's.
	Roots *x509.CertPool
}

const (
	dialTimeout   = 5 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 20 * time.Second
	maxHeader     = 64 << 10

	continueTimeout = time.Second
	idleTimeout     = 60 * time.Second
	maxIdle         = 512
	maxIdlePerHost  = 128
	pingAfter       = 15 * time.Second // of silence
	pingTimeout     = 10 * time.Second
)

// New is http.DefaultTransport with tighter bounds. It keeps no connection: a
// call comes every 90 min, by which time a kept one is dead, and a forgotten
// fetcher shall leave nothing open. So it needs no Close, and any number of
// fetchers may share it.
func New(c Config) *http.Transport {
	t := base(c)
	t.ResponseHeaderTimeout = headerTimeout
	t.DisableKeepAlives = true
	return t
}

// NewPooled is for calls of an issuer's APIs, which come by the hundred a second: it keeps up to 128
// connections to a host that are idle, 512 to all of them, for 60 s. How many are in use at once it does not
// bound, nor how long an answer takes, as an API may need a while: its callers do, by their contexts. What dies
// unseen below HTTP/2, where it would hold up every call on it, is found by a ping after 15 s of silence, and
// given up 10 s later. Bodies pass as they are: it asks for no compression of its own accord, and undoes none. Of an answer
// that nobody reads it holds 256 KiB in HTTP/2, where net/http's default are 4 MiB, and 64 MiB of a connection's all.
//
// It needs no Close, though CloseIdleConnections ends the idle ones early; once nobody calls it any more, the
// last has ended 60 s later. Any number of callers may share it.
func NewPooled(c Config) *http.Transport {
	t := base(c)
	t.MaxIdleConns = maxIdle
	t.MaxIdleConnsPerHost = maxIdlePerHost
	t.IdleConnTimeout = idleTimeout
	t.ResponseHeaderTimeout = 0
	t.ExpectContinueTimeout = continueTimeout
	t.DisableKeepAlives = false
	t.DisableCompression = true
	t.ForceAttemptHTTP2 = true
	t.HTTP2 = &http.HTTP2Config{
		SendPingTimeout: pingAfter, PingTimeout: pingTimeout,
		MaxReceiveBufferPerStream: 256 << 10, MaxReceiveBufferPerConnection: 64 << 20,
	}
	return t
}

// base has what both are to have.
func base(c Config) *http.Transport {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	if d, ok := http.DefaultTransport.(*http.Transport); ok {
		t = d.Clone()
	}
	t.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	t.TLSHandshakeTimeout = tlsTimeout
	t.MaxResponseHeaderBytes = maxHeader
	if c.Proxy != nil {
		t.Proxy = http.ProxyURL(c.Proxy)
	}
	if c.Roots != nil {
		t.TLSClientConfig = withRoots(t.TLSClientConfig, c.Roots)
	}
	return t
}

// withRoots keeps what else a process has set for all its transports.
func withRoots(c *tls.Config, roots *x509.CertPool) *tls.Config {
	if c == nil {
		c = &tls.Config{}
	}
	c = c.Clone()
	c.RootCAs = roots
	return c
}
