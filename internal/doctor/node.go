package doctor

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// node is what a primary says of itself; "" where it does not.
type node struct {
	software string // "redis" or "valkey"
	version  string
	mode     string // "standalone", "cluster" or "sentinel"
	role     string // "master", or another word
	policy   string
	cluster  bool // it was asked by a client of a cluster
}

// look asks each primary, or the one there is.
func (p *patient) look(ctx context.Context) (nodes []node) {
	cluster, ok := p.Redis.(*redis.ClusterClient)
	if !ok {
		return []node{lookAt(ctx, p.Redis)}
	}
	var mu sync.Mutex // guards nodes
	_ = cluster.ForEachMaster(ctx, func(ctx context.Context, one *redis.Client) error {
		n := lookAt(ctx, one)
		n.cluster = true
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, n)
		return nil
	})
	return nodes
}

// lookAt asks for INFO, which may be forbidden, and fills in from HELLO, which
// cannot be, and CONFIG.
func lookAt(ctx context.Context, rdb redis.Cmdable) node {
	info := map[string]string{}
	for line := range strings.Lines(rdb.Info(ctx).Val()) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[key] = value
		}
	}
	hello := helloOf(ctx, rdb)
	n := node{
		software: cmp.Or(hello["server"], "redis"),
		version:  cmp.Or(info["redis_version"], hello["version"]),
		mode:     cmp.Or(hello["mode"], info["redis_mode"]),
		role:     cmp.Or(info["role"], hello["role"]),
		policy:   info["maxmemory_policy"],
	}
	if v := info["valkey_version"]; v != "" { // redis_version is the one it is compatible with
		n.software, n.version = "valkey", v
	}
	if n.policy == "" {
		n.policy = rdb.ConfigGet(ctx, "maxmemory-policy").Val()["maxmemory-policy"]
	}
	return n
}

func helloOf(ctx context.Context, rdb redis.Cmdable) map[string]string {
	doer, ok := rdb.(interface {
		Do(ctx context.Context, args ...any) *redis.Cmd
	})
	if !ok {
		return nil
	}
	said := map[string]string{}
	switch reply := doer.Do(ctx, "HELLO").Val().(type) {
	case map[any]any: // RESP3
		for key, value := range reply {
			note(said, key, value)
		}
	case []any: // RESP2
		for i := 0; i+1 < len(reply); i += 2 {
			note(said, reply[i], reply[i+1])
		}
	}
	return said
}

func note(said map[string]string, key, value any) {
	name, ok := key.(string)
	if text, isText := value.(string); ok && isText {
		said[name] = text
	}
}

const notTold = "unknown: redis does not tell this user"

func versionCheck(nodes []node) finding {
	f := finding{Name: "version", Status: checkOK, Found: each(nodes, node.name)}
	switch {
	case f.Found == "":
		return skipped("version", notTold)
	case slices.ContainsFunc(nodes, node.tooOld):
		f.Status, f.Advice = checkFail, "upgrade to 6.2 or later, or to Valkey"
	}
	return f
}

func (n node) name() string {
	if n.version == "" {
		return ""
	}
	return n.software + " " + n.version
}

func (n node) tooOld() bool {
	major, rest, _ := strings.Cut(n.version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(major)
	b, _ := strconv.Atoi(minor)
	return n.software == "redis" && err == nil && (a < 6 || a == 6 && b < 2)
}

func roleCheck(nodes []node) finding {
	f := finding{Name: "role", Status: checkOK, Found: "a primary"}
	switch role := each(nodes, func(n node) string { return n.role }); {
	case has(nodes, func(n node) bool { return n.mode == "sentinel" }):
		f.Status, f.Found, f.Advice = checkFail, "a sentinel", "add ?master_name=... (REDIS_URL)"
	case has(nodes, func(n node) bool { return n.mode == "cluster" && !n.cluster }):
		f.Status, f.Found, f.Advice = checkFail, "a node of a cluster", "add ?cluster=true (REDIS_URL)"
	case role == "":
		return skipped("role", notTold)
	case role != "master":
		f.Status, f.Found, f.Advice = checkFail, "a replica, which takes no writes (READONLY)", "connect to the primary (REDIS_URL)"
	case len(nodes) > 1:
		f.Found = strconv.Itoa(len(nodes)) + " primaries of a cluster"
	}
	return f
}

func evictionCheck(nodes []node) finding {
	f := finding{Name: "eviction", Status: checkOK, Found: each(nodes, func(n node) string { return n.policy })}
	switch {
	case f.Found == "":
		return skipped("eviction", "unknown: neither INFO nor CONFIG tells this user; it has to be noeviction")
	case f.Found != "noeviction":
		f.Status = checkWarn
		f.Advice = "set maxmemory-policy noeviction: a full redis may throw our keys out, and volatile-* takes them first"
	}
	return f
}

func has(nodes []node, is func(node) bool) bool { return slices.ContainsFunc(nodes, is) }

// each joins what the nodes have to say, without repeating it.
func each(nodes []node, say func(node) string) string {
	var all []string
	for _, n := range nodes {
		if s := say(n); s != "" {
			all = append(all, s)
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}
