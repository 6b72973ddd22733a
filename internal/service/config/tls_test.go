package config_test

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTLSRefused(t *testing.T) {
	s := newStage(t)
	authority := newAuthority(t)
	cert, key := authority.valid()
	_, other := authority.valid()
	locked := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "x"}, Bytes: []byte(password)}))
	for name, text := range map[string]string{
		"cert": cert, "key": key, "other": other, "ca": authority.pem(), "text": password, "locked": locked,
		"locked8": encode("ENCRYPTED PRIVATE KEY", []byte(password)), "bad": encode("CERTIFICATE", []byte(password)),
		"halfca": authority.pem() + authority.pem()[:len(authority.pem())-30], "cutca": authority.pem()[:len(authority.pem())-30] + "\n" + authority.pem(),
		"badkey": encode("PRIVATE KEY", []byte(password)), "odd": encode(password, []byte(password)),
	} {
		s.write(name, text)
	}
	const noKey = "2:50: status.tls.key_file: the file has no private key in PEM, which begins with -----BEGIN PRIVATE KEY----- or the like"
	edges := []edge{}
	for _, c := range [][2]string{
		{"cert_file: cert, key_file: other", "2:50: status.tls.key_file: the key in the file is not that of the certificate in cert_file: name the two that belong together"},
		{"cert_file: cert, key_file: cert", "2:50: status.tls.key_file: the file has a certificate, and no private key: is the key in another file?"},
		{"cert_file: cert, key_file: text", noKey},
		{"cert_file: cert, key_file: odd", noKey},
		{"cert_file: cert, key_file: locked", "2:50: status.tls.key_file: the key in the file is encrypted, with a passphrase that nobody could enter here: write it without one"},
		{"cert_file: cert, key_file: locked8", "2:50: status.tls.key_file: the key in the file is encrypted, with a passphrase that nobody could enter here: write it without one"},
		{"cert_file: key0, key_file: key", "2:33: status.tls.cert_file: the file cannot be taken: no such file or directory"},
		{"cert_file: odd, key_file: key", "2:33: status.tls.cert_file: the file has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"},
		{"cert_file: key, key_file: key", "2:33: status.tls.cert_file: the file has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"},
		{"cert_file: bad, key_file: key", "2:33: status.tls.cert_file: certificate and key cannot be read: both have to be whole, in PEM, and the key an RSA, ECDSA or Ed25519 one"},
		{"cert_file: cert, key_file: badkey", "2:33: status.tls.cert_file: certificate and key cannot be read: both have to be whole, in PEM, and the key an RSA, ECDSA or Ed25519 one"},
		{"cert_file: cert, key: " + inlineSecret + ", key_file: key", "2:50: status.tls.key: is a secret, and none stands in this file: name the file that holds it by key_file"},
		{"cert_file: cert, key_file: key, client_ca_file: text", "2:65: status.tls.client_ca_file: the file has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"},
		{"cert_file: cert, key_file: key, client_ca_file: bad", "2:65: status.tls.client_ca_file: the file has a certificate that cannot be read: copy all of it, from BEGIN CERTIFICATE to END CERTIFICATE"},
		{"cert_file: cert, key_file: key, client_ca_file: halfca", "2:65: status.tls.client_ca_file: 1 of 2 certificates in the file cannot be read: each needs its END line, and nothing else in between"},
		{"cert_file: cert, key_file: key, client_ca_file: cutca", "2:65: status.tls.client_ca_file: 1 of 2 certificates in the file cannot be read: each needs its END line, and nothing else in between"},
		{"cert_file: cert, key_file: key, ca_file: ca", "2:65: status.tls: a key that is not known here: there are cert_file, key_file and client_ca_file"},
	} {
		edges = append(edges, edge{empty + "status: {listen: ':8080', tls: {" + c[0] + "}}", []string{c[1]}})
	}
	s.assertTold(append(edges, edge{empty + "status: {listen: ':8080', tls: {}}", []string{
		"2:27: status.tls.cert_file: is missing: name the file that holds the certificate, and those of authorities between",
		"2:27: status.tls.key_file: is missing: name the file that holds the certificate's private key",
	}}))
}

// One file may hold both, in any order, and a chain.
func TestTLSTaken(t *testing.T) {
	s := newStage(t)
	authority := newAuthority(t)
	cert, key := authority.valid()
	s.write("both", key+cert+authority.pem())
	s.write("ca", "words that some tools put there\n"+authority.pem()+newAuthority(t).pem())
	c := s.good(empty + "status: {listen: ':8080', tls: {cert_file: both, key_file: both, client_ca_file: ca}}")
	assert.Len(t, c.Status.TLS.Certificate.Certificate, 2)
	assert.Len(t, c.Status.TLS.Authorities, 2)
	_, err := c.Status.TLS.Certificate.Leaf.Verify(x509.VerifyOptions{Roots: c.Status.TLS.ClientCA, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	require.NoError(t, err)

	c = s.good(empty + "redis: {tls: {ca_file: ca}}")
	_, err = mustLeaf(t, cert).Verify(x509.VerifyOptions{Roots: c.Redis.TLS.CA, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	require.NoError(t, err)
	if system, err := x509.SystemCertPool(); err == nil {
		assert.False(t, c.Redis.TLS.CA.Equal(x509.NewCertPool()))
		assert.False(t, c.Redis.TLS.CA.Equal(system), "and the system's own are as they were")
	}
}

func mustLeaf(t *testing.T, cert string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(cert))
	leaf, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return leaf
}

// A certificate that nobody takes at this moment is a warning.
func TestCertificatesOutOfTime(t *testing.T) {
	s := newStage(t)
	authority := newAuthority(t)
	for edge, c := range map[string]struct {
		from, to time.Duration
		want     string
	}{
		"expired": {-48 * time.Hour, -24 * time.Hour, "the certificate in the file has expired, on "},
		"not yet": {24 * time.Hour, 48 * time.Hour, "the certificate in the file is not valid before "},
	} {
		cert, key := authority.pair(time.Now().Add(c.from), time.Now().Add(c.to))
		s.write("cert", cert)
		s.write("key", key)
		got := s.good(empty + "status: {listen: ':8080', tls: {cert_file: cert, key_file: key}}")
		require.Len(t, got.Warnings, 1, edge)
		assert.Contains(t, got.Warnings[0].String(), ":2:33: status.tls.cert_file: "+c.want)
		assert.NotNil(t, got.Status.TLS.Certificate.PrivateKey)
		assert.False(t, strings.HasSuffix(got.Warnings[0].Text, "on "))
	}
}
