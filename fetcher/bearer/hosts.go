package bearer

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// authorizes reports whether a request gets the token. A request after a redirect holds the
// response that caused it: then every hop before must qualify, too, or a foreign host could do what
// it likes in the app's name.
func (t *Transport) authorizes(req *http.Request) bool {
	for {
		if req == nil || t.place.taken(req) || !t.hosts.have(req) {
			return false
		}
		if req.Response == nil {
			return true
		}
		req = req.Response.Request
	}
}

// origins are scheme, host and port in their one spelling: https://host:443.
type origins map[string]struct{}

// have reports whether a request goes to these hosts alone. The Host header and an opaque URL
// count, too: a front end that many share goes by the one, a proxy by the other.
func (o origins) have(req *http.Request) bool {
	if req.URL == nil || !o.has(req.URL) || !pathOnly(req.URL.Opaque) {
		return false
	}
	return req.Host == "" || req.Host == req.URL.Host || o.has(&url.URL{Scheme: req.URL.Scheme, Host: req.Host})
}

func (o origins) has(u *url.URL) bool {
	_, ok := o[originOf(u.Scheme, u)]
	return ok
}

// originOf returns "" for a name outside of ASCII: lower case is another thing
// there.
func originOf(scheme string, u *url.URL) string {
	host, port := u.Hostname(), u.Port()
	if !isASCII(host) {
		return ""
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	}
	if port == "" {
		port = defaultPort[scheme]
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

var defaultPort = map[string]string{"https": "443", "http": "80"}

func isASCII(s string) bool {
	for _, b := range []byte(s) {
		if b <= ' ' || b >= 0x7f {
			return false
		}
	}
	return true
}

// add takes one of Config.Hosts, or returns what is wrong with it.
func (o origins) add(raw string) (complaint string) {
	bare := !strings.Contains(raw, "://")
	if bare {
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "is no host: it has to look like open.feishu.cn or https://open.feishu.cn"
	}
	if complaint := complaintOf(u); complaint != "" {
		return complaint
	}
	o[originOf(u.Scheme, u)] = struct{}{}
	if bare && isLoopback(u.Hostname()) {
		o[originOf("http", u)] = struct{}{}
	}
	return ""
}

func complaintOf(u *url.URL) string {
	host := u.Hostname()
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return "has a scheme that is neither https nor http"
	case u.User != nil:
		return "holds a user name or password: none is needed"
	case host == "" || host == ".":
		return "names no host"
	case strings.Contains(host, "*"):
		return "has a wildcard: name every host"
	case !isASCII(host):
		return "has characters outside of printable ASCII: write it in punycode, xn--..."
	case u.Port() != "" && !isPort(u.Port()):
		return "has a port that is not one of 1 to 65535"
	case strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "has more than scheme, host and port: all of a host gets the token, or nothing"
	}
	return ""
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s[0] != '0'
}

func isLoopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// pathOnly reports whether an opaque part names no host of its own. It goes into the request line
// as it is, and a proxy goes by that line.
func pathOnly(opaque string) bool {
	return opaque == "" || strings.HasPrefix(opaque, "/") && !strings.HasPrefix(opaque, "//")
}
