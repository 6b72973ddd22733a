package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// selfSigned is a certificate that lives from a moment to another.
func selfSigned(t *testing.T, from, to time.Time, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	now, day := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC), 24*time.Hour
	for name, c := range map[string]struct {
		begun, left   time.Duration
		names         []string
		listen        string
		status, found string
		advice        string
	}{
		"90 of them":           {0, 90 * day, []string{"a.example"}, "127.0.0.1:1", checkOK, "90 days left, until 2027-02-23 10:00:00Z, for a.example", ""},
		"14 days":              {76 * day, 14 * day, []string{"a.example"}, ":1", checkOK, "14 days left", ""},
		"14 days - 1 s":        {76 * day, 14*day - time.Second, []string{"a.example"}, ":1", checkWarn, "13 days left", "renew it"},
		"a day, of which 9 h":  {15 * time.Hour, 9 * time.Hour, []string{"a.example"}, ":1", checkOK, "9h0m0s left", ""},
		"a day, of which 7 h":  {17 * time.Hour, 7 * time.Hour, []string{"a.example"}, ":1", checkWarn, "7h0m0s left", "renew it"},
		"its last moment":      {day, 0, []string{"a.example"}, ":1", checkFail, "has expired at 2026-11-25 10:00:00Z", "renew it"},
		"not yet":              {-time.Hour, day, []string{"a.example"}, ":1", checkFail, "is not valid before 2026-11-25 11:00:00Z", "clock"},
		"nobody's":             {0, 90 * day, nil, ":1", checkWarn, "it names nobody", "have it name"},
		"another's":            {0, 90 * day, []string{"a.example"}, "b.example:1", checkWarn, "it does not name b.example, where this listens", "have it name"},
		"an address":           {0, 90 * day, []string{"10.0.0.1"}, "10.0.0.1:1", checkOK, "for 10.0.0.1", ""},
		"all addresses":        {0, 90 * day, []string{"a.example"}, "0.0.0.0:1", checkOK, "for a.example", ""},
		"many names, of which": {0, 90 * day, []string{"a", "b", "c", "d"}, ":1", checkOK, "for a, b, c and 1 more", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := certificateCheck(selfSigned(t, now.Add(-c.begun), now.Add(c.left), c.names...).Leaf, c.listen, now)
			assert.Equal(t, c.status, f.Status, f)
			assert.Contains(t, f.Found, c.found)
			assert.Contains(t, f.Advice, c.advice)
		})
	}
}
