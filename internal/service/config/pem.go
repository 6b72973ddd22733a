package config

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// roots are the system's authorities and those of a file; nil where that is absent, and after a
// complaint. text is what the file holds.
func (in *inputs) roots(ctx context.Context, v value) (roots *x509.CertPool, text string) {
	certificates := in.authorities(ctx, v)
	if certificates == nil {
		return nil, ""
	}
	roots, err := x509.SystemCertPool() // a copy
	if err != nil {
		roots = x509.NewCertPool() // there is no system's: those of the file are all
	}
	addAll(roots, certificates)
	var b strings.Builder
	for _, certificate := range certificates {
		b.Write(certificate.Raw)
	}
	return roots, b.String()
}

func addAll(pool *x509.CertPool, certificates []*x509.Certificate) {
	for _, certificate := range certificates {
		pool.AddCert(certificate)
	}
}

// authorities are the certificates in a file, one at least; nil where it is absent, and after a
// complaint.
func (in *inputs) authorities(ctx context.Context, v value) []*x509.Certificate {
	f := in.find(ctx, v, inFile)
	if !f.ok {
		return nil
	}
	var all []*x509.Certificate
	for _, block := range blocks(f.text) {
		if block.Type != certificateBlock {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			in.complain(v, "the file has a certificate that cannot be read: copy all of it, from BEGIN CERTIFICATE to END CERTIFICATE")
			return nil
		}
		all = append(all, certificate)
	}
	switch begun := strings.Count(f.text, "-----BEGIN CERTIFICATE-----"); {
	case begun == 0:
		in.complain(v, "the file has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")
		return nil
	case begun > len(all): // one that is left out would turn its clients away, and nobody would be told
		in.complainf(v, "%d of %d certificates in the file cannot be read: each needs its END line, and nothing else in between", begun-len(all), begun)
		return nil
	}
	in.warnOfEnd(v, all...)
	return all
}

const certificateBlock = "CERTIFICATE"

func blocks(text string) (all []*pem.Block) {
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return all
		}
		all = append(all, block)
	}
}

// contents of a file in PEM.
func contents(text string) (hasCert, hasKey, locked bool) {
	for _, block := range blocks(text) {
		switch {
		case block.Type == certificateBlock:
			hasCert = true
		case block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			locked = true
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			hasKey = true
		}
	}
	return hasCert, hasKey, locked
}
