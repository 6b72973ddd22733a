package acl_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/acl"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// obtainAgain tries for a lock with the value it has: what a client does that has
// not got the reply to its first try.
func obtainAgain(ctx context.Context, rdb redis.UniversalClient, key, value string) error {
	_, err := redislock.New(rdb).Obtain(ctx, key, time.Second, &redislock.Options{Token: value})
	return err
}

// words are rules as ACL SETUSER takes them.
func words(rules string) (args []any) {
	for word := range strings.FieldsSeq(rules) {
		args = append(args, word)
	}
	return args
}

func TestFleetLivesUnderTheLine(t *testing.T) {
	server := redistest.StartServer(t)
	admin := server.Client(t, func(o *redis.Options) { o.DB = 1 })
	permit(server, words(acl.Rules("onetoken", true))...)
	i := &issuer{app: "full"}
	a := newReplica(t, server.Client(t, asUser), i)
	require.NoError(t, tour(t, admin, a, newReplica(t, server.Client(t, asUser), i), i))
	assert.Empty(t, denied(server))
}

// What comes from the issuer while Redis is away is put back, under the line too.
func TestPutBackUnderTheLine(t *testing.T) {
	server := redistest.StartServer(t)
	permit(server, words(acl.Rules("onetoken", false))...)
	proxy := redistest.NewProxy(t, server.Addr())
	i := &issuer{app: "back"}
	r := newReplica(t, proxy.Client(t, asUser), i, func(c *tokencache.Config) { c.NoDirect = false })
	proxy.Refuse(true)
	tok, err := r.Get(t.Context())
	require.NoError(t, err)
	proxy.Refuse(false)
	require.Eventually(t, func() bool {
		stored, err := r.Stored(t.Context())
		return err == nil && stored.Equal(tok)
	}, 15*time.Second, 20*time.Millisecond)
	assert.Empty(t, denied(server))
}

// quiet are commands whose refusal nobody is told, only slowed down by.
var quiet = map[string]string{
	"del":         "a lock is not released, and others wait for its end",
	"mget":        "a lock is neither extended nor released",
	"unsubscribe": "what is forgotten goes on being heard",
}

// Without any one of its commands something is refused, and nothing else is.
func TestEveryCommandOfTheLineIsNeeded(t *testing.T) {
	for _, c := range append(acl.Commands, acl.Survey) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			server := redistest.StartServer(t)
			admin := server.Client(t, func(o *redis.Options) { o.DB = 1 })
			permit(server, rulesWithout(c.Name)...)
			i := &issuer{app: c.Name}
			a := newReplica(t, server.Client(t, asUser), i)
			err := tour(t, admin, a, newReplica(t, server.Client(t, asUser), i), i)
			if quiet[c.Name] == "" {
				require.Error(t, err)
			}
			require.Eventually(t, func() bool { return len(denied(server)) > 0 }, patience, time.Millisecond)
			assert.Equal(t, []string{c.Name}, denied(server))
		})
	}
}

