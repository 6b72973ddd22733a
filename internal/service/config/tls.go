package config

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"time"
)

// ClientTLS is how to connect to a server with TLS. It prints as what it has, and never a key.
type ClientTLS struct {
	// CA are the authorities to trust: those of ca_file, in addition to the system's. nil: the
	// system's.
	CA *x509.CertPool
	// Certificate to show; nil: none.
	Certificate *tls.Certificate
}

// ServerTLS is how to listen with TLS. It prints as what it has, and never a key.
type ServerTLS struct {
	Certificate tls.Certificate
	// ClientCA are the authorities of client_ca_file alone, by whose certificates clients may show
	// who they are. nil: they show none.
	ClientCA *x509.CertPool
	// Authorities are those in ClientCA, which does not tell them, for whoever looks at each.
	Authorities []*x509.Certificate
}

var (
	clientTLSKeys = keys{known: []string{"ca_file", "cert_file", "key_file"}, refused: keyFileOnly}
	serverTLSKeys = keys{known: []string{"cert_file", "key_file", "client_ca_file"}, refused: keyFileOnly}
	keyFileOnly   = map[string]string{
		"key":  "is a secret, and none stands in this file: name the file that holds it by key_file",
		"cert": "is called cert_file, and names a file",
	}
)

// clientTLS is nil where it is absent.
func (in *inputs) clientTLS(ctx context.Context, v value) *ClientTLS {
	s, ok := in.section(v, clientTLSKeys)
	if !ok {
		return nil
	}
	c := &ClientTLS{}
	c.CA, _ = in.roots(ctx, s.get("ca_file"))
	if s.has("cert_file") || s.has("key_file") {
		c.Certificate = in.keyPair(ctx, s)
	}
	return c
}

// serverTLS is nil where it is absent.
func (in *inputs) serverTLS(ctx context.Context, v value) *ServerTLS {
	s, ok := in.section(v, serverTLSKeys)
	if !ok {
		return nil
	}
	c := &ServerTLS{}
	if pair := in.keyPair(ctx, s); pair != nil {
		c.Certificate = *pair
	}
	if certificates := in.authorities(ctx, s.get("client_ca_file")); certificates != nil {
		c.ClientCA, c.Authorities = x509.NewCertPool(), certificates
		addAll(c.ClientCA, certificates)
	}
	return c
}

// keyPair wants both files. It is nil after a complaint.
func (in *inputs) keyPair(ctx context.Context, s section) *tls.Certificate {
	cert := in.find(ctx, in.need(s, "cert_file", "name the file that holds the certificate, and those of authorities between"), inFile)
	key := in.find(ctx, in.need(s, "key_file", "name the file that holds the certificate's private key"), inFile)
	if !cert.ok || !key.ok || !in.checkCertAndKey(cert, key) {
		return nil
	}
	pair, err := tls.X509KeyPair([]byte(cert.text), []byte(key.text))
	switch {
	case err == nil:
		in.warnOfEnd(cert.value, pair.Leaf)
		return &pair
	case strings.Contains(err.Error(), "does not match"):
		in.complain(key.value, "the key in the file is not that of the certificate in cert_file: name the two that belong together")
	default: // not repeated: it may quote the file
		in.complain(cert.value, "certificate and key cannot be read: both have to be whole, in PEM, and the key an RSA, ECDSA or Ed25519 one")
	}
	return nil
}

// checkCertAndKey complains of what is none. It tells more than X509KeyPair would, and without what it quotes.
func (in *inputs) checkCertAndKey(cert, key found) bool {
	hasCert, _, _ := contents(cert.text)
	keyHasCert, hasKey, locked := contents(key.text)
	switch {
	case !hasCert:
		in.complain(cert.value, "the file has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")
	case locked:
		in.complain(key.value, "the key in the file is encrypted, with a passphrase that nobody could enter here: write it without one")
	case !hasKey && keyHasCert:
		in.complain(key.value, "the file has a certificate, and no private key: is the key in another file?")
	case !hasKey:
		in.complain(key.value, "the file has no private key in PEM, which begins with -----BEGIN PRIVATE KEY----- or the like")
	default:
		return true
	}
	return false
}

// warnOfEnd is of certificates that nobody will take at this moment: doc.go says why that is no error.
func (in *inputs) warnOfEnd(v value, certificates ...*x509.Certificate) {
	now := time.Now()
	for _, certificate := range certificates {
		switch {
		case now.After(certificate.NotAfter):
			in.warn(v, "the certificate in the file has expired, on "+certificate.NotAfter.UTC().Format(time.DateOnly)+": renew it")
		case now.Before(certificate.NotBefore):
			in.warn(v, "the certificate in the file is not valid before "+certificate.NotBefore.UTC().Format(time.DateOnly)+": is this host's clock right?")
		}
	}
}
