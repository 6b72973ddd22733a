package listen_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

// whoAsks answers with the name in the client's certificate, if a CA vouches for it.
func whoAsks(w http.ResponseWriter, r *http.Request) {
	who := "nobody"
	if len(r.TLS.PeerCertificates) > 0 {
		who = r.TLS.PeerCertificates[0].DNSNames[0]
	}
	_, _ = fmt.Fprintf(w, "%s with %d chains by %s", who, len(r.TLS.VerifiedChains), r.Proto)
}

func TestVersionsAndProtocols(t *testing.T) {
	expectNoGoroutines(t)
	authority := newAuthority(t)
	s := serve(t, listen.Config{Address: "127.0.0.1:0", TLS: listen.NewTLS(authority.identity(t, nil))}, whoAsks)
	for name, c := range map[string]struct {
		config *tls.Config
		want   string
	}{
		"1.1":            {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "protocol version not supported"},
		"1.2":            {&tls.Config{MaxVersion: tls.VersionTLS12}, "200 nobody with 0 chains by HTTP/2.0"},
		"1.3":            {&tls.Config{MinVersion: tls.VersionTLS13}, "200 nobody with 0 chains by HTTP/2.0"},
		"HTTP/1.1":       {&tls.Config{NextProtos: []string{"http/1.1"}}, "200 nobody with 0 chains by HTTP/1.1"},
		"another server": {&tls.Config{ServerName: "other.example"}, "failed to verify certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.RootCAs = authority.pool
			client := clientOf(t, &http.Transport{TLSClientConfig: c.config, ForceAttemptHTTP2: len(c.config.NextProtos) == 0})
			assert.Contains(t, get(client, s.url), c.want)
		})
	}
}

func TestClientCertificatesAreOptional(t *testing.T) {
	expectNoGoroutines(t)
	authority, clients, others := newAuthority(t), newAuthority(t), newAuthority(t)
	s := serve(t, listen.Config{Address: "127.0.0.1:0", TLS: listen.NewTLS(authority.identity(t, clients))}, whoAsks)
	for name, c := range map[string]struct {
		certificates []tls.Certificate
		want         string
	}{
		"none":          {nil, "200 nobody with 0 chains by HTTP/2.0"},
		"vouched for":   {clients.client(t, "billing", time.Hour), "200 billing with 1 chains by HTTP/2.0"},
		"of another CA": {others.client(t, "billing", time.Hour), "error: "},
		"ended":         {clients.client(t, "billing", -time.Minute), "error: "},
	} {
		t.Run(name, func(t *testing.T) {
			client := secureClient(t, showing(authority, c.certificates))
			assert.Contains(t, get(client, s.url), c.want)
		})
	}
}

// showing is the configuration of a client that shows a certificate even if the server asks for others.
func showing(authority *authority, certificates []tls.Certificate) *tls.Config {
	return &tls.Config{
		RootCAs: authority.pool,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(certificates) == 0 {
				return &tls.Certificate{}, nil
			}
			return &certificates[0], nil
		},
	}
}

func TestNoSessionIsResumedAfterTheCAsChanged(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			expectNoGoroutines(t)
			authority, old, next := newAuthority(t), newAuthority(t), newAuthority(t)
			certificates := listen.NewTLS(authority.identity(t, old))
			s := serve(t, listen.Config{Address: "127.0.0.1:0", TLS: certificates}, whoAsks)
			config := showing(authority, old.client(t, "billing", time.Hour))
			config.MinVersion, config.MaxVersion = version, version
			config.NextProtos = []string{"http/1.1"}
			config.ClientSessionCache = tls.NewLRUClientSessionCache(10)
			for range 2 {
				answer, resumed := once(t, s, config)
				assert.Equal(t, "200 billing with 1 chains by HTTP/1.1", answer)
				assert.False(t, resumed)
			}
			certificates.Replace(authority.identity(t, next))
			answer, _ := once(t, s, config)
			assert.Contains(t, answer, "error: ")
		})
	}
}

// once asks on a connection of its own, and says whether that resumed a session.
func once(t *testing.T, s *served, config *tls.Config) (answer string, resumed bool) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		dialer := tls.Dialer{Config: config}
		conn, err := dialer.DialContext(ctx, network, address)
		if err == nil {
			resumed = conn.(*tls.Conn).ConnectionState().DidResume
		}
		return conn, err
	}}
	return get(clientOf(t, transport), s.url), resumed
}

