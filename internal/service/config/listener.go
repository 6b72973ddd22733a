package config

import (
	"context"
	"net"
	"net/netip"
	"strings"
)

// Listener is where HTTP is served.
type Listener struct {
	// Listen is host:port, with a number for the port, of which 0 picks a free one; a host of "" is
	// every address. "": nothing is served there.
	Listen string
	// TLS to serve with; nil: none. With a ClientCA whoever connects may show a certificate; what
	// that is good for is the door's to say.
	TLS *ServerTLS
	// Insecure is that there need be no TLS beyond loopback.
	Insecure bool
}

var (
	listenerKeys = []string{"listen", "tls", "insecure"}
	statusKeys   = keys{known: listenerKeys}
)

func (in *inputs) status(ctx context.Context, v value) Listener {
	s, ok := in.section(v, statusKeys)
	if !ok {
		return Listener{}
	}
	in.need(s, "listen", "host:port to serve on, such as 127.0.0.1:8080; without a status section nothing is served")
	return in.listener(ctx, s)
}

// address is where a listener is.
type address struct{ key, listen string } // listen is "" if there is none

// listener has no Listen where that is absent, and after a complaint. taken are the addresses of others.
func (in *inputs) listener(ctx context.Context, s section, taken ...address) Listener {
	v := s.get("listen")
	l := Listener{TLS: in.serverTLS(ctx, s.get("tls")), Insecure: in.boolean(s.get("insecure"))}
	text, ok := in.text(v)
	if !ok {
		return l
	}
	host, complaint := checkListen(text)
	if complaint != "" {
		in.complain(v, complaint)
		return l
	}
	if !isLoopback(host) && !s.has("tls") && !l.Insecure {
		in.complain(v, "can be reached from other hosts, and there is no TLS: listen on 127.0.0.1, set tls, or insecure: true where nobody else is on the network")
	}
	for _, other := range taken {
		if other.listen != "" && collide(text, other.listen) {
			in.complain(v, "is the address of "+other.key+": give each its own port")
		}
	}
	l.Listen = text
	return l
}

// checkListen returns the host, or a complaint.
func checkListen(text string) (host, complaint string) {
	const form = "has to be host:port, such as 127.0.0.1:8080 or [::1]:8080"
	host, port, err := net.SplitHostPort(text)
	switch {
	case err != nil:
		return "", form
	case !isPort(port, 0):
		return "", form + ", with a port from 1 to 65535, or 0 for a free one"
	case host != "" && !isHost(host):
		return "", "has a host that is none: " + strings.TrimPrefix(form, "has to be ")
	}
	return host, ""
}

func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return len(host) <= 253 && strings.Trim(host, ".") != "" && !strings.ContainsFunc(host, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_'
	})
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// collide of addresses that are good. One of all addresses takes the port on each.
func collide(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	portA, portB = strings.TrimLeft(portA, "0"), strings.TrimLeft(portB, "0")
	if portA != portB || portA == "" { // 0 picks a free one
		return false
	}
	a, b = onlyName(hostA), onlyName(hostB)
	return a == b || a == everywhere || b == everywhere
}

const everywhere = ""

// onlyName of a host is one for all its spellings.
func onlyName(host string) string {
	if strings.EqualFold(host, "localhost") {
		return "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return strings.ToLower(host)
	case ip.IsUnspecified():
		return everywhere
	}
	return ip.Unmap().String()
}
