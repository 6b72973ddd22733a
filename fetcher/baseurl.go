package fetcher

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/onetoken-go/onetoken/internal/plain"
)

// Hosts of the two clouds, for [FeishuConfig.BaseURL].
const (
	FeishuURL = "https://open.feishu.cn"
	LarkURL   = "https://open.larksuite.com"
)

// canonicalURL gives one spelling to what is one address, since the address is
// part of a credential's identity: two spellings would be two tokens.
//
// Its errors never quote the URL: what is wrong with it may be a password.
func canonicalURL(raw string) (*url.URL, error) {
	if fault := plain.Fault(strings.Map(asciiLetter, raw)); fault != "" {
		return nil, errors.New("BaseURL: " + fault)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("BaseURL is not a URL: its host, its port or a % in it cannot be read; it has to look like https://open.feishu.cn")
	}
	if err := complaints(u, raw); err != nil {
		return nil, err
	}
	canonical := &url.URL{
		Scheme:  u.Scheme, // Parse has made it lower-case
		Host:    canonicalHost(u),
		Path:    strings.TrimRight(u.Path, "/"),
		RawPath: strings.TrimRight(u.RawPath, "/"),
	}
	return canonical, nil
}

// asciiLetter stands in for a letter of a host that is not written in ASCII, which is none of
// the characters that nobody means to write.
func asciiLetter(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) {
		return 'x'
	}
	return r
}

func complaints(u *url.URL, raw string) error {
	if u.Scheme != "https" && u.Scheme != "http" { // then the other parts are not where they seem
		return errors.New("BaseURL has to look like https://open.feishu.cn (http:// for a test)")
	}
	var errs []error
	if u.Hostname() == "" {
		errs = append(errs, errors.New("BaseURL names no host"))
	}
	if p := u.Port(); p != "" && !isPort(p) {
		errs = append(errs, errors.New("BaseURL has a port outside of 1 to 65535"))
	}
	if u.User != nil {
		errs = append(errs, errors.New("BaseURL holds a user name or password: none is needed"))
	}
	if strings.ContainsAny(raw, "?#") {
		errs = append(errs, errors.New("BaseURL has a query or fragment: give scheme, host and perhaps a path"))
	}
	if path := u.Path + "/"; strings.Contains(path, apiPath) {
		errs = append(errs, errors.New("BaseURL has the path of an API: leave out "+strings.TrimSuffix(apiPath, "/")+" and what follows, they are added to it"))
	}
	return errors.Join(errs...)
}

// apiPath begins the path of every API of the issuer.
const apiPath = "/open-apis/"

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func canonicalHost(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	port := u.Port()
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return host
	}
	return host + ":" + port
}

// travelsInTheClear says whether others could read the app secret on its way.
func travelsInTheClear(u *url.URL) bool {
	return u.Scheme == "http" && !isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
