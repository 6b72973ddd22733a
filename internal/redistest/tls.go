package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TLSServer is a [Server] whose port speaks TLS alone, and asks clients for a
// certificate of its own authority.
type TLSServer struct {
	*Server
	authority *authority
	folder    string
}

// StartTLSServer starts one with further arguments, such as "--tls-auth-clients",
// "no". It makes its certificates. Without redis-server it does as [StartServer].
func StartTLSServer(t testing.TB, args ...string) *TLSServer {
	t.Helper()
	requireBinary(t)
	s := &TLSServer{authority: newAuthority(t), folder: t.TempDir()}
	s.write(t, "ca.crt", "CERTIFICATE", s.authority.certificate.Raw)
	server := s.authority.issue(t, "redis", x509.ExtKeyUsageServerAuth)
	key, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "redis.crt", "CERTIFICATE", server.Certificate[0])
	s.write(t, "redis.key", "PRIVATE KEY", key)
	s.Server = startServer(t, FreePort, func(server *Server) []string {
		return slices.Concat(server.usual(), []string{
			"--port", "0", "--tls-port", strconv.Itoa(server.port),
			"--tls-ca-cert-file", s.CAFile(),
			"--tls-cert-file", filepath.Join(s.folder, "redis.crt"), "--tls-key-file", filepath.Join(s.folder, "redis.key"),
		}, args)
	})
	return s
}

// CAFile names the file with the authority's certificate.
func (s *TLSServer) CAFile() string { return filepath.Join(s.folder, "ca.crt") }

// URL returns what redis.ParseURL takes. It names neither authority nor certificate.
func (s *TLSServer) URL() string { return "rediss://" + s.Addr() + "/0" }

// Stranger returns what a client needs to trust the server, without a certificate
// of its own.
func (s *TLSServer) Stranger() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(s.authority.certificate)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// Client returns a client with a certificate, closed when t ends.
func (s *TLSServer) Client(t testing.TB, mods ...func(*redis.Options)) *redis.Client {
	t.Helper()
	known := s.Stranger()
	known.Certificates = []tls.Certificate{s.authority.issue(t, "client", x509.ExtKeyUsageClientAuth)}
	return s.Server.Client(t, append([]func(*redis.Options){func(o *redis.Options) { o.TLSConfig = known }}, mods...)...)
}

func (s *TLSServer) write(t testing.TB, name, kind string, content []byte) {
	t.Helper()
	block := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	if err := os.WriteFile(filepath.Join(s.folder, name), block, 0o600); err != nil {
		t.Fatal(err)
	}
}

// authority makes certificates, good for an hour and on loopback.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := certificate("authority")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	raw, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err == nil {
		a.certificate, err = x509.ParseCertificate(raw)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) issue(t testing.TB, name string, usage x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := certificate(name)
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{usage}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
