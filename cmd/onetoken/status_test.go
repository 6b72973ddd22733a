package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// objects are the first line of an output.
func objects(t *testing.T, stdout string) []map[string]any {
	t.Helper()
	line, _, _ := strings.Cut(stdout, "\n")
	var all []map[string]any
	require.NoError(t, json.Unmarshal([]byte(line), &all), line)
	require.NotNil(t, all, "an array, never null")
	return all
}

// key is the name of the environment's key of a kind.
func (town town) key(t *testing.T, kind string) string {
	t.Helper()
	for _, o := range objects(t, town.run(t, "status", "--json").stdout) {
		if o["app_id"] == "cli_test" {
			return "onetoken:{" + o["id"].(string) + "}:" + kind
		}
	}
	require.Fail(t, "there is no such credential")
	return ""
}

// anonymous is a world without a credential.
func (town town) anonymous() world {
	return town.with("FEISHU_APP_ID", "", "FEISHU_APP_SECRET", "", "FEISHU_BASE_URL", "")
}

func TestStatusOfNothing(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	got := town.run(t, "status", "--json")
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "onetoken: no usable token of cli_test at "+town.env["FEISHU_BASE_URL"]+": none is stored; whoever needs one next asks the issuer, as onetoken token does\n", got.stderr)
	all := objects(t, got.stdout)
	require.Len(t, all, 1, "it is shown even if there is nothing of it")
	assert.Regexp(t, `^feishu:cli_test:[0-9a-f]{32}$`, all[0]["id"])
	delete(all[0], "id")
	assert.Equal(t, map[string]any{
		"app_id": "cli_test", "issuer_url": town.env["FEISHU_BASE_URL"], "state": "absent", "remaining_seconds": 0.0, "life_seconds": 0.0, "fetched_by": "", "fetched_at": nil,
		"locked_seconds": nil, "locked_for_ever": false, "failure": nil, "garbled": nil,
	}, all[0])

	got = town.anonymous().run(t, "status", "--json")
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "[]\n", got.stdout)
	assert.Equal(t, "onetoken: no usable token: there is nothing under the prefix onetoken in redis (REDIS_URL, ONETOKEN_PREFIX)\n", got.stderr)
	assert.Equal(t, "no credential under the prefix onetoken\n", town.anonymous().run(t, "status").stdout)
	assert.Empty(t, town.redis.Keys())
	assert.Zero(t, town.issuer.Stats().Calls)
}

func TestStatusOfAToken(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	require.Equal(t, exitOK, town.run(t, "token").code)
	pair := town.issuer.Pairs()[0]
	for name, w := range map[string]world{"own": town.world, "any": town.anonymous()} {
		t.Run(name, func(t *testing.T) {
			got := w.run(t, "status")
			assert.Equal(t, exitOK, got.code)
			assert.Empty(t, got.stderr)
			assert.Regexp(t, `^feishu:cli_test:[0-9a-f]{32}  fresh(  \(of this environment\))?\n  left     (2h0m0s|1h59m5\ds) of 2h0m0s\n  fetched  20\S+Z by \S+\n$`, got.stdout)
			assert.Equal(t, name == "own", strings.Contains(got.stdout, "of this environment"))

			all := w.run(t, "status", "--json", "--log-level", "debug")
			assert.Equal(t, exitOK, all.code)
			o := objects(t, all.stdout)[0]
			assert.Equal(t, "fresh", o["state"])
			assert.InDelta(t, 7200, o["remaining_seconds"], 10)
			assert.InDelta(t, 7200, o["life_seconds"], 0)
			at, err := time.Parse(time.RFC3339, o["fetched_at"].(string))
			require.NoError(t, err)
			assert.WithinDuration(t, time.Now(), at, 10*time.Second)
			for _, secret := range []string{pair.App, pair.Tenant, testSecret, testPassword} {
				assert.NotContains(t, got.stdout+all.stdout+all.stderr, secret)
			}
		})
	}
	assert.Equal(t, 1, town.issuer.Stats().Calls)
}

