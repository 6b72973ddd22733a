package real

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/acl"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// clients makes one client after another of the same Redis.
type clients = func(testing.TB) redis.UniversalClient

// kinds of Redis, as people run it.
var kinds = map[string]func(t *testing.T) clients{
	"standalone": func(t *testing.T) clients {
		server := redistest.StartServer(t)
		return func(t testing.TB) redis.UniversalClient { return server.Client(t) }
	},
	"cluster": func(t *testing.T) clients {
		cluster := redistest.StartCluster(t)
		return func(t testing.TB) redis.UniversalClient { return cluster.Client(t) }
	},
	"sentinel": func(t *testing.T) clients {
		sentinel := redistest.StartSentinel(t)
		return func(t testing.TB) redis.UniversalClient { return sentinel.Client(t) }
	},
	"TLS with client certificates": func(t *testing.T) clients {
		server := redistest.StartTLSServer(t)
		return func(t testing.TB) redis.UniversalClient { return server.Client(t) }
	},
	"least of an ACL":       leastOfAnACL,
	"RESP2":                 speaking(2),
	"RESP3":                 speaking(3),
	"RESP2 and RESP3":       speaking(2, 3),
	"scripts sent twice":    through(twice),
	"replies cut":           through(cutOnce),
	"database other than 0": inDatabase,
}

// leastOfAnACL checks in the end that nothing was refused, not even where nobody is
// told.
func leastOfAnACL(t *testing.T) clients {
	server := redistest.StartServer(t)
	rule := []any{"ACL", "SETUSER", "onetoken", "reset", "on", ">pw"}
	for word := range strings.FieldsSeq(acl.Rules("onetoken", true)) {
		rule = append(rule, word)
	}
	server.Exec(rule...)
	t.Cleanup(func() { assert.Empty(t, server.Exec("ACL", "LOG")) })
	return func(t testing.TB) redis.UniversalClient {
		return server.Client(t, func(o *redis.Options) { o.Username, o.Password = "onetoken", "pw" })
	}
}

// speaking has one client after another speak another of these versions of RESP, by the
// server's word.
func speaking(versions ...int) func(t *testing.T) clients {
	return func(t *testing.T) clients {
		server := redistest.StartServer(t)
		var made atomic.Int64
		return func(t testing.TB) redis.UniversalClient {
			version := versions[made.Add(1)%int64(len(versions))]
			rdb := server.Client(t, func(o *redis.Options) { o.Protocol = version })
			told, err := rdb.Do(t.Context(), "CLIENT", "INFO").Text()
			require.NoError(t, err)
			require.Contains(t, told, fmt.Sprintf(" resp=%d", version))
			return rdb
		}
	}
}

// inDatabase checks in the end that no other database holds anything.
func inDatabase(t *testing.T) clients {
	const number = 5
	server := redistest.StartServer(t)
	t.Cleanup(func() {
		for line := range strings.Lines(fmt.Sprint(server.Exec("INFO", "keyspace"))) {
			if strings.HasPrefix(line, "db") {
				assert.Regexp(t, fmt.Sprintf("^db%d:", number), line)
			}
		}
	})
	return func(t testing.TB) redis.UniversalClient {
		return server.Client(t, func(o *redis.Options) { o.DB = number })
	}
}

// F22: whatever kind of Redis it is, a fleet lives on it in the same way.
func TestF22FleetOnEveryKindOfRedis(t *testing.T) {
	t.Parallel()
	for kind, start := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			client := start(t)
			t.Run("fleet", func(t *testing.T) { // ends when all of these have
				for name, live := range lives {
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						live(t, client)
					})
				}
			})
		})
	}
}

// lives of a fleet, each with a credential of its own.
var lives = map[string]func(*testing.T, clients){
	"cold herd":  coldHerd,
	"rotation":   rotation,
	"rejection":  rejection,
	"failure":    sharedFailure,
	"events":     events,
	"survey":     survey,
	"close":      closing,
	"other apps": otherApps,
}

func coldHerd(t *testing.T, client clients) {
	i := newIssuer("herd", 2*time.Hour)
	i.latency = 300 * time.Millisecond
	fleet := newFleet(t, client, i, patient)
	tok := getAll(t, fleet)
	assert.Equal(t, 1, i.calls())
	unlocked(t, fleet[0])
	stored, err := fleet[0].Stored(t.Context())
	require.NoError(t, err)
	assert.True(t, stored.Equal(tok))
	assert.LessOrEqual(t, time.Until(stored.Expiry()), 2*time.Hour, "its TTL is what the issuer said")
	assert.Greater(t, time.Until(stored.Expiry()), 2*time.Hour-patience)
}

// Tokens of 4 s are replaced when 2.5 s are over. Nobody notices. However busy the machine, nobody
// asks again before that.
func rotation(t *testing.T, client clients) {
	i := newIssuer("rotation", 4*time.Second)
	i.window, i.latency = 3*time.Second, 50*time.Millisecond
	fleet := newFleet(t, client, i, patient)
	getAll(t, fleet)
	stop := reading(t, fleet, i)
	eventually(t, func() bool {
		tok, _ := fleet[0].Peek()
		return i.number(tok) >= 3 && soon(fleet, func(r *replica) bool { return r.holds(tok) })
	}, "all have the third, or one that follows")
	stop()
	assert.Greater(t, i.closest(), time.Second, "one call per rotation")
}

