package real

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/acl"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// sentinelsOwn is what the sentinels need at the servers, by Redis' documentation.
const sentinelsOwn = "allchannels -@all +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info +client|setname +client|kill +script|kill"

// setUser makes a user with the password pw.
func setUser(server *redistest.Server, name, rules string) {
	args := []any{"ACL", "SETUSER", name, "reset", "on", ">pw"}
	for word := range strings.FieldsSeq(rules) {
		args = append(args, word)
	}
	server.Exec(args...)
}

// leastBehindSentinels has nobody do more than he has to: the fleet at the servers, the fleet at
// the sentinels, and the sentinels at the servers. It checks in the end that nothing was refused.
func leastBehindSentinels(t *testing.T) *redistest.Sentinel {
	s := redistest.StartSentinel(t)
	servers := []*redistest.Server{s.Primary(), s.Replica()}
	for _, server := range servers {
		setUser(server, "onetoken", acl.Rules("onetoken", true))
		setUser(server, "sentinel", sentinelsOwn)
	}
	for _, watch := range s.Sentinels() {
		setUser(watch, "onetoken", acl.SentinelRules())
		watch.Exec("SENTINEL", "SET", redistest.MasterName, "auth-user", "sentinel", "auth-pass", "pw")
	}
	for _, server := range servers {
		eventually(t, func() bool {
			return loggedIn(fmt.Sprint(server.Exec("CLIENT", "LIST"))) == len(s.Sentinels())
		}, "the sentinels have their user")
	}
	t.Cleanup(func() {
		for _, server := range append(servers, s.Sentinels()...) {
			assert.Empty(t, server.Exec("ACL", "LOG"))
		}
	})
	return s
}

// loggedIn counts the sentinels among clients, or returns 0 if one has not its user: each has a
// connection to ask and one to listen, with names that tell whose and which they are.
func loggedIn(clients string) (sentinels int) {
	for line := range strings.Lines(clients) {
		if !strings.Contains(line, " name=sentinel-") {
			continue
		}
		if !strings.Contains(line, " user=sentinel ") {
			return 0
		}
		if strings.Contains(line, "-cmd ") {
			sentinels++
		}
	}
	return sentinels
}

func asOnetoken(o *redis.FailoverOptions) {
	o.Username, o.Password, o.SentinelUsername, o.SentinelPassword = "onetoken", "pw", "onetoken", "pw"
}

// F22: with no more rights than docs/acl.md names, a fleet lives behind sentinels, and survives
// a failover.
func TestF22SentinelsWithTheLeastOfAnACL(t *testing.T) {
	t.Parallel()
	s := leastBehindSentinels(t)
	client := func(t testing.TB) redis.UniversalClient { return s.Client(t, asOnetoken) }
	t.Run("fleet", func(t *testing.T) {
		for name, live := range lives {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				live(t, client)
			})
		}
	})
	i := newIssuer("after", 2*time.Hour)
	fleet := newFleet(t, client, i, patient)
	getAll(t, fleet)
	stop := reading(t, fleet, i)
	s.Failover()
	key := "onetoken:{" + fleet[0].ID() + "}:token"
	eventually(t, func() bool { // what is written until all know of it is lost
		tok, _, err := fleet[0].Refresh(t.Context())
		return err == nil && promoted(s.Replica()) && s.Replica().Exec("HGET", key, "fingerprint") == tok.Fingerprint() &&
			soon(fleet, func(r *replica) bool { return r.holds(tok) })
	}, "the successor is in use")
	stop()
}

// prompt is a client that gives a sentinel up soon.
func prompt(o *redis.FailoverOptions) { o.DialTimeout, o.ReadTimeout = time.Second/2, time.Second/2 }

// F22: sentinels fall silent, one of three and then all. Who is connected goes on. Who comes new
// has to ask them, and go-redis waits until each has answered or its own time-out is over (5 s, if
// nobody says otherwise): so it depends on which is longer, that or RedisTimeout.
func TestF22SilentSentinels(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t)
	slow := func(t testing.TB) redis.UniversalClient { return s.Client(t) }
	quick := func(t testing.TB) redis.UniversalClient { return s.Client(t, prompt) }
	i := newIssuer("before", 2*time.Hour)
	fleet := newFleet(t, slow, i, patient)
	getAll(t, fleet)
	goesOn := func() {
		t.Helper()
		stop := reading(t, fleet, i)
		defer stop()
		eventually(t, func() bool {
			tok, _, err := fleet[0].Refresh(t.Context())
			return err == nil && soon(fleet, func(r *replica) bool { return r.holds(tok) })
		}, "who is connected goes on")
	}
	goesOn()

	s.Sentinels()[1].Pause()
	goesOn()
	herd := newIssuer("herd", 2*time.Hour)
	getAll(t, newFleet(t, quick, herd, patient))
	assert.Equal(t, 1, herd.calls(), "a cold fleet asks once")
	around := newReplica(t, slow(t), newIssuer("around", 2*time.Hour))
	_, err := around.Get(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, around.count(tokencache.EventDirectCall), "RedisTimeout is shorter")

	for _, n := range []int{0, 2} {
		s.Sentinels()[n].Pause()
	}
	goesOn()
	lone := newIssuer("lone", 2*time.Hour)
	cold := newReplica(t, quick(t), lone, noDirect, patient)
	_, err = cold.Get(t.Context())
	trouble, ok := errors.AsType[*tokencache.RedisError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, tokencache.TroubleSentinel, trouble.Trouble)
	assert.ErrorContains(t, err, "check the addresses of the sentinels")
	direct := newReplica(t, quick(t), lone, patient)
	tok, err := direct.Get(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, direct.count(tokencache.EventDirectCall))

	for _, watch := range s.Sentinels() {
		watch.Continue()
	}
	eventually(t, func() bool {
		stored, err := direct.Stored(t.Context())
		return err == nil && stored.Equal(tok)
	}, "put back")
	eventually(t, func() bool { got, err := cold.Get(t.Context()); return err == nil && got.Equal(tok) }, "and shared")
	assert.Equal(t, 1, lone.calls())
	goesOn()
}
