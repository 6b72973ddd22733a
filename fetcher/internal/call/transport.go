package call

import (
	"net"
	"net/http"
	"time"
)

const (
	dialTimeout   = 5 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 20 * time.Second
	maxHeader     = 64 << 10
)

// NewTransport is http.DefaultTransport with tighter bounds. It keeps no
// connection: a call comes every 90 min, by which time a kept one is dead, and
// a forgotten fetcher shall leave nothing open.
func NewTransport() *http.Transport {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	if d, ok := http.DefaultTransport.(*http.Transport); ok {
		t = d.Clone()
	}
	t.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	t.TLSHandshakeTimeout = tlsTimeout
	t.ResponseHeaderTimeout = headerTimeout
	t.MaxResponseHeaderBytes = maxHeader
	t.DisableKeepAlives = true
	return t
}