// Of another credential's token this one has nothing.
func TestStatusIsOfOnesOwn(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	require.Equal(t, exitOK, town.run(t, "token").code)
	wrong := town.with("FEISHU_APP_SECRET", "wrong")
	require.Equal(t, exitRefused, wrong.run(t, "token").code)

	got := wrong.run(t, "status", "--json")
	assert.Equal(t, exitFailed, got.code)
	assert.Regexp(t, `^onetoken: no usable token of cli_test at http://\S+ \([0-9a-f]{8}\): feishu refused: app secret invalid \(code 10014, log id \w+\): check FEISHU_APP_ID and FEISHU_APP_SECRET .*; the issuer is asked again in (1m\d+s|5\ds); once that is mended, onetoken refresh asks at once\n$`, got.stderr)
	all := objects(t, got.stdout)
	require.Len(t, all, 2)
	for _, o := range all {
		if o["state"] == "fresh" {
			continue
		}
		failure := o["failure"].(map[string]any)
		assert.Equal(t, "permanent", failure["class"])
		assert.InDelta(t, 10014, failure["code"], 0)
		assert.Equal(t, "app secret invalid", failure["message"])
		assert.NotEmpty(t, failure["log_id"])
		assert.NotEmpty(t, failure["by"])
		assert.InDelta(t, 1, failure["attempts"], 0)
		assert.InDelta(t, 60, failure["retry_in_seconds"], 13)
	}
	got = wrong.run(t, "status")
	assert.Regexp(t, `  failure  app secret invalid\n           permanent, code 10014, log id \w+, attempts in a row: 1, the last by \S+\n           the issuer is asked again in \S+; once that is mended, onetoken refresh asks at once\n`, got.stdout)
	assert.Equal(t, exitOK, town.run(t, "status").code)
	assert.Equal(t, exitOK, town.anonymous().run(t, "status").code, "one usable token will do")
}

func TestStatusOfTrouble(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(town town, key func(string) string)
		field string
		want  any
		row   string
		says  string
	}{
		"garbled": {
			func(town town, key func(string) string) { town.redis.HSet(key("token"), "sealed", "x") },
			"garbled", "checksum does not match", "record   cannot be used: checksum", "what is stored cannot be used: checksum does not match",
		},
		"a list": {
			func(town town, key func(string) string) {
				town.redis.Del(key("token"))
				_, _ = town.redis.Push(key("token"), "theirs")
			},
			"state", "absent", "WRONGTYPE", "the key is not ours: delete it",
		},
		"no end": {
			func(town town, key func(string) string) { _ = town.redis.Set(key("lock"), "x") },
			"locked_for_ever", true, "lock     has no end", "",
		},
		"locked": {
			func(town town, key func(string) string) {
				_ = town.redis.Set(key("lock"), "x")
				town.redis.SetTTL(key("lock"), 5*time.Second)
			},
			"locked_seconds", 5.0, "lock     somebody asks the issuer; ends in 5s", "",
		},
		"about to end": {
			func(town town, key func(string) string) { town.redis.SetTTL(key("token"), 9*time.Second) },
			"remaining_seconds", 9.0, "left     9s of 2h0m0s", "the one that is stored ends in 9s",
		},
		"in its window": {
			func(town town, key func(string) string) { town.redis.SetTTL(key("token"), 10*time.Minute) },
			"state", "due", "left     10m0s of 2h0m0s", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			town := newTown(t)
			require.Equal(t, exitOK, town.run(t, "token").code)
			c.spoil(town, func(kind string) string { return town.key(t, kind) })
			got := town.run(t, "status", "--json")
			assert.Equal(t, c.want, objects(t, got.stdout)[0][c.field])
			assert.Contains(t, town.run(t, "status").stdout, c.row)
			if c.says == "" {
				assert.Equal(t, exitOK, got.code, got.stderr)
				return
			}
			assert.Equal(t, exitFailed, got.code)
			assert.Contains(t, got.stderr, c.says)
			assert.Equal(t, 1, strings.Count(got.stderr, "\n"))
		})
	}
}

func TestStatusWithoutRedis(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	for name, w := range map[string]world{
		"down":           town.with("REDIS_URL", "redis://"+nobody(t)),
		"wrong password": town.with("REDIS_URL", "redis://:other@"+town.redis.Addr()),
	} {
		for _, args := range [][]string{{"status"}, {"status", "--json"}} {
			got := w.run(t, args...)
			assert.Equal(t, exitFailed, got.code, name)
			assert.Empty(t, got.stdout)
			assert.Regexp(t, `^onetoken: redis (unreachable|WRONGPASS).*\(REDIS_URL\)\n$`, got.stderr)
		}
	}
	got := town.with("FEISHU_APP_ID", "", "REDIS_URL", "127.0.0.1", "ONETOKEN_PREFIX", "{").run(t, "status")
	assert.Equal(t, exitUsage, got.code, "a secret without an id is a mistake")
	for _, name := range []string{"FEISHU_APP_ID is not set", "REDIS_URL has no scheme", "ONETOKEN_PREFIX"} {
		assert.Contains(t, got.stderr, "onetoken: "+name)
	}
}

