package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/acl"
)

func TestTooOldRedis(t *testing.T) {
	t.Parallel()
	for version, old := range map[string]bool{
		"": false, "5.0.14": true, "6.0.16": true, "6.2.0": false, "7.0.15": false, "10.1": false, "255.255.255": false, "odd": false,
	} {
		assert.Equal(t, old, node{software: "redis", version: version}.tooOld(), version)
	}
	assert.False(t, node{software: "valkey", version: "1.0"}.tooOld())
	f := versionCheck([]node{{software: "redis", version: "6.0.16"}, {software: "redis", version: "7.0.15"}})
	assert.Equal(t, finding{"version", checkFail, "redis 6.0.16, redis 7.0.15", "upgrade to 6.2 or later, or to Valkey"}, f)
	assert.Equal(t, "valkey 8.0.1", versionCheck([]node{{software: "valkey", version: "8.0.1"}}).Found)
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		nodes  []node
		status string
		found  string
	}{
		"nothing known": {[]node{{}}, checkSkipped, notTold},
		"primary":       {[]node{{role: "master"}}, checkOK, "a primary"},
		"replica":       {[]node{{role: "slave"}}, checkFail, "a replica, which takes no writes (READONLY)"},
		"sentinel":      {[]node{{role: "sentinel", mode: "sentinel"}}, checkFail, "a sentinel"},
		"cluster":       {[]node{{role: "master", mode: "cluster", cluster: true}, {role: "master", mode: "cluster", cluster: true}}, checkOK, "2 primaries of a cluster"},
		"alone":         {[]node{{role: "master", mode: "cluster"}}, checkFail, "a node of a cluster"},
	} {
		f := roleCheck(c.nodes)
		assert.Equal(t, c.status, f.Status, name)
		assert.Equal(t, c.found, f.Found, name)
	}
}

// reply is an error of Redis' own.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

// Each version of Redis says it in its own words.
func TestWordsOfAnACL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"NOPERM this user has no permissions to run the 'get' command or its subcommand":      "+get",
		"NOPERM this user has no permissions to run the 'hkeys' command":                      "+hkeys",
		"NOPERM User onetoken has no permissions to run the 'cluster|slots' command":          "+cluster|slots",
		"NOPERM this user has no permissions to access one of the keys used as arguments":     "~onetoken:{*}:*",
		"NOPERM No permissions to access a key":                                               "~onetoken:{*}:*",
		"NOPERM this user has no permissions to access one of the channels used as arguments": "&onetoken:{*}:*",
		"NOPERM No permissions to access a channel":                                           "&onetoken:{*}:*",
	} {
		r := &refusals{}
		r.note(acl.Command{Name: "x"}, reply(text))
		r.note(acl.Command{Name: "x"}, reply(text))
		r.note(acl.Command{Name: "x"}, nil)
		assert.Empty(t, r.others, text)
		assert.Equal(t, want, r.words("onetoken"), text)
		assert.NoError(t, r.err)
	}
	r := &refusals{}
	r.note(acl.Command{}, errors.New("broken pipe"))
	r.note(acl.Command{}, errors.New("another"))
	assert.EqualError(t, r.err, "broken pipe")
}

