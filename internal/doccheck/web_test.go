//go:build unix

package doccheck_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

const appSecret = "try-secret" // of every app and client, as in the pages

// web is all hosts beyond this one that the pages name: a proxy for https, behind which issuers stand in
// for them. It leads nowhere else.
type web struct {
	Proxy     string // URL
	Authority string // file: whom to trust

	hosts map[string]http.Handler
	mu    sync.Mutex // guards refused
	// refused are hosts that somebody wanted to reach, and that no page names.
	refused []string
}

func newWeb(t *testing.T) *web {
	t.Helper()
	var apps []feishutest.AppConfig
	for _, id := range []string{"cli_a1b2c3d4e5f6g7h8", "cli_crm", "cli_erp"} {
		apps = append(apps, feishutest.AppConfig{ID: id, Secret: appSecret})
	}
	idp := oauth2test.New(oauth2test.Config{Clients: []oauth2test.Client{{ID: "m2m", Secret: appSecret}}})
	w := &web{hosts: map[string]http.Handler{
		"open.feishu.cn":    feishutest.New(feishutest.Config{AppID: "cli_try", AppSecret: appSecret, Apps: apps}),
		"idp.example":       at(oauth2test.TokenPath, idp),
		"login.example.com": at(oauth2test.TokenPath, idp),
		"api.example.com":   at(oauth2test.APIPath, idp),
	}}
	certFile, keyFile := certificate(t, slices.Collect(maps.Keys(w.hosts))...)
	w.Authority = certFile
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	require.NoError(t, err)
	tunnels := &tunnels{accepted: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.hosts[r.Host].ServeHTTP(rw, r)
	})}
	go func() {
		_ = server.Serve(tls.NewListener(tunnels, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}))
	}()
	proxy := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.connect(rw, r, tunnels) })}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = proxy.Serve(listener) }()
	t.Cleanup(func() {
		_ = proxy.Close()
		_ = server.Close()
	})
	w.Proxy = "http://" + listener.Addr().String()
	return w
}

// at has all requests come to one path of an issuer.
func at(path string, issuer http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = path
		issuer.ServeHTTP(w, r)
	})
}

// connect opens a tunnel to a host that is there.
func (w *web) connect(rw http.ResponseWriter, r *http.Request, tunnels *tunnels) {
	host, port, err := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || err != nil || port != "443" || w.hosts[host] == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.refused = append(w.refused, r.Method+" "+r.Host)
		rw.WriteHeader(http.StatusBadGateway)
		return
	}
	conn, buffered, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	select {
	case tunnels.accepted <- tunnel{conn, buffered.Reader}:
	case <-tunnels.closed:
		_ = conn.Close()
	}
}

// Refused hosts, since the beginning.
func (w *web) Refused() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused
}

// certificate of these hosts, which vouches for itself, and its key, in files.
func certificate(t *testing.T, hosts ...string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "web"}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return certFile, keyFile
}

// tunnels is a listener of connections that the proxy was asked for.
type tunnels struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (l *tunnels) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *tunnels) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *tunnels) Addr() net.Addr { return &net.TCPAddr{} }

// tunnel begins with what the proxy has read already.
type tunnel struct {
	net.Conn
	reader *bufio.Reader
}

func (t tunnel) Read(b []byte) (int, error) { return t.reader.Read(b) }
