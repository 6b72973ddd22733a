package clients

import (
	"crypto/tls"
	"net/netip"
	"net/url"
	"strings"
)

// san is a DNS name or a URI of a certificate in the spelling in which it is compared. The two never look
// alike: a URI has a scheme.
type san string

// FaultOfSAN says what is wrong with a name of a certificate, in words to follow where it stands; "" if
// nothing is.
func FaultOfSAN(name string) string {
	_, fault := parseSAN(name)
	return fault
}

// CanonicalSAN is a name as it is compared; "" if it is none.
func CanonicalSAN(name string) string {
	parsed, _ := parseSAN(name)
	return string(parsed)
}

// parseSAN says what is wrong with a name, or how it is compared.
func parseSAN(name string) (parsed san, fault string) {
	switch {
	case name == "":
		return "", "is empty"
	case strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' }):
		return "", "has blanks or characters outside of ASCII: a DNS name has to be in punycode (xn--)"
	case strings.ContainsRune(name, '*'):
		return "", "has a *: names are compared as wholes, so write each out"
	case isAddress(name):
		return "", "is an IP address: give a DNS name or a URI"
	case strings.Contains(name, ":"):
		u, err := url.Parse(name)
		if err != nil || u.Host == "" && u.Scheme != "urn" {
			return "", "is no URI such as spiffe://example.org/billing, nor a DNS name, which has neither colon nor port"
		}
		return sanOfURI(u), ""
	case strings.Contains(name, "@"):
		return "", "is an e-mail address: give a DNS name or a URI"
	case strings.Contains(name, "/"):
		return "", "is no DNS name: letters, digits, hyphens and dots; a URI has a scheme"
	}
	return sanOfDNS(name), ""
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

func sanOfDNS(name string) san { return san(strings.ToLower(strings.TrimSuffix(name, "."))) }

// sanOfURI lets capitals of scheme and host make no difference (RFC 3986, section 6.2.2.1).
func sanOfURI(u *url.URL) san {
	plain := *u
	plain.Scheme, plain.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return san(plain.String())
}

// sansOf are the names of a certificate that the listener's authority has verified; none without one.
func sansOf(state *tls.ConnectionState) (names []san) {
	if state == nil || len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) == 0 {
		return nil
	}
	leaf := state.VerifiedChains[0][0]
	for _, name := range leaf.DNSNames {
		names = append(names, sanOfDNS(name))
	}
	for _, u := range leaf.URIs {
		names = append(names, sanOfURI(u))
	}
	return names
}
