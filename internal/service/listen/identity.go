package listen

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"slices"
	"time"
)

// Identity is what a TLS listener shows, and whose client certificates it takes. It is immutable. No
// verb of package fmt prints its key.
type Identity struct{ config *tls.Config }

// NewIdentity takes a certificate with its key, and the CAs that vouch for clients. Without the last (nil)
// clients are not asked for a certificate; with it they may show one, and one that no CA vouches for
// fails the handshake. Neither is changed afterwards.
func NewIdentity(certificate tls.Certificate, clientCAs *x509.CertPool) *Identity {
	config := &tls.Config{
		Certificates:           []tls.Certificate{certificate},
		MinVersion:             tls.VersionTLS12,
		NextProtos:             slices.Clone(protocols),
		SessionTicketsDisabled: true,
	}
	if clientCAs != nil {
		config.ClientAuth, config.ClientCAs = tls.VerifyClientCertIfGiven, clientCAs
	}
	return &Identity{config: config}
}

// equal says whether both show the same certificate, and take the same clients. A certificate has one key.
func (i *Identity) equal(other *Identity) bool {
	same := func(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }
	return i == other || same(i.config.Certificates[0].Certificate, other.config.Certificates[0].Certificate) &&
		i.config.ClientCAs.Equal(other.config.ClientCAs)
}

// verify returns the chains from a client's certificate to a CA, as a handshake does, or nil.
func (i *Identity) verify(shown []*x509.Certificate, now time.Time) [][]*x509.Certificate {
	if i.config.ClientCAs == nil {
		return nil
	}
	options := x509.VerifyOptions{
		Roots:         i.config.ClientCAs,
		Intermediates: x509.NewCertPool(),
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, intermediate := range shown[1:] {
		options.Intermediates.AddCert(intermediate)
	}
	chains, err := shown[0].Verify(options)
	if err != nil {
		return nil
	}
	return chains
}

// Format keeps the key from being printed.
func (i *Identity) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "listen.Identity(...)") }
