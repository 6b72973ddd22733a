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
	host := withoutPort(r.Host)
	if _, ok := known[plainHost(host)]; ok {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || beyondLoopback(local))
}

// withoutPort takes the brackets off an IPv6 address too.
func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// beyondLoopback is false of an address that is not known.
func beyondLoopback(local net.Addr) bool {
	tcp, ok := local.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}
