package service

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/config"
)

func TestStatusIsGuarded(t *testing.T) {
	for _, c := range []struct {
		edge, local, host string
		secured           bool // by TLS
		certified         bool // a certificate was shown, and verified
		wanted            bool // by status.tls.client_ca_file
		status            int
	}{
		{"by address", "127.0.0.1", "127.0.0.1:8080", false, false, false, 200},
		{"by name of this host", "127.0.0.1", "localhost:8080", false, false, false, 200},
		{"by that, and a dot", "127.0.0.1", "LocalHost.:8080", false, false, false, 200},
		{"by another address", "127.0.0.1", "10.0.0.7:8080", false, false, false, 200},
		{"a page led here, with a name like ours", "127.0.0.1", "localhost.evil.example", false, false, false, 421},
		{"without a name", "127.0.0.1", "", false, false, false, 421},
		{"IPv6", "::1", "[::1]:8080", false, false, false, 200},
		{"a page led here", "127.0.0.1", "evil.example", false, false, false, 421},
		{"by a name from elsewhere", "10.0.0.7", "onetoken:8080", false, false, false, 200},
		{"by a name with TLS", "127.0.0.1", "onetoken.example", true, false, false, 200},
		{"without the certificate that is wanted", "10.0.0.7", "onetoken.example", true, false, true, 403},
		{"with it", "10.0.0.7", "onetoken.example", true, true, true, 200},
	} {
		var d doors
		with := &config.Config{}
		if c.wanted {
			with.Status.TLS = &config.ServerTLS{ClientCA: x509.NewCertPool()}
		}
		d.reload(with)
		r := httptest.NewRequest(http.MethodGet, "/api/status", nil)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(c.local), Port: 8080}))
		r.Host = c.host
		if c.secured {
			r.TLS = &tls.ConnectionState{}
		}
		if c.certified {
			r.TLS.VerifiedChains = [][]*x509.Certificate{{{}}}
		}
		out := httptest.NewRecorder()
		d.guarded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(out, r)
		assert.Equal(t, c.status, out.Code, c.edge)
	}
}
