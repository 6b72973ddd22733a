package doctor

import (
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/acl"
)

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