func TestOpenConnectionsAfterAReload(t *testing.T) {
	authority, old, next := newAuthority(t), newAuthority(t), newAuthority(t)
	both := &authorityPair{old, next}
	for name, c := range map[string]struct {
		replacement func() *listen.Identity
		want        string // by the connection from before
		connections int32
	}{
		"the client's CA is gone":  {func() *listen.Identity { return authority.identity(t, next) }, "200 nobody with 0 chains by ", 1},
		"client CAs are gone":      {func() *listen.Identity { return authority.identity(t, nil) }, "200 nobody with 0 chains by ", 1},
		"a CA is added":            {func() *listen.Identity { return both.identity(t, authority) }, "200 billing with 1 chains by ", 1},
		"the certificate is newer": {func() *listen.Identity { return authority.identity(t, old) }, "200 billing with 1 chains by ", 1},
	} {
		for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
			t.Run(name+" "+proto, func(t *testing.T) {
				expectNoGoroutines(t)
				certificates := listen.NewTLS(authority.identity(t, old))
				s := serve(t, listen.Config{Address: "127.0.0.1:0", TLS: certificates}, whoAsks)
				var dialed atomic.Int32
				transport := &http.Transport{TLSClientConfig: showing(authority, old.client(t, "billing", time.Hour)), ForceAttemptHTTP2: proto == "HTTP/2.0"}
				transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
					dialed.Add(1)
					var dialer net.Dialer
					return dialer.DialContext(ctx, network, address)
				}
				client := clientOf(t, transport)
				for range 2 {
					assert.Equal(t, "200 billing with 1 chains by "+proto, get(client, s.url))
				}
				certificates.Replace(c.replacement())
				assert.Equal(t, c.want+proto, get(client, s.url))
				assert.Equal(t, c.connections, dialed.Load(), "the connection is still the first")
				get(client, s.url)
				assert.Equal(t, c.connections+1, dialed.Load(), "the client was asked to connect anew")
			})
		}
	}
}

// authorityPair vouches for clients with either.
type authorityPair struct{ a, b *authority }

func (p *authorityPair) identity(t *testing.T, server *authority) *listen.Identity {
	t.Helper()
	return server.identity(t, &authority{pem: append(append([]byte(nil), p.a.pem...), p.b.pem...)})
}

func TestAnEqualIdentityChangesNothing(t *testing.T) {
	expectNoGoroutines(t)
	authority := newAuthority(t)
	certificate, key := authority.issue(t, "127.0.0.1", time.Hour)
	parse := func() *listen.Identity {
		pair, err := tls.X509KeyPair(certificate, key)
		require.NoError(t, err)
		return listen.NewIdentity(pair, nil)
	}
	certificates := listen.NewTLS(parse())
	s := serve(t, listen.Config{Address: "127.0.0.1:0", TLS: certificates}, whoAsks)
	conn, err := tls.Dial("tcp", s.listener.Addr().String(), &tls.Config{RootCAs: authority.pool, NextProtos: []string{"http/1.1"}})
	require.NoError(t, err)
	defer conn.Close()
	for range 3 {
		assert.Equal(t, "200 nobody with 0 chains by HTTP/1.1", ask(t, conn, hello), "the connection stays")
		certificates.Replace(parse())
	}
}

func TestNoRequestFailsDuringReloads(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			expectNoGoroutines(t)
			authority, clients := newAuthority(t), newAuthority(t)
			identities := []*listen.Identity{authority.identity(t, clients), authority.identity(t, clients), authority.identity(t, clients)}
			certificates := listen.NewTLS(identities[0])
			s := serve(t, listen.Config{Address: "127.0.0.1:0", TLS: certificates}, whoAsks)
			transport := &http.Transport{TLSClientConfig: showing(authority, clients.client(t, "billing", time.Hour)), ForceAttemptHTTP2: proto == "HTTP/2.0"}
			client := clientOf(t, transport)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var answered atomic.Int64
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for ctx.Err() == nil {
						if !assert.Equal(t, "200 billing with 1 chains by "+proto, post(client, s.url)) {
							return
						}
						answered.Add(1)
					}
				})
			}
			for i := range 30 { // each while requests are under way
				before := answered.Load()
				certificates.Replace(identities[i%len(identities)])
				if !assert.Eventually(t, func() bool { return answered.Load() >= before+4 }, within, time.Millisecond) {
					break
				}
			}
			cancel()
			all.Wait()
		})
	}
}

// post asks by a method that the client does not repeat by itself.
func post(client *http.Client, url string) string {
	response, err := client.Post(url, "text/plain", nil)
	if err != nil {
		return "error: " + err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "error: " + err.Error()
	}
	return response.Status[:4] + string(body)
}

func TestACertificateThatEndsOnAnOpenConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authority, clients := newAuthority(t), newAuthority(t)
		config := listen.Config{TLS: listen.NewTLS(authority.identity(t, clients)), IdleTimeout: 10 * time.Hour}
		p := servePipes(t, config, whoAsks)
		shown := showing(authority, clients.client(t, "billing", time.Hour))
		shown.ServerName, shown.NextProtos = "127.0.0.1", []string{"http/1.1"}
		conn := tls.Client(p.dial(t), shown)
		assert.Equal(t, "200 billing with 1 chains by HTTP/1.1", ask(t, conn, hello))
		time.Sleep(59 * time.Minute)
		assert.Equal(t, "200 billing with 1 chains by HTTP/1.1", ask(t, conn, hello))
		time.Sleep(2 * time.Minute)
		assert.Equal(t, "200 nobody with 0 chains by HTTP/1.1", ask(t, conn, hello))
	})
}
