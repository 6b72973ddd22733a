package tokencache_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// refusals are what a Redis in trouble answers, to which commands, by the name
// we give it.
var refusals = []struct {
	name, text string
	match      redistest.Match
	readable   bool
}{
	{"OOM", "OOM command not allowed when used memory > 'maxmemory'.", script("obtain", "publish", "fail"), true},
	{"OOM", "ERR user_script:40: OOM command not allowed when used memory > 'maxmemory'. script: ab, on @user_script:40.", script("obtain", "publish"), true},
	{"READONLY", "READONLY You can't write against a read only replica.", script("obtain", "publish", "release", "fail"), true},
	{"LOADING", "LOADING Redis is loading the dataset in memory", everything, false},
	{"MISCONF", "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", script("obtain", "publish", "fail"), true},
	{"NOREPLICAS", "NOREPLICAS Not enough good replicas to write.", script("obtain", "publish", "fail"), true},
	{"MASTERDOWN", "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", everything, false},
	{"CLUSTERDOWN", "CLUSTERDOWN The cluster is down", everything, false},
	{"NOAUTH", "NOAUTH Authentication required.", everything, false},
	{"NOPERM", "NOPERM User app has no permissions to run the 'evalsha' command", redistest.Commands("EVALSHA", "EVAL"), false},
	{"NOPERM", "NOPERM No permissions to access a key", script("look", "read", "obtain", "publish"), false},
	{"BUSY", "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", everything, false},
	{"TRYAGAIN", "TRYAGAIN Multiple keys request during rehashing of slot", script("look", "read", "publish"), false},
	{"MAXCLIENTS", "ERR max number of clients reached", anything, false},
	{"DENIED", "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user.", anything, false},
}

// F17: Redis answers, but refuses. A copy serves, at once and to its end; the
// error has the refusal's name; without a copy the issuer is asked directly. When
// Redis is willing again the token is put back, and the fleet shares it.
func TestF17RedisRefuses(t *testing.T) {
	for _, refusal := range refusals {
		t.Run(refusal.text[:22], func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				replicas := f.start(5, oneTry)
				withinAll(replicas, latency+50*time.Millisecond)
				old := replicas[0].mustGet()
				f.sleepUntilLeft(old, 24*time.Minute)
				undo := f.redis.FailCommands(refusal.text, refusal.match)
				if refusal.name == "MAXCLIENTS" || refusal.name == "DENIED" { // said to who connects
					f.redis.Each((*redistest.Link).Cut)
				}
				read(replicas, time.Second, 10*time.Minute)
				assert.Equal(t, 1, f.stats().Calls, "not urgent")
				for _, r := range replicas {
					assert.Equal(t, 1, r.count(tokencache.EventWait, ""))
					assert.GreaterOrEqual(t, r.count(tokencache.EventDegraded, refusal.name), 2)
					assert.Equal(t, r.count(tokencache.EventDegraded, refusal.name), r.count(tokencache.EventDegraded, ""), "%v", r.only(tokencache.EventDegraded))
					assert.LessOrEqual(t, r.count(tokencache.EventDegraded, ""), 150, "one try in 5 s, and the first ones")
				}

				forbidden := f.replica(oneTry, with(noDirect))
				direct := f.replica(oneTry)
				if refusal.readable {
					assert.True(t, forbidden.within(0).Equal(old), "readable is good enough")
				} else {
					_, err := forbidden.get(t.Context())
					trouble, ok := errors.AsType[*tokencache.RedisError](err)
					require.True(t, ok, "%v", err)
					assert.Equal(t, refusal.name, string(trouble.Trouble))
					require.ErrorIs(t, err, tokencache.ErrRedis)
					direct.within(latency)
					assert.Equal(t, []string{"direct_call ok"}, direct.only(tokencache.EventCall, tokencache.EventDirectCall))
				}

				undo()
				read(replicas, time.Second, 20*time.Second)
				assert.Equal(t, replicas[0].mustGet().AppAccessToken(), f.stored())
				withinAll(f.start(3, oneTry), 0)
				assert.Equal(t, 2, f.stats().Rotations)
				f.nothingLeft()
			})
		})
	}
}

// F17: Redis refuses writes for hours. That is logged once a rotation and not at
// every try, and tries and put-backs become rare.
func TestF17RefusesWritesForHours(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		var log bytes.Buffer
		r := f.replica(with(func(c *tokencache.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) }))
		r.within(latency)
		undo := f.redis.FailCommands("OOM command not allowed when used memory > 'maxmemory'.", script("obtain", "publish", "fail"))
		read([]*replica{r}, time.Second, 6*time.Hour)
		assert.LessOrEqual(t, strings.Count(log.String(), "\n"), f.stats().Rotations, log.String())
		assert.Equal(t, f.stats().Rotations, f.stats().Calls)
		assert.Equal(t, 1, r.count(tokencache.EventWait, ""))
		assert.LessOrEqual(t, r.count(tokencache.EventPutBack, ""), f.stats().Rotations*(25*60/5+100*60/30))
		undo()
		read([]*replica{r}, time.Second, time.Minute)
		assert.Equal(t, r.mustGet().AppAccessToken(), f.stored())
	})
}