// What stands in Redis is data: it moves no cursor and begins no line.
func TestStatusOfForeignWords(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.issuer.FailNext(1, feishutest.WrongSecret())
	require.Equal(t, exitRefused, town.run(t, "token").code)
	town.redis.HSet(town.key(t, "failure"), "message", "a\x1b[2J\nb\u009b\u202e\U000e0001无效", "by", "x\x1b]0;y\a", "log_id", strings.Repeat("z", 1000))
	_, _ = town.redis.Push("onetoken:{a:b\x1b[2J:c}:token", "x")
	for _, args := range [][]string{{"status"}, {"status", "--json"}} {
		got := town.run(t, args...)
		for _, r := range got.stdout + got.stderr {
			assert.True(t, r == '\n' || r >= ' ' && r != 0x7f && r != 0x9b && r != 0x202e && r != 0xe0001, "%q", r)
		}
		assert.Contains(t, got.stdout, "无效")
	}
	got := town.run(t, "status", "--json")
	for _, o := range objects(t, got.stdout) {
		if o["failure"] != nil {
			assert.Contains(t, o["failure"].(map[string]any)["message"], "a [2J b   无效", "as the package gives it")
		}
	}
}

// watched is a run of --watch that goes on.
type watchedRun struct {
	stdout, stderr output
	interrupt      context.CancelFunc
	code           chan int
}

func (w world) watch(t *testing.T, args ...string) *watchedRun {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	r := &watchedRun{interrupt: interrupt, code: make(chan int, 1)}
	t.Cleanup(interrupt)
	go func() {
		r.code <- run(ctx, append([]string{"status", "--watch"}, args...), func(name string) string { return w.env[name] }, strings.NewReader(""), &r.stdout, &r.stderr)
	}()
	return r
}

// blocks are what was printed, without the moments.
func (r *watchedRun) blocks() int {
	return strings.Count(r.stdout.String(), "Z credentials under the prefix ")
}

// Without a terminal there is a block for each change, and none for the time that passes.
func TestStatusWatch(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	require.Equal(t, exitOK, town.run(t, "token").code)
	r := town.watch(t)
	eventually(t, func() bool { return r.blocks() == 1 })
	assert.Regexp(t, `^20\S+Z credentials under the prefix onetoken\nThe one credential is well.\n\nWell          cli_test  \d+ min of 2 h left\n  fetched .* by \S+\n\n$`, r.stdout.String())
	assert.Empty(t, r.stderr.String())
	town.redis.SetError("LOADING wait")
	eventually(t, func() bool { return strings.Contains(r.stderr.String(), "onetoken: redis LOADING") })
	assert.Equal(t, 1, r.blocks(), "looks in between had no news")
	town.redis.SetError("")
	eventually(t, func() bool { return r.blocks() == 2 })
	assert.Equal(t, 1, strings.Count(r.stderr.String(), "\n"), "a trouble is told once")
	town.redis.SetTTL(town.key(t, "token"), 10*time.Minute)
	eventually(t, func() bool {
		return r.blocks() == 3 && strings.Contains(r.stdout.String(), "Refreshing    cli_test  10 min")
	})
	r.interrupt()
	assert.Equal(t, exitOK, <-r.code)
}

func TestStatusWatchInJSON(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	require.Equal(t, exitOK, town.run(t, "token").code)
	r := town.watch(t, "--json")
	lines := func() int { return strings.Count(r.stdout.String(), "\n") }
	eventually(t, func() bool { return lines() == 2 })
	town.redis.SetError("LOADING wait")
	eventually(t, func() bool { return strings.Contains(r.stderr.String(), "onetoken: redis LOADING") })
	town.redis.SetError("")
	seen := lines()
	eventually(t, func() bool { return lines() > seen })
	r.interrupt()
	assert.Equal(t, exitOK, <-r.code)
	for line := range strings.Lines(r.stdout.String()) {
		assert.Len(t, objects(t, line), 1)
	}
}

// A health check whose words are lost has still failed to say them.
func TestStatusSaysWhenItCannotWrite(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	require.Equal(t, exitOK, town.run(t, "token").code)
	for _, args := range [][]string{{"status"}, {"status", "--json"}, {"status", "--watch"}} {
		var stderr output
		code := run(t.Context(), args, func(name string) string { return town.env[name] }, strings.NewReader(""), full{}, &stderr)
		assert.Equal(t, exitFailed, code, args)
		assert.Contains(t, stderr.String(), "no space left")
	}
}

// full is a disk that is.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }
