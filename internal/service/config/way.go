package config

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"strconv"

	"github.com/onetoken-go/onetoken/internal/plain"
	"github.com/onetoken-go/onetoken/internal/transport"
)

// way to an issuer. The zero one is by the proxies of the environment, with the system's
// authorities.
type way struct {
	proxy string // a URL, perhaps with a password in it
	roots string // the certificates of ca_file
	transports
}

// transports of a way: one for tokens, which keeps no connection, and one for APIs, which does.
type transports struct{ tokens, api http.RoundTripper }

// ways are those of all credentials: equal ones share their transports.
type ways struct {
	made map[[2]string]transports
}

func newWays() *ways { return &ways{map[[2]string]transports{}} }

func (w *ways) transports(proxy string, through *url.URL, roots string, trusted *x509.CertPool) transports {
	key := [2]string{proxy, roots}
	made, ok := w.made[key]
	if !ok {
		c := transport.Config{Proxy: through, Roots: trusted}
		made = transports{tokens: transport.New(c), api: transport.NewPooled(c)}
		w.made[key] = made
	}
	return made
}

func (in *inputs) way(ctx context.Context, s section) way {
	trusted, roots := in.roots(ctx, s.get("ca_file"))
	proxy := in.either(ctx, s, "proxy_url")
	through := in.proxy(proxy)
	if through == nil {
		proxy.text = ""
	}
	return way{proxy: proxy.text, roots: roots, transports: in.ways.transports(proxy.text, through, roots, trusted)}
}

// proxy is nil where it is absent, and after a complaint.
func (in *inputs) proxy(f found) *url.URL {
	if !f.ok {
		return nil
	}
	u, complaint := parseProxy(f.text)
	if complaint != "" {
		in.complain(f.value, complaint)
		return nil
	}
	if _, ok := u.User.Password(); ok && f.key == "proxy_url" {
		in.complain(f.value, "has a password in it, and no secret stands in this file: write the URL into a file and name that by proxy_url_file, or a variable by proxy_url_env")
		return nil
	}
	return u
}

const proxyExample = "http://proxy.example:3128"

// parseProxy does not quote the URL, nor what net/url says of it.
func parseProxy(raw string) (*url.URL, string) {
	if fault := plain.Fault(raw); fault != "" {
		return nil, "is no URL: " + fault
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, "is no URL that can be read: it has to look like " + proxyExample + "; write %25 for a % in a password"
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" && u.Scheme != "socks5h":
		return nil, "has to begin with http://, https:// or socks5://, and to look like " + proxyExample
	case u.Hostname() == "":
		return nil, "names no host: it has to look like " + proxyExample
	case u.Port() != "" && !isPort(u.Port(), 1):
		return nil, "has a port outside of 1 to 65535"
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, "has more than scheme, user, password, host and port: leave the rest out"
	}
	return u, ""
}

func isPort(text string, least uint64) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n >= least
}