// F17: the ACL lets a replica use the keys but not the channel. It is slower to
// hear, and no more.
func TestF17ChannelForbidden(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.redis.FailCommands("NOPERM No permissions to access a channel", redistest.Commands("PUBLISH", "SUBSCRIBE"))
		replicas := f.start(5)
		withinAll(replicas, latency+2*time.Second)
		read(replicas, 10*time.Second, 6*time.Hour)
		assert.Equal(t, f.stats().Rotations, f.stats().Calls)
		assert.Equal(t, 5, f.count(tokencache.EventWait, ""))
		assert.Zero(t, f.count(tokencache.EventDirectCall, ""))
		for _, r := range replicas {
			assert.LessOrEqual(t, r.link.Count("SUBSCRIBE"), 6*3600/30+10, "tried again, and rarely")
		}
		f.nothingLeft()
	})
}

// F17: a default client tries again by itself what may pass, such as LOADING.
// Redis being well again within RedisTimeout, nobody notices.
func TestF17LoadingForAMoment(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		undo := r.link.Fail("LOADING Redis is loading the dataset in memory", nil)
		time.AfterFunc(5*time.Millisecond, undo)
		r.within(latency + time.Second)
		assert.Zero(t, r.count(tokencache.EventDirectCall, ""))
		assert.NotEmpty(t, f.stored())
	})
}

// F18: something of somebody else stands under one of our names. The error says
// so, theirs is left as it is, nothing loops, and the fleet goes on with tokens
// of its own.
func TestF18NotOurs(t *testing.T) {
	ctx := context.Background()
	values := map[string]struct {
		put  func(rdb *redis.Client, key string)
		keys []string
	}{
		"string": {func(rdb *redis.Client, key string) { rdb.Set(ctx, key, "theirs", 0) }, []string{"token", "failure"}},
		"list":   {func(rdb *redis.Client, key string) { rdb.RPush(ctx, key, "theirs") }, []string{"token", "failure", "lock"}},
		"set":    {func(rdb *redis.Client, key string) { rdb.SAdd(ctx, key, "theirs") }, []string{"token", "failure", "lock"}},
		"hash":   {func(rdb *redis.Client, key string) { rdb.HSet(ctx, key, "theirs", "1") }, []string{"lock"}},
	}
	for value, v := range values {
		for _, kind := range v.keys {
			t.Run(value+" as "+kind, func(t *testing.T) {
				virtual(t, usual(), func(t *testing.T, f *fleet) {
					admin := f.redis.Admin()
					f.replica(with(noDirect))
					theirs := f.keyName(kind)
					v.put(admin, theirs)
					before := admin.Dump(ctx, theirs).Val()
					ofType := admin.Type(ctx, theirs).Val()

					_, err := f.replicas[0].get(ctx)
					trouble, ok := errors.AsType[*tokencache.RedisError](err)
					require.True(t, ok, "%v", err)
					assert.Equal(t, "WRONGTYPE", string(trouble.Trouble))
					assert.NotContains(t, err.Error(), "theirs")

					replicas := f.start(5)
					read(replicas, time.Second, 10*time.Minute)
					assert.Equal(t, 5, f.stats().Calls, "one for each, and no loop")
					for _, r := range replicas {
						assert.LessOrEqual(t, r.link.Count("EVALSHA"), 150)
					}
					assert.Equal(t, ofType, admin.Type(ctx, theirs).Val(), "left as it is")
					assert.Equal(t, before, admin.Dump(ctx, theirs).Val())
					assert.Equal(t, -time.Nanosecond, admin.PTTL(ctx, theirs).Val(), "and for as long")

					admin.Del(ctx, theirs)
					read(f.replicas, time.Second, 2*time.Minute)
					assert.Equal(t, replicas[0].mustGet().AppAccessToken(), f.stored(), "put back")
					f.nothingLeft()
				})
			})
		}
	}
}

// F17: go-redis begins every connection with HELLO. A proxy that hangs up on it is no Redis for
// go-redis: each replica asks the issuer for itself, and the error tells where to look.
func TestF17ProxyThatHangsUpOnHello(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		replicas := f.start(2)
		f.redis.Each(func(l *redistest.Link) { l.DropReplies(-1, redistest.Commands("HELLO")) })
		withinAll(replicas, latency+2*time.Second)
		assert.Equal(t, len(replicas), f.count(tokencache.EventDirectCall, ""))
		late := f.replica()
		late.link.DropReplies(-1, redistest.Commands("HELLO"))
		_, err := late.source.Status(t.Context())
		e, ok := errors.AsType[*tokencache.RedisError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, "unreachable", string(e.Trouble))
		assert.ErrorContains(t, err, "whether a proxy in between knows HELLO")
	})
}

// everything but the set-up of a connection, which anything matches, too.
func everything(name string, _ []string) bool {
	return name != "HELLO" && name != "CLIENT" && name != "AUTH" && name != "SELECT"
}

func anything(string, []string) bool { return true }

// F17: a Redis that was silent, and is back without the user's rights: the last line of the log is
// not that it answers again.
func TestF17RefusesAfterASilence(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		var said collector
		r := f.replica(with(func(c *tokencache.Config) { c.Logger = said.logger() }))
		r.mustGet()
		f.sleepUntilDue()
		r.link.Silence(true)
		read([]*replica{r}, time.Second, 10*time.Second)
		r.link.Fail("NOPERM no", script("read", "look"))
		r.link.Silence(false)
		read([]*replica{r}, time.Second, 30*time.Second)
		text := said.text()
		assert.Less(t, strings.Index(text, "redis answers again"), strings.Index(text, "redis refuses"), text)
		assert.Equal(t, 1, strings.Count(text, "redis refuses"), text)
	})
}
