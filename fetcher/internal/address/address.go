// Package address checks the URLs at which issuers are, and gives each its one spelling.
package address

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/onetoken-go/onetoken/internal/plain"
)

// Rules of one field of a config.
type Rules struct {
	Field   string // its name
	Example string // what it has to look like, with https://
	// Whole is whether the URL is used as it is: then it may have a query, and slashes at the end of
	// its path count. Otherwise a path is added to it.
	Whole bool
	// Also complains of what this issuer's URLs do not have; nil: of nothing.
	Also func(*url.URL) error
}

// Canonical gives one spelling to what is one address, since the address is
// part of a credential's identity: two spellings would be two tokens.
//
// Its errors, all of them at once, never quote the URL: what is wrong with it may be a password.
func (r Rules) Canonical(raw string) (*url.URL, error) {
	if fault := plain.Fault(strings.Map(asciiLetter, raw)); fault != "" {
		return nil, errors.New(r.Field + ": " + fault)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New(r.Field + " is not a URL: its host, its port or a % in it cannot be read; it has to look like " + r.Example)
	}
	if err := r.complaints(u, raw); err != nil {
		return nil, err
	}
	escaped := r.path(u)
	path, err := url.PathUnescape(escaped)
	if err != nil {
		panic(err) // of its own escapes
	}
	return &url.URL{
		Scheme:   u.Scheme, // Parse has made it lower-case
		Host:     canonicalHost(u),
		Path:     path,
		RawPath:  escaped,
		RawQuery: u.RawQuery,
	}, nil
}

// path is the canonical one, without the slashes at its end that do not count.
func (r Rules) path(u *url.URL) string {
	path := canonicalPath(u)
	if r.Whole && path != "/" {
		return path
	}
	return strings.TrimRight(path, "/")
}

// asciiLetter replaces a letter outside of ASCII by an x, as a host may have such letters on
// purpose: complaints says what to write instead. All other characters stay for plain.Fault, which
// finds those that nobody means to write.
func asciiLetter(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) {
		return 'x'
	}
	return r
}

func (r Rules) complaints(u *url.URL, raw string) error {
	if u.Scheme != "https" && u.Scheme != "http" { // then the other parts are not where they seem
		return errors.New(r.Field + " has to look like " + r.Example + " (http:// for a test)")
	}
	var errs []error
	switch host := u.Hostname(); {
	case strings.Trim(host, ".") == "":
		errs = append(errs, errors.New(r.Field+" names no host"))
	case strings.ContainsFunc(host, isNotASCII): // the same host has a spelling in ASCII
		errs = append(errs, errors.New(r.Field+" has a host with letters outside of ASCII: write it in punycode, as xn--bcher-kva.example"))
	}
	if p := u.Port(); p != "" && !isPort(p) {
		errs = append(errs, errors.New(r.Field+" has a port outside of 1 to 65535"))
	}
	if u.User != nil {
		errs = append(errs, errors.New(r.Field+" holds a user name or password: none is needed"))
	}
	switch {
	case r.Whole && strings.Contains(raw, "#"):
		errs = append(errs, errors.New(r.Field+" has a fragment: leave out the # and what follows"))
	case !r.Whole && strings.ContainsAny(raw, "?#"):
		errs = append(errs, errors.New(r.Field+" has a query or fragment: give scheme, host and perhaps a path"))
	}
	if hasOddSegment(strings.TrimRight(canonicalPath(u), "/")) {
		errs = append(errs, errors.New(r.Field+" has a path with //, . or .. in it, which servers read in different ways: leave that out"))
	}
	if r.Also != nil {
		errs = append(errs, r.Also(u))
	}
	return errors.Join(errs...)
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func isNotASCII(r rune) bool { return r >= 0x80 }

// hasOddSegment reports whether an escaped path, without slashes at its end, has an empty segment,
// . or .. in it.
func hasOddSegment(path string) bool {
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if path != "" && segment == "" || segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// canonicalPath returns the path with no byte escaped that need not be (RFC 3986, 6.2.2).
func canonicalPath(u *url.URL) string {
	const hex, unreserved = "0123456789ABCDEF", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	raw := u.EscapedPath()
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '%' {
			b.WriteByte(raw[i])
			continue
		}
		n, err := strconv.ParseUint(raw[i+1:i+3], 16, 8)
		if err != nil {
			panic(err) // url.Parse has looked at it
		}
		if i += 2; strings.IndexByte(unreserved, byte(n)) >= 0 {
			b.WriteByte(byte(n))
		} else {
			b.Write([]byte{'%', hex[n>>4], hex[n&15]})
		}
	}
	return b.String()
}

// canonicalHost returns the host in lower case and without a dot at its end, an address in its
// shortest spelling, and the port without zeros before it, or no port if it is the scheme's.
func canonicalHost(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	port := strings.TrimLeft(u.Port(), "0")
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return host
	}
	return host + ":" + port
}

// InTheClear reports whether others could read a secret on its way to u.
func InTheClear(u *url.URL) bool {
	return u.Scheme == "http" && !isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
