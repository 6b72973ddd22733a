package deploycheck

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// Configuration is an onetoken.yaml as a tree. Whether it is good, the binary says.
type Configuration map[string]any

// ReadConfiguration reads the text of one.
func ReadConfiguration(text string) (c Configuration, err error) {
	err = yaml.Unmarshal([]byte(text), &c)
	return c, err
}

// sections that listen, by the names of the ports that they have in manifests.
var doors = []string{"status", "tokens", "gateway"}

// Port that a section listens at; 0: none.
func (c Configuration) Port(section string) int32 {
	_, port, _ := net.SplitHostPort(c.text(section, "listen"))
	n, _ := strconv.ParseInt(port, 10, 32)
	return int32(n)
}

// Reached reports whether a section can be reached from outside of the pod.
func (c Configuration) Reached(section string) bool {
	host, _, err := net.SplitHostPort(c.text(section, "listen"))
	if err != nil || strings.EqualFold(host, "localhost") {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || !ip.IsLoopback()
}

// TLS reports whether a section has it.
func (c Configuration) TLS(section string) bool {
	_, ok := c.section(section)["tls"]
	return ok
}

// Socket is the path of the one of the token door; "": none.
func (c Configuration) Socket() string { return c.text("tokens", "socket") }

// Files that it names, sorted: the values of all X_file.
func (c Configuration) Files() []string {
	var files []string
	walk(map[string]any(c), func(key string, value any) {
		if path, ok := value.(string); ok && strings.HasSuffix(key, "_file") {
			files = append(files, path)
		}
	})
	slices.Sort(files)
	return slices.Compact(files)
}

// Variables that it names, sorted: the values of all X_env.
func (c Configuration) Variables() []string {
	var names []string
	walk(map[string]any(c), func(key string, value any) {
		if name, ok := value.(string); ok && strings.HasSuffix(key, "_env") {
			names = append(names, name)
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// walk visits every key of every mapping.
func walk(node any, visit func(key string, value any)) {
	switch node := node.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(node)) {
			visit(key, node[key])
			walk(node[key], visit)
		}
	case []any:
		for _, item := range node {
			walk(item, visit)
		}
	}
}

// UIDs of the clients of the socket.
func (c Configuration) UIDs() (uids []int64) {
	clients, _ := c.section("tokens")["clients"].([]any)
	for _, client := range clients {
		entry, _ := client.(map[string]any)
		if uid, ok := entry["uid"].(float64); ok {
			uids = append(uids, int64(uid))
		}
	}
	return uids
}

// Peers that it calls: Redis, then the issuers.
func (c Configuration) Peers() (all []Peer, err error) {
	urls := []string{c.text("redis", "url")}
	credentials, _ := c["credentials"].([]any)
	for _, credential := range credentials {
		entry, _ := credential.(map[string]any)
		urls = append(urls, issuerOf(entry))
	}
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" {
			return nil, fmt.Errorf("%q is no URL with a host", text)
		}
		port, err := strconv.ParseInt(portOf(u), 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%q has no port that is known here", text)
		}
		if peer := (Peer{Host: u.Hostname(), Port: int32(port)}); !slices.Contains(all, peer) {
			all = append(all, peer)
		}
	}
	return all, nil
}

// Peer is a host by name, with a port.
type Peer struct {
	Host string
	Port int32
}

func issuerOf(credential map[string]any) string {
	for _, key := range []string{"token_url", "base_url"} {
		if text, ok := credential[key].(string); ok {
			return text
		}
	}
	return "https://open.feishu.cn" // as in the product, where nothing else is said
}

func portOf(u *url.URL) string {
	if u.Port() != "" {
		return u.Port()
	}
	return map[string]string{"https": "443", "http": "80", "redis": "6379", "rediss": "6379"}[u.Scheme]
}

func (c Configuration) section(name string) map[string]any {
	section, _ := c[name].(map[string]any)
	return section
}

func (c Configuration) text(section, key string) string {
	text, _ := c.section(section)[key].(string)
	return text
}
