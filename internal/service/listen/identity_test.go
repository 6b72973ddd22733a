package listen_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

func TestNoVerbPrintsTheKey(t *testing.T) {
	identity := newAuthority(t).identity(t, nil)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		assert.Equal(t, "listen.Identity(...)", fmt.Sprintf(verb, identity))
		assert.NotContains(t, fmt.Sprintf(verb, listen.NewTLS(identity)), "CERTIFICATE")
		assert.Less(t, len(fmt.Sprintf(verb, listen.Config{TLS: listen.NewTLS(identity)})), 500)
	}
}

// authority is a CA.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
	pool        *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber:          serial(t),
		Subject:               pkix.Name{CommonName: "authority " + serial(t).String()},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(1000 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	a := &authority{certificate: certificate, key: key, pool: x509.NewCertPool()}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	a.pool.AddCert(certificate)
	return a
}

// issue returns a certificate for servers and clients, and its key, in PEM.
func (a *authority) issue(t testing.TB, name string, life time.Duration) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: serial(t),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(life),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, private.Public(), a.key)
	require.NoError(t, err)
	bytes, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes})
}

// identity is one for 127.0.0.1; clients is who vouches for those, or nil.
func (a *authority) identity(t testing.TB, clients *authority) *listen.Identity {
	t.Helper()
	var cas *x509.CertPool
	if clients != nil {
		cas = x509.NewCertPool()
		cas.AppendCertsFromPEM(clients.pem)
	}
	return listen.NewIdentity(a.client(t, "127.0.0.1", 1000*time.Hour)[0], cas)
}

// client is a certificate that a client shows.
func (a *authority) client(t testing.TB, name string, life time.Duration) []tls.Certificate {
	t.Helper()
	certificate, key := a.issue(t, name, life)
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	return []tls.Certificate{pair}
}

// trusting is the configuration of a client that speaks one protocol.
func (a *authority) trusting(proto string) *tls.Config {
	return &tls.Config{RootCAs: a.pool, ServerName: "127.0.0.1", NextProtos: []string{proto}}
}

func serial(t testing.TB) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	require.NoError(t, err)
	return n
}
