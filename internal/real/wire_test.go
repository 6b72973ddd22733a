package real

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// through gives each client a way of its own to one server, on which something is done to all
// that passes. What a client sends again it sends at once: its pauses of up to half a second are
// long for tokens of 4 s, and the issuer would rightly be asked around a Redis that is so slow.
func through(way func(*redistest.Proxy)) func(t *testing.T) clients {
	return func(t *testing.T) clients {
		server := redistest.StartServer(t)
		return func(t testing.TB) redis.UniversalClient {
			proxy := redistest.NewProxy(t, server.Addr())
			way(proxy)
			return proxy.Client(t, func(o *redis.Options) { o.MinRetryBackoff, o.MaxRetryBackoff = -1, -1 })
		}
	}
}

// twice: the server sees every script and every event twice, and the client what came of the
// second.
func twice(p *redistest.Proxy) {
	p.Repeat(-1, redistest.Commands("EVAL", "EVALSHA", "PEXPIRE", "PUBLISH"))
}

// cutOnce: of the first reply to every request only one half arrives, then the connection ends.
// The client sends it again, on another.
func cutOnce(p *redistest.Proxy) {
	seen := map[string]bool{} // a Match is asked by one at a time
	p.CutReplies(-1, func(name string, args []string) bool {
		request := strings.Join(append(args, name), "\x00")
		first := !seen[request]
		seen[request] = true
		return first && redistest.Commands("EVAL", "EVALSHA", "PEXPIRE", "PUBLISH")(name, args)
	})
}

// steps of a rotation, by what the client sends.
var steps = map[string]redistest.Match{
	"look":    script(":token", 3),
	"lock":    argued(":lock", 3),
	"publish": script(":token", 4),
	"release": argued(":lock", 1),
	"event":   redistest.Commands("PUBLISH"),
}

// script chooses those with so many keys, of which the first ends so.
func script(first string, keys int) redistest.Match {
	return func(name string, args []string) bool {
		return strings.HasPrefix(name, "EVAL") && len(args) > 2 && args[1] == string(rune('0'+keys)) && strings.HasSuffix(args[2], first)
	}
}

// argued chooses those with one key that ends so, by how many arguments they have.
func argued(key string, arguments int) redistest.Match {
	of := script(key, 1)
	return func(name string, args []string) bool { return of(name, args) && len(args) == 3+arguments }
}

// counted is a Match that counts what it has chosen.
func counted(match redistest.Match, n *atomic.Int64) redistest.Match {
	return func(name string, args []string) bool {
		yes := match(name, args)
		if yes {
			n.Add(1)
		}
		return yes
	}
}

// F21, F43: the reply to one step of a rotation comes when nobody waits for it any more, or stops
// in the middle; to one such step of each replica, and no client sends anything again. Copies
// serve, and it costs one more call at most.
func TestF21RepliesLateOrCut(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second
	server := redistest.StartServer(t)
	faults := map[string]func(*redistest.Proxy, redistest.Match){
		"late": func(p *redistest.Proxy, step redistest.Match) { p.DelayReplies(1, 2*timeout, step) },
		"cut":  func(p *redistest.Proxy, step redistest.Match) { p.CutReplies(1, step) },
	}
	t.Run("fleet", func(t *testing.T) {
		for name, fault := range faults {
			for step, match := range steps {
				t.Run(name+" "+step, func(t *testing.T) {
					t.Parallel()
					repliesLost(t, server, timeout, fault, match)
				})
			}
		}
	})
}

func repliesLost(t *testing.T, server *redistest.Server, timeout time.Duration, fault func(*redistest.Proxy, redistest.Match), step redistest.Match) {
	i := newIssuer(t.Name(), 4*time.Minute)
	i.window = 2 * time.Minute
	key := aged(t, server.Client(t), i)
	var proxies []*redistest.Proxy
	fleet := newFleet(t, func(t testing.TB) redis.UniversalClient {
		proxy := redistest.NewProxy(t, server.Addr())
		proxies = append(proxies, proxy)
		return proxy.Client(t, func(o *redis.Options) { o.MaxRetries = -1 })
	}, i, func(c *tokencache.Config) { c.RedisTimeout = timeout })
	old := getAll(t, fleet)
	var lost atomic.Int64
	for _, proxy := range proxies {
		fault(proxy, counted(step, &lost))
	}

	stop := reading(t, fleet, i)
	admin := server.Client(t)
	eventually(t, func() bool {
		stored := admin.HGet(t.Context(), key, "fingerprint").Val()
		return stored != "" && stored != old.Fingerprint() && soon(fleet, func(r *replica) bool {
			tok, _ := r.Peek()
			return tok.Fingerprint() == stored
		})
	}, "all have another token")
	eventually(t, func() bool { return lost.Load() > 0 }, "the release comes last")
	stop()
	assert.LessOrEqual(t, i.calls(), 1+1+1, "the first, this one, and one more for a lost lock")
	unlocked(t, fleet[0])
	for _, r := range fleet {
		assert.LessOrEqual(t, r.count(tokencache.EventWait), 1, "none but the first")
		assert.Zero(t, r.count(tokencache.EventDirectCall))
	}
}

// aged stores a token of 4 min with 72 s left: well within a window of 2 min, and far from
// urgent. It returns its key.
func aged(t *testing.T, rdb redis.UniversalClient, i *issuer) (key string) {
	t.Helper()
	r := newReplica(t, rdb, i)
	_, err := r.Get(t.Context())
	require.NoError(t, err)
	<-i.asked
	require.NoError(t, r.cache.Close())
	key = "onetoken:{" + r.ID() + "}:token"
	require.NoError(t, rdb.PExpire(t.Context(), key, 72*time.Second).Err())
	return key
}
