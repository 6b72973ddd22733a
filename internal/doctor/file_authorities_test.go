package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/config"
)

var thisDay = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

// authorityOf makes a CA of 900 days, of which 600 are left, and then what a test changes.
func authorityOf(t *testing.T, name string, changes ...func(*x509.Certificate)) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: thisDay.AddDate(0, 0, -300), NotAfter: thisDay.AddDate(0, 0, 600),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}
	for _, change := range changes {
		change(template)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	made, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	return made, key
}

// isTaken reports whether a listener would take a certificate of a client that the authority has signed.
func isTaken(t *testing.T, authority *x509.Certificate, key *ecdsa.PrivateKey) bool {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(8), NotBefore: thisDay.AddDate(-5, 0, 0), NotAfter: thisDay.AddDate(5, 0, 0), DNSNames: []string{"client"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, authority, key.Public(), key)
	require.NoError(t, err)
	client, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	_, err = client.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: thisDay, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err == nil
}

func TestUnfitAuthorities(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		want   unfitness
	}{
		"a usual one":      {func(*x509.Certificate) {}, fit},
		"of any use":       {func(a *x509.Certificate) { a.KeyUsage = 0 }, fit},
		"of clients":       {func(a *x509.Certificate) { a.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, fit},
		"of anybody":       {func(a *x509.Certificate) { a.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }, fit},
		"of servers alone": {func(a *x509.Certificate) { a.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, notOfClients},
		"expired":          {func(a *x509.Certificate) { a.NotAfter = thisDay.Add(-time.Second) }, hasEnded},
		"its last moment":  {func(a *x509.Certificate) { a.NotAfter = thisDay }, fit},
		"not begun":        {func(a *x509.Certificate) { a.NotBefore = thisDay.Add(time.Second) }, notBegun},
		"its first moment": {func(a *x509.Certificate) { a.NotBefore = thisDay }, fit},
		"a client's own":   {func(a *x509.Certificate) { a.IsCA = false; a.KeyUsage = x509.KeyUsageDigitalSignature }, signsNobody},
		"without a word":   {func(a *x509.Certificate) { a.BasicConstraintsValid, a.IsCA = false, false; a.KeyUsage = 0 }, signsNobody},
		"of other use":     {func(a *x509.Certificate) { a.KeyUsage = x509.KeyUsageCRLSign }, signsNobody},
	} {
		authority, key := authorityOf(t, "corp", c.change)
		assert.Equal(t, c.want, unfitnessOf(authority, thisDay), name)
		assert.Equal(t, c.want == fit, isTaken(t, authority, key), "%s: as crypto/x509 has it", name)
	}
}

func TestAuthorities(t *testing.T) {
	t.Parallel()
	one := func(name string, changes ...func(*x509.Certificate)) *x509.Certificate {
		a, _ := authorityOf(t, name, changes...)
		return a
	}
	ended := func(a *x509.Certificate) { a.NotAfter = thisDay.Add(-time.Hour) }
	ending := func(a *x509.Certificate) { a.NotAfter = thisDay.Add(13 * 24 * time.Hour) }
	early := func(a *x509.Certificate) { a.NotBefore = thisDay.Add(time.Hour) }
	clients := func(a *x509.Certificate) { a.IsCA = false; a.KeyUsage = 0 }
	servers := func(a *x509.Certificate) { a.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	nameless := func(a *x509.Certificate) { a.Subject = pkix.Name{} }
	for name, c := range map[string]struct {
		of     []*x509.Certificate
		status string
		found  string
		advice string
	}{
		"one":                  {[]*x509.Certificate{one("corp")}, checkOK, "corp, 600 days left, until 2028-07-17 10:00:00Z", ""},
		"without a name":       {[]*x509.Certificate{one("", nameless)}, checkOK, "number 7, 600 days left, until 2028-07-17 10:00:00Z", ""},
		"soon":                 {[]*x509.Certificate{one("corp", ending)}, checkWarn, "corp, 13 days left, until 2026-12-08 10:00:00Z; that is soon", "renew it, and keep the old one beside"},
		"the old and the new":  {[]*x509.Certificate{one("corp 2"), one("corp 1", ending)}, checkWarn, "2, of which the first to end is corp 1, 13 days left, until 2026-12-08 10:00:00Z; that is soon", "renew it"},
		"the new and the late": {[]*x509.Certificate{one("corp 2"), one("corp 1", ended)}, checkWarn, "corp 2, 600 days left, until 2028-07-17 10:00:00Z; expired: corp 1", "renew it, and the certificates"},
		"the late":             {[]*x509.Certificate{one("corp", ended)}, checkFail, "expired: corp", "renew it"},
		"the early":            {[]*x509.Certificate{one("corp", early)}, checkFail, "not valid yet: corp", "clock"},
		"a client's own":       {[]*x509.Certificate{one("bot", clients)}, checkWarn, "no authority, and good for one client alone, that shows it itself: bot", "name that of the authority"},
		"of servers":           {[]*x509.Certificate{one("web", servers)}, checkFail, "no authority of clients: web", "clientAuth"},
		"many of each": {[]*x509.Certificate{one("a", ended), one("b", ended), one("c", ended), one("d", ended), one("web", servers)}, checkFail,
			"expired: a, b, c and 1 more; no authority of clients: web", "renew it, and the certificates of its clients if its key is another; name one"},
	} {
		f := authoritiesCheck(c.of, thisDay)
		assert.Equal(t, "client authorities", f.Name)
		assert.Equal(t, c.status, f.Status, "%s: %v", name, f)
		assert.Equal(t, c.found, f.Found, name)
		assert.Contains(t, f.Advice, c.advice, name)
		assert.Equal(t, c.status == checkOK, f.Advice == "", name)
	}
}

// Each listener with a client_ca_file has a line for it.
func TestAuthoritiesOfListeners(t *testing.T) {
	t.Parallel()
	authority, _ := authorityOf(t, "corp", func(a *x509.Certificate) { a.NotAfter = time.Now().AddDate(1, 0, 1) })
	shown := selfSigned(t, time.Now(), time.Now().Add(time.Hour), "a")
	at := func(authorities ...*x509.Certificate) config.Listener {
		return config.Listener{Listen: "127.0.0.1:0", TLS: &config.ServerTLS{Certificate: shown, Authorities: authorities}}
	}
	x := &fileExam{chart: &chart{out: io.Discard, json: true}}
	x.File = &config.Config{Status: at(), Tokens: config.Tokens{Listener: at(authority)}, Gateway: config.Gateway{Listener: at(authority)}}
	x.listeners(t.Context())
	found := map[string]string{}
	for _, e := range x.chart.findings {
		if e.Name == "client authorities" {
			found[e.Subject] = e.Found
		}
	}
	require.Len(t, found, 2)
	assert.Contains(t, found[config.DoorTokens], "corp, 36")
	assert.Contains(t, found[config.DoorGateway], "corp, 36")
}