// All find their token refused at the same time, and say so by its value.
func rejection(t *testing.T, client clients) {
	i := newIssuer("rejection", 2*time.Hour)
	i.latency = 100 * time.Millisecond
	fleet := newFleet(t, client, i, patient)
	bad := getAll(t, fleet)
	require.NoError(t, all(fleet, func(r *replica) error { return r.Invalidate(t.Context(), bad) }))
	good := getAll(t, fleet)
	assert.False(t, good.Equal(bad))
	require.NoError(t, fleet[0].Invalidate(t.Context(), bad), "old news")
	assert.True(t, getAll(t, fleet).Equal(good))
	assert.Equal(t, 2, i.calls())
}

func sharedFailure(t *testing.T, client clients) {
	i := newIssuer("failure", 2*time.Hour)
	i.latency = 100 * time.Millisecond
	i.fail(&tokencache.IssuerError{Issuer: "test", Code: 10014, Message: "wrong secret", LogID: "log-1", Class: tokencache.ClassPermanent})
	fleet := newFleet(t, client, i, patient)
	_ = all(fleet, func(r *replica) error {
		_, err := r.Get(t.Context())
		refused, ok := errors.AsType[*tokencache.IssuerError](err)
		if assert.True(t, ok, "%v", err) {
			assert.Equal(t, 10014, refused.Code)
			assert.Equal(t, "log-1", refused.LogID)
		}
		return nil
	})
	assert.Equal(t, 1, i.failures(), "one call for all")

	i.fail(nil)
	_, _, err := fleet[0].Refresh(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, i.calls())
	status, err := fleet[1].Status(t.Context())
	require.NoError(t, err)
	assert.Nil(t, status.Failure)
}

// Their copies are good for an hour: without an event nobody would look before. What
// is told before all have subscribed reaches nobody, so it is told again.
func events(t *testing.T, client clients) {
	i := newIssuer("events", 2*time.Hour)
	fleet := newFleet(t, client, i, patient)
	getAll(t, fleet)
	var tok tokencache.Token
	eventually(t, func() (yes bool) {
		var err error
		tok, yes, err = fleet[0].Refresh(t.Context())
		return assert.NoError(t, err) && yes && soon(fleet, func(r *replica) bool { return r.holds(tok) })
	}, "all have what one has got")
	calls := i.calls()
	require.NoError(t, fleet[0].Invalidate(t.Context(), tok))
	assert.True(t, soon(fleet, func(r *replica) bool { _, ok := r.Peek(); return !ok }), "all have dropped what one has rejected")
	assert.Equal(t, calls, i.calls())
}

func survey(t *testing.T, client clients) {
	i := newIssuer("survey", 2*time.Hour)
	fleet := newFleet(t, client, i, patient)
	getAll(t, fleet)
	found := surveyed(t, fleet[1])
	if assert.Contains(t, found, "survey") {
		assert.Equal(t, tokencache.StateFresh, found["survey"].State)
		assert.Equal(t, fleet[0].ID(), found["survey"].ID)
	}
}

func surveyed(t *testing.T, r *replica) map[string]tokencache.Status {
	t.Helper()
	list, err := r.cache.Survey(t.Context())
	require.NoError(t, err)
	found := map[string]tokencache.Status{}
	for _, status := range list {
		found[status.App] = status
	}
	return found
}

// The holder closes in the middle of its call: what it gets is published, and the
// lock released.
func closing(t *testing.T, client clients) {
	i := newIssuer("close", 2*time.Hour)
	i.latency = 500 * time.Millisecond
	holder := newReplica(t, client(t), i, patient)
	go func() { _, _ = holder.Get(context.Background()) }()
	<-i.asked
	holder.cache.Close()
	next := newReplica(t, client(t), i, patient)
	status, err := next.Status(t.Context())
	require.NoError(t, err)
	assert.Zero(t, status.Locked)
	assert.Equal(t, "fresh", string(status.State))
	_, err = next.Get(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, i.calls())
}

// Many credentials in one Cache. In a Cluster they are on all nodes, and each has its
// keys in one place: nothing is refused as CROSSSLOT.
func otherApps(t *testing.T, client clients) {
	const many = 50
	a, b := newReplica(t, client(t), newIssuer("other", time.Hour), patient), newReplica(t, client(t), newIssuer("other", time.Hour), patient)
	var ones, others []*replica
	for n := range many {
		i := newIssuer(fmt.Sprintf("other-%d", n), 2*time.Hour)
		ones, others = append(ones, a.also(i)), append(others, b.also(i))
	}
	get := func(r *replica) error { _, err := r.Get(t.Context()); return err }
	require.NoError(t, all(append(ones, others...), get))
	require.NoError(t, all(ones, func(r *replica) error { tok, _ := r.Peek(); return r.Invalidate(t.Context(), tok) }))
	require.NoError(t, all(ones, get))
	for _, r := range []*replica{a, b} {
		assert.Zero(t, r.count(tokencache.EventDegraded))
	}
	found := surveyed(t, a)
	for n := range many {
		assert.Contains(t, found, fmt.Sprintf("other-%d", n))
	}
}