// A command is permitted if it was carried out, or if its arguments were refused as they
// have to be. Everything else is said by name, with the code of the answer alone.
func TestDoctorCountsWhatWasAnswered(t *testing.T) {
	t.Parallel()
	of := map[string]acl.Command{}
	for _, c := range append(acl.Commands, acl.Survey) {
		of[c.Name] = c
	}
	for name, c := range map[string]struct {
		answers map[string]string
		want    finding
	}{
		"as expected": {
			map[string]string{"hset": "ERR wrong number of arguments for 'hset' command", "evalsha": "NOSCRIPT No matching script.", "get": redis.Nil.Error()},
			finding{Name: "permissions", Status: checkOK, Found: "all 23 commands, the keys and the channels"},
		},
		"renamed": {
			map[string]string{"hset": "ERR unknown command 'HSET', with args", "set": "ERR unknown command `SET`, with args"},
			finding{"permissions", checkFail, "redis refuses hset, set (ERR unknown command)", "give it back its name (rename-command in redis.conf), or use a redis that has it"},
		},
		"a proxy": {
			map[string]string{"eval": "DENIED user hunter2 may not", "hset": "permission denied"},
			finding{"permissions", checkFail, "redis refuses eval (DENIED), hset (an error without a code)", "ask whoever runs redis, or the proxy in front of it, why"},
		},
		"both": {
			map[string]string{"get": "NOPERM this user has no permissions to run the 'get' command", "set": "ERR unknown command 'SET'"},
			finding{"permissions", checkFail, "the ACL lacks +get; redis refuses set (ERR unknown command)", "add that to the redis user's rules; all of them: docs/acl.md; give it back its name (rename-command in redis.conf), or use a redis that has it"},
		},
		"set-up": {
			map[string]string{"get": "ERR unknown command 'SELECT', with args", "set": "ERR unknown command 'SELECT', with args"},
			finding{"permissions", checkFail, "redis refuses select (ERR unknown command)", "give it back its name (rename-command in redis.conf), or use a redis that has it"},
		},
		"only the survey": {
			map[string]string{"scan": "ERR unknown command 'SCAN'"},
			finding{"permissions", checkWarn, "all but scan (ERR unknown command)", "only onetoken status and Cache.Survey need it: give it back its name (rename-command in redis.conf), or use a redis that has it"},
		},
		"full": {
			map[string]string{"set": "OOM command not allowed", "hset": "OOM command not allowed"},
			finding{"permissions", checkWarn, "nothing is forbidden, but redis does not take hset, set (OOM) now", "raise maxmemory; keep the eviction policy at noeviction"},
		},
	} {
		r := &refusals{}
		for command, text := range c.answers {
			var err error = reply(text)
			if text == redis.Nil.Error() {
				err = redis.Nil
			}
			r.note(of[command], err)
		}
		assert.Equal(t, c.want, r.finding("onetoken"), name)
	}
}

func TestClocks(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) clock { return clock{true, d} }
	for name, c := range map[string]struct {
		redis, issuer clock
		status, found string
		advice        string
	}{
		"neither":        {clock{}, clock{}, checkSkipped, "unknown: neither redis nor the issuer told the time", ""},
		"both right":     {at(3 * time.Millisecond), at(-999 * time.Millisecond), checkOK, "redis within 1s of ours, the issuer within 1s of ours", ""},
		"30 s - 1 ns":    {at(30*time.Second - 1), clock{}, checkOK, "redis 30s ahead of ours", ""},
		"30 s":           {at(30 * time.Second), clock{}, checkWarn, "redis 30s ahead of ours", "set redis' clock slowly"},
		"redis alone":    {at(-90 * time.Second), at(0), checkWarn, "redis 1m30s behind ours, the issuer within 1s of ours", "set redis' clock slowly"},
		"we alone":       {at(time.Hour), at(time.Hour + time.Second), checkWarn, "redis 1h0m0s ahead of ours, the issuer 1h0m1s ahead of ours", "set this host's clock"},
		"issuer, no one": {clock{}, at(time.Minute), checkWarn, "the issuer 1m0s ahead of ours", "set this host's clock"},
		"issuer alone":   {at(0), at(time.Minute), checkWarn, "redis within 1s of ours, the issuer 1m0s ahead of ours", "nothing to do"},
	} {
		f := clocksCheck(c.redis, c.issuer)
		assert.Equal(t, c.status, f.Status, name)
		assert.Equal(t, c.found, f.Found, name)
		assert.Contains(t, f.Advice, c.advice, name)
	}
}

func TestCheckHasItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		release := make(chan struct{})
		_, ok := inTime(t.Context(), func(context.Context) int { <-release; return 1 })
		assert.False(t, ok)
		assert.Equal(t, checkTime, time.Since(began))
		assert.Equal(t, checkFail, late(t.Context(), "redis").Status)
		close(release)

		got, ok := inTime(t.Context(), func(ctx context.Context) int { <-ctx.Done(); return 2 })
		assert.True(t, ok, "it kept to its context, and knows why")
		assert.Equal(t, 2, got)

		over, cancel := context.WithCancel(t.Context())
		cancel()
		_, ok = inTime(over, func(context.Context) int { return 3 })
		assert.False(t, ok)
		assert.Equal(t, checkSkipped, late(over, "redis").Status)
	})
}