func TestNothingOutsideThePrefix(t *testing.T) {
	for _, prefix := range []string{"onetoken", "blue*[x]?"} {
		t.Run(prefix, func(t *testing.T) {
			server := redistest.StartServer(t)
			admin := server.Client(t, func(o *redis.Options) { o.DB = 1 })
			permit(server, words(acl.Rules(prefix, true))...)
			rdb := server.Client(t, asUser)
			ctx := t.Context()
			ours := prefix + ":{a}:token"
			require.NoError(t, rdb.Set(ctx, ours, "x", time.Minute).Err())
			require.NoError(t, rdb.Publish(ctx, prefix+":{a}:events", "x").Err())

			for _, key := range []string{"other", prefix, prefix + ":a", prefix + "x:{a}:token", "x" + ours, "bluexx:{a}:token"} {
				admin.Set(ctx, key, "theirs", 0)
				for name, err := range map[string]error{
					"read":      rdb.Get(ctx, key).Err(),
					"write":     rdb.Set(ctx, key, "mine", time.Minute).Err(),
					"delete":    rdb.Del(ctx, key).Err(),
					"in script": rdb.Eval(ctx, "return redis.call('GET', KEYS[1])", []string{key}).Err(),
					"unnamed":   rdb.Eval(ctx, "return redis.call('GET', ARGV[1])", []string{ours}, key).Err(),
					"publish":   rdb.Publish(ctx, key, "x").Err(),
					"subscribe": subscribe(ctx, rdb, key),
				} {
					require.Regexp(t, `permission|can't access`, err, "%s %s", name, key)
				}
				assert.Equal(t, "theirs", admin.Get(ctx, key).Val())
			}
			for _, command := range []string{"KEYS *", "FLUSHDB", "CONFIG GET *", "INFO", "ACL LIST", "CLIENT LIST", "SCRIPT FLUSH", "PSUBSCRIBE *", "MONITOR", "RENAME a b"} {
				require.ErrorContains(t, rdb.Do(ctx, words(command)...).Err(), "permission", command)
			}
		})
	}
}

func subscribe(ctx context.Context, rdb *redis.Client, channel string) error {
	session := rdb.Subscribe(ctx, channel)
	defer session.Close()
	_, err := session.Receive(ctx)
	return err
}

// A client of a cluster needs a few more, and they are enough.
func TestCluster(t *testing.T) {
	server := redistest.StartServer(t, "--cluster-enabled", "yes")
	slots := []any{"CLUSTER", "ADDSLOTS"}
	for slot := range 16384 {
		slots = append(slots, slot)
	}
	server.Exec(slots...)
	admin := server.Client(t)
	require.Eventually(t, func() bool { return admin.Set(t.Context(), "x", 1, 0).Err() == nil }, 15*time.Second, 10*time.Millisecond)
	client := func() redis.UniversalClient {
		c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{server.Addr()}, Username: user, Password: password, DisableIdentity: true})
		t.Cleanup(func() { c.Close() })
		return c
	}
	for _, without := range append([]string{""}, acl.Names(acl.Cluster)...) {
		t.Run("without "+without, func(t *testing.T) {
			rules := words(acl.Rules("onetoken", true))
			for _, c := range acl.Cluster {
				if c.Name != without {
					rules = append(rules, "+"+c.Name)
				}
			}
			permit(server, rules...)
			i := &issuer{app: "cluster" + without}
			err := tour(t, admin, newReplica(t, client(), i), newReplica(t, client(), i), i)
			switch without {
			case "": // all is there
				require.NoError(t, err)
				assert.Empty(t, denied(server))
			case "asking": // only used while a slot moves between nodes
			default:
				assert.Equal(t, []string{without}, denied(server), "%v", err)
			}
		})
	}
}

// As a line of redis.conf, too.
func TestLineOfAConfiguration(t *testing.T) {
	server := redistest.StartServer(t, append([]string{"--user", user, "on", ">" + password}, strings.Fields(acl.Rules("onetoken", false))...)...)
	require.NoError(t, server.Client(t, asUser).Set(t.Context(), "onetoken:{a}:lock", "x", time.Second).Err())
}

// The page for people and the list are one.
func TestPageSaysTheSame(t *testing.T) {
	page, err := os.ReadFile("../../docs/acl.md")
	require.NoError(t, err)
	text := strings.Join(strings.Fields(string(page)), " ")
	for _, line := range []string{
		"ACL SETUSER onetoken reset on >PASSWORD " + acl.Rules("onetoken", true),
		"ACL SETUSER onetoken reset on >PASSWORD " + acl.Rules("onetoken", false),
		"user onetoken on >PASSWORD " + acl.Rules("onetoken", true),
		acl.Words(acl.Names(acl.Cluster)...),
		"ACL SETUSER onetoken reset on >PASSWORD " + acl.SentinelRules(),
	} {
		assert.Contains(t, text, line)
	}
}
