package clients_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// verified is a connection with a certificate of these names.
func verified(t *testing.T, names ...string) *tls.ConnectionState {
	t.Helper()
	leaf := &x509.Certificate{Subject: pkix.Name{CommonName: "billing.example"}, EmailAddresses: []string{"billing@example.org"}}
	for _, name := range names {
		u, err := url.Parse(name)
		require.NoError(t, err)
		if u.Scheme != "" {
			leaf.URIs = append(leaf.URIs, u)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf, {}}}}
}

func TestByCertificate(t *testing.T) {
	clientsOf := table(t,
		billing(func(c *clients.Client) { c.SANs = []string{"billing.example", "spiffe://example.org/billing"} }),
		reports(func(c *clients.Client) { c.SANs = []string{"reports.example"} }))
	for name, c := range map[string]struct {
		names []string
		who   string
	}{
		"a DNS name":                {[]string{"billing.example"}, "billing"},
		"in capitals":               {[]string{"BILLING.Example"}, "billing"},
		"a URI":                     {[]string{"spiffe://example.org/billing"}, "billing"},
		"one of several":            {[]string{"other.example", "reports.example"}, "reports"},
		"two names of one client":   {[]string{"billing.example", "spiffe://example.org/billing"}, "billing"},
		"names of two clients":      {[]string{"billing.example", "reports.example"}, ""},
		"a wildcard":                {[]string{"*.example"}, ""},
		"a subdomain":               {[]string{"x.billing.example"}, ""},
		"another path":              {[]string{"spiffe://example.org/Billing"}, ""},
		"common name and mail only": {nil, ""},
	} {
		who, ok := clientsOf.ByCertificate(verified(t, c.names...))
		assert.Equal(t, c.who != "", ok, name)
		assert.Equal(t, c.who, who.Name(), name)
		if ok {
			assert.Equal(t, clients.Certificate, who.Way())
		}
	}
}

func TestUnverifiedCertificateCountsForNothing(t *testing.T) {
	clientsOf := table(t, billing(func(c *clients.Client) { c.SANs = []string{"billing.example"} }))
	state := verified(t, "billing.example")
	for _, chains := range [][][]*x509.Certificate{nil, {{}}} {
		state.VerifiedChains = chains
		_, ok := clientsOf.ByCertificate(state)
		assert.False(t, ok)
	}
}

func TestWhatIsNoNameOfACertificate(t *testing.T) {
	for _, name := range []string{"", "*.example", "a@example.org", "billing.example:8443", "a b", "billing.example/x", "host name", "://x", "spiffe:", "naïve.example", "1.2.3.4:80", "1.2.3.4", "::1"} {
		_, err := clients.New([]clients.Client{billing(func(c *clients.Client) { c.SANs = []string{name} })}, nil)
		assert.ErrorContains(t, err, "name 1 of its certificate", name)
	}
}
