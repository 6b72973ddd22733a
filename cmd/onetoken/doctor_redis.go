package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/tokencache"
)

// clock is how far another clock is ahead of ours.
type clock struct {
	known bool
	ahead time.Duration
}

// contact is what became of talking to Redis.
type contact struct {
	err     error // it is of no use like this
	latency time.Duration
	clock   clock
}

// unusable are the troubles of a Redis that none of the other checks can use.
var unusable = []tokencache.Trouble{
	tokencache.TroubleUnreachable, tokencache.TroubleTimeout, tokencache.TroubleTLS, tokencache.TroubleSentinel, tokencache.TroubleProtocol,
	tokencache.TroubleNoAuth, tokencache.TroubleWrongPass, tokencache.TroubleLoading, tokencache.TroubleMasterDown,
	tokencache.TroubleClusterDown, tokencache.TroubleMaxClients, tokencache.TroubleNoDB, tokencache.TroubleNoCluster, tokencache.TroubleBusy,
}

func (p *patient) redisCheck(ctx context.Context) (finding, contact) {
	got, ok := inTime(ctx, p.contact)
	switch {
	case !ok, ctx.Err() != nil: // what it got then is of the interruption
		return late(ctx, "redis"), contact{}
	case got.err != nil:
		return p.failure("redis", got.err), contact{}
	}
	f := finding{Name: "redis", Status: checkOK, Found: "answers in " + rounded(got.latency)}
	if got.slow() {
		f.Status, f.Advice = checkWarn, "use one that is nearer: a replica without a token makes some ten round trips"
	}
	return f, got
}

// slow says whether a rehearsal takes longer than a check may.
func (c contact) slow() bool { return c.latency >= 80*time.Millisecond }

// contact looks as a replica would, whose errors have names, and then asks for
// the time, over and over. That this may be forbidden takes as long to be told.
func (p *patient) contact(ctx context.Context) contact {
	cache, source, err := p.standIn(neverFetched)
	if err != nil {
		return contact{err: err}
	}
	defer cache.Close()
	_, err = source.Status(ctx)
	if ctx.Err() != nil { // then err is ctx's, and says nothing about redis
		return contact{err: err}
	}
	if e, ok := errors.AsType[*tokencache.RedisError](err); ok && slices.Contains(unusable, e.Trouble) {
		return contact{err: err}
	}
	const tries = 5
	var took []time.Duration
	var c clock
	for range tries {
		sent := time.Now()
		at, err := p.rdb.Time(ctx).Result()
		round := time.Since(sent)
		if err == nil && (len(took) == 0 || round < slices.Min(took)) {
			c = clock{true, at.Sub(sent.Add(round / 2))}
		}
		took = append(took, round)
	}
	slices.Sort(took)
	return contact{latency: took[tries/2], clock: c}
}

// standIn is a Cache with a credential of the doctor's own.
func (p *patient) standIn(fetch func(context.Context) (tokencache.Token, error)) (*tokencache.Cache, *tokencache.Source, error) {
	config := p.config
	config.NoDirect = true
	credential, err := doctorsOwn()
	if err != nil {
		return nil, nil, err
	}
	cache, err := tokencache.New(p.rdb, config)
	if err != nil {
		return nil, nil, err
	}
	return cache, cache.Source(tokencache.FetchFunc(credential, fetch)), nil
}

// doctorsOwn is a credential that nobody else has.
func doctorsOwn() (tokencache.Credential, error) {
	return tokencache.NewCredential(tokencache.CredentialConfig{Issuer: "doctor", App: rand.Text(), Secret: []tokencache.Secret{tokencache.NewSecret(rand.Text())}})
}

// neverFetched is of a Source that only looks.
func neverFetched(context.Context) (tokencache.Token, error) {
	return tokencache.Token{}, errors.New("nobody was to be asked")
}

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
	cluster, ok := p.rdb.(*redis.ClusterClient)
	if !ok {
		return []node{lookAt(ctx, p.rdb)}
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

// rounded is a duration as people want it.
func rounded(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= 100*time.Millisecond:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
