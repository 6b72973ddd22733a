package door

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// fromAPage reports whether a page in a browser has sent the request, be it in its user's name: programs
// send neither header. See the package's page.
func fromAPage(r *http.Request) bool {
	if len(r.Header["Origin"]) > 0 {
		return true
	}
	site, given := r.Header["Sec-Fetch-Site"]
	return given && (len(site) != 1 || site[0] != "none" && site[0] != "same-origin")
}

// hosts are names by which the service is called over plain TCP, as plainHost spells them.
type hosts map[string]struct{}

func newHosts(names []string) hosts {
	known := hosts{"localhost": {}}
	for _, name := range names {
		known[plainHost(name)] = struct{}{}
	}
	return known
}

// plainHost lets capitals and a dot at the end make no difference.
func plainHost(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// takes reports whether the Host header names this service, where it can be another's: see the package's page.
func (known hosts) takes(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if r.TLS != nil || local != nil && local.Network() == "unix" {
		return true
	}
	host := HostOf(r)
	if _, ok := known[host.Name]; ok {
		return true
	}
	return host.Addr.IsValid() && (host.Addr.IsLoopback() || BeyondLoopback(r))
}

// Host is what the Host header of a request names.
type Host struct {
	Name string     // without port and brackets, as plainHost spells it
	Addr netip.Addr // the zero one of a name
}

// HostOf decides for every listener of the service what a request names.
func HostOf(r *http.Request) Host {
	host := withoutPort(r.Host)
	addr, _ := netip.ParseAddr(host)
	return Host{plainHost(host), addr}
}

// IsLocal reports whether it is localhost, or an address: no page of the web can have led its name to that.
func (h Host) IsLocal() bool { return h.Name == "localhost" || h.Addr.IsValid() }

// withoutPort takes the brackets off an IPv6 address too.
func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// BeyondLoopback reports whether a request has come to an address that other hosts reach. It is false of one that is
// not known.
func BeyondLoopback(r *http.Request) bool {
	tcp, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}
