package real

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// shard is where a key is, in a Redis with a successor for each primary.
type shard struct {
	owner, heir *redistest.Server
	promote     func() // the heir, without anything being wrong
}

// replicated is a Redis of that kind.
type replicated struct {
	client clients
	of     func(key string) shard
}

func startSentinel(t *testing.T) replicated {
	s := redistest.StartSentinel(t)
	return replicated{
		client: func(t testing.TB) redis.UniversalClient { return s.Client(t) },
		of:     func(string) shard { return shard{s.Primary(), s.Replica(), s.Failover} },
	}
}

func startCluster(t *testing.T) replicated {
	c := redistest.StartCluster(t)
	return replicated{
		client: func(t testing.TB) redis.UniversalClient { return c.Client(t) },
		of: func(key string) shard {
			heir := c.Heir(key)
			return shard{c.Owner(key), heir, func() { heir.Exec("CLUSTER", "FAILOVER") }}
		},
	}
}

// endings of a primary, and how it comes back.
var endings = map[string]struct{ end, mend func(shard) }{
	"promoted": {func(s shard) { s.promote() }, func(shard) {}},
	"killed":   {func(s shard) { s.owner.Kill() }, func(shard) {}},
	"hung":     {func(s shard) { s.owner.Pause() }, func(s shard) { s.owner.Continue() }},
}

// F22: the primary goes while the issuer is being asked, and its replica takes over.
// Whoever has a copy notices nothing, there are two calls at most, and in the end the
// successor has the token, and everybody.
//
// What is not here: a successor whose clock is off by 90 s. The tests of the scripts have that,
// in tokencache; those of F23 set the clock of one server.
func TestF22FailoverDuringAFill(t *testing.T) {
	t.Parallel()
	for kind, start := range map[string]func(*testing.T) replicated{"sentinel": startSentinel, "cluster": startCluster} {
		for name, ending := range endings {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				failover(t, start(t), ending.end, ending.mend)
			})
		}
	}
}

func failover(t *testing.T, rd replicated, end, mend func(shard)) {
	i := newIssuer("failover", 4*time.Minute)
	i.window, i.latency = 2*time.Minute, 2*time.Second
	s := inItsWindow(t, rd, i)
	fleet := newFleet(t, rd.client, i)
	old := getAll(t, fleet)
	stop := reading(t, fleet, i)
	<-i.asked
	end(s.shard)

	eventually(t, func() bool { return promoted(s.heir) }, "there is a successor")
	heir := s.heir.Client(t)
	latest := func() string { return heir.HGet(t.Context(), s.key, "fingerprint").Val() }
	start := time.Now()
	eventually(t, func() bool { tok := latest(); return tok != "" && tok != old.Fingerprint() }, "it has the new token")
	t.Logf("%v after the promotion, and %d calls, it has %s", time.Since(start).Round(time.Millisecond), i.calls(), latest())
	eventually(t, func() bool {
		return !slices.ContainsFunc(fleet, func(r *replica) bool {
			tok, _ := r.Peek()
			return tok.Equal(old)
		})
	}, "everybody has it")
	late := newReplica(t, rd.client(t), i, noDirect)
	eventually(t, func() bool { // its client may ask a node first that hangs
		tok, err := late.Get(t.Context())
		return err == nil && tok.Fingerprint() == latest()
	}, "who comes later gets it too")
	stop()
	assert.LessOrEqual(t, i.calls(), 1+1+1, "the first, this one, and one more for a lost lock")
	for _, r := range fleet {
		assert.LessOrEqual(t, r.count(tokencache.EventWait), 1, "none but the first")
	}

	t.Run("then events arrive again", func(t *testing.T) {
		i.latency = 0
		mend(s.shard)
		eventually(t, func() bool {
			tok, _, err := fleet[0].Refresh(t.Context())
			if err != nil {
				return false
			}
			return soon(fleet, func(r *replica) bool { return r.holds(tok) })
		})
	})
}

// place is a key, and where it is.
type place struct {
	shard
	key string
}

// inItsWindow stores a token that is in its window, on the replica too.
func inItsWindow(t *testing.T, rd replicated, i *issuer) place {
	t.Helper()
	key := aged(t, rd.client(t), i)
	s := place{rd.of(key), key}
	eventually(t, func() bool { return s.heir.Exec("DBSIZE") == int64(1) }, "the replica has it")
	return s
}

func promoted(server *redistest.Server) bool {
	role, _ := server.Exec("ROLE").([]any)
	return len(role) > 0 && role[0] == "master"
}
