package listen

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// TLS holds the Identity that new connections are made with. Its methods may be called concurrently,
// and several Listeners may share one.
//
// It takes TLS 1.2 and above. No session is resumed: a resumed one keeps the certificate that was
// verified with the CAs of its first handshake, and Go's server does not verify it with those of
// now (https://github.com/golang/go/issues/77217). What it would save is small: clients that ask often
// keep their connection.
type TLS struct{ now atomic.Pointer[Identity] }

// NewTLS begins with an identity.
func NewTLS(identity *Identity) *TLS {
	t := &TLS{}
	t.now.Store(identity)
	return t
}

// Replace makes new connections with another identity. It neither fails nor waits, and with an equal
// identity does nothing.
//
// Connections that are open stay so until a request arrives on them. It is answered as on a new
// connection: a client certificate that the present CAs do not vouch for, or that has ended, is taken
// out of Request.TLS. Its response asks the client to connect anew (Connection: close, or GOAWAY in
// HTTP/2). So nothing is lost on the way, as it would be if idle connections were closed just when a
// request is sent.
func (t *TLS) Replace(identity *Identity) {
	for {
		old := t.now.Load()
		if identity.equal(old) || t.now.CompareAndSwap(old, identity) {
			return
		}
	}
}

var protocols = []string{"h2", "http/1.1"}

// server is the configuration of the server; handshakes are made with that of the identity.
func (t *TLS) server() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		NextProtos:             slices.Clone(protocols),
		SessionTicketsDisabled: true,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			identity := t.now.Load()
			connectionOf(hello.Context()).identity = identity // the handlers start later
			return identity.config, nil
		},
	}
}

// present returns the request as if its connection was made now.
func (t *TLS) present(w http.ResponseWriter, r *http.Request, now time.Time) *http.Request {
	identity := t.now.Load()
	stale := connectionOf(r.Context()).identity != identity
	if stale {
		w.Header().Set("Connection", "close")
	}
	shown := r.TLS.PeerCertificates
	if len(shown) == 0 || !stale && !ended(shown, now) {
		return r
	}
	state := *r.TLS
	state.VerifiedChains = identity.verify(shown, now)
	if state.VerifiedChains == nil {
		state.PeerCertificates = nil
	}
	verified := *r
	verified.TLS = &state
	return &verified
}

func ended(certificates []*x509.Certificate, now time.Time) bool {
	return slices.ContainsFunc(certificates, func(c *x509.Certificate) bool { return now.After(c.NotAfter) })
}
