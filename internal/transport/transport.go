// Package transport makes the private HTTP transports that ask issuers, for fetchers and for what
// configures them.
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
)

// New is http.DefaultTransport with tighter bounds. It keeps no connection: a
// call comes every 90 min, by which time a kept one is dead, and a forgotten
// fetcher shall leave nothing open. So it needs no Close, and any number of
// fetchers may share it.
func New(c Config) *http.Transport {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	if d, ok := http.DefaultTransport.(*http.Transport); ok {
		t = d.Clone()
	}
	t.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	t.TLSHandshakeTimeout = tlsTimeout
	t.ResponseHeaderTimeout = headerTimeout
	t.MaxResponseHeaderBytes = maxHeader
	t.DisableKeepAlives = true
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
