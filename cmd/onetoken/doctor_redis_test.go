package main

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/acl"
	"github.com/onetoken-go/onetoken/internal/doctor"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// newServerTown is a town with a real Redis, whose user "onetoken" has the rules.
func newServerTown(t *testing.T, rules string) (world, *redistest.Server) {
	t.Helper()
	server := redistest.StartServer(t)
	permit(server, rules)
	web := httptest.NewServer(feishutest.New(feishutest.Config{AppID: "cli_test", AppSecret: testSecret}))
	t.Cleanup(web.Close)
	return world{env: map[string]string{
		"REDIS_URL":         "redis://onetoken:r3dis%2Bp%2Fss@" + server.Addr() + "/1",
		"FEISHU_APP_ID":     "cli_test",
		"FEISHU_APP_SECRET": testSecret,
		"FEISHU_BASE_URL":   web.URL,
	}}, server
}

func permit(server *redistest.Server, rules string) {
	args := []any{"ACL", "SETUSER", "onetoken", "reset", "on", ">" + testPassword}
	for word := range strings.FieldsSeq(rules) {
		args = append(args, word)
	}
	server.Exec(args...)
}

const allRules = "~* &* +@all"

func TestDoctorOnARealRedis(t *testing.T) {
	t.Parallel()
	w, server := newServerTown(t, allRules)
	got := examine(t, w)
	assert.Equal(t, exitOK, got.code, got.stdout)
	assert.Empty(t, got.statuses(), got.stdout)
	assert.Regexp(t, `^(redis|valkey) \d+\.\d+`, got.of(t, "version").Found)
	assert.Equal(t, "noeviction", got.of(t, "eviction").Found)
	keys := server.Exec("EVAL", "redis.call('SELECT', 1) return redis.call('KEYS', '*')", 0).([]any)
	assert.Len(t, keys, 1, "the token's alone: %v", keys)

	server.Exec("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	got = examine(t, w)
	assert.Equal(t, exitOK, got.code)
	assert.Equal(t, map[string]string{"eviction": checkWarn}, got.statuses())
	assert.Equal(t, "allkeys-lru", got.of(t, "eviction").Found)
	assert.Contains(t, got.of(t, "eviction").Advice, "maxmemory-policy noeviction")
}

// Under the least rules all is well, and what cannot be known is said.
func TestDoctorUnderTheLeastRules(t *testing.T) {
	t.Parallel()
	w, server := newServerTown(t, acl.Rules("onetoken", true))
	got := examine(t, w)
	assert.Equal(t, exitOK, got.code, got.stdout)
	assert.Equal(t, map[string]string{"eviction": checkSkipped}, got.statuses(), got.stdout)

	permit(server, acl.Rules("onetoken", false))
	got = examine(t, w)
	assert.Equal(t, exitOK, got.code, got.stdout)
	assert.Equal(t, map[string]string{"eviction": checkSkipped, "permissions": checkWarn}, got.statuses())
	assert.Equal(t, "all but +scan", got.of(t, "permissions").Found)
}

func TestDoctorNamesWhatTheACLLacks(t *testing.T) {
	t.Parallel()
	w, server := newServerTown(t, allRules)
	full := acl.Rules("onetoken", true) + " "
	lacks := map[string]string{
		acl.Keys("onetoken"):     strings.Replace(full, acl.Keys("onetoken")+" ", "~other:* ", 1),
		acl.Channels("onetoken"): strings.Replace(full, acl.Channels("onetoken")+" ", "", 1),
		"+hdel +mset":            strings.NewReplacer("+hdel ", "", "+mset ", "").Replace(full),
	}
	for _, name := range acl.Names(acl.Commands) {
		lacks["+"+name] = strings.Replace(full, "+"+name+" ", "", 1)
	}
	for words, rules := range lacks {
		t.Run(words, func(t *testing.T) {
			require.NotEqual(t, full, rules)
			permit(server, rules)
			got := examine(t, w)
			assert.Equal(t, exitFailed, got.code, got.stdout)
			f := got.of(t, "permissions")
			assert.Equal(t, finding{"permissions", checkFail, "the ACL lacks " + words, "add that to the redis user's rules; all of them: docs/acl.md"}, f)
			assert.Equal(t, checkOK, got.of(t, "redis").Status)
			assert.Equal(t, checkSkipped, got.of(t, "rehearsal").Status)
		})
	}
}

// What was renamed or removed, and what something in front of Redis refuses, is not
// permitted, whatever the ACL says.
func TestDoctorNamesCommandsThatRedisDoesNotHave(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	server := redistest.StartServer(t, "--rename-command", "HSET", "secret-name", "--rename-command", "MSETNX", "")
	got := examine(t, town.with("REDIS_URL", "redis://"+server.Addr()))
	assert.Equal(t, exitFailed, got.code)
	want := finding{
		"permissions", checkFail, "redis refuses hset, msetnx (ERR unknown command)",
		"give it back its name (rename-command in redis.conf), or use a redis that has it",
	}
	assert.Equal(t, want, got.of(t, "permissions"))
	assert.Equal(t, checkSkipped, got.of(t, "rehearsal").Status)

	w, whole := newServerTown(t, allRules)
	proxy := redistest.NewProxy(t, whole.Addr())
	proxy.Fail("DENIED by the policy of "+testPassword, redistest.Commands("GETRANGE"))
	proxy.Fail("ERR unknown command 'SUBSCRIBE'", redistest.Commands("SUBSCRIBE"))
	got = examine(t, through(w, whole, proxy))
	assert.Equal(t, exitFailed, got.code)
	f := got.of(t, "permissions")
	assert.Equal(t, checkFail, f.Status)
	assert.Equal(t, "redis refuses getrange (DENIED), subscribe (ERR unknown command)", f.Found)
	assert.Equal(t, checkSkipped, got.of(t, "rehearsal").Status)
}

func TestDoctorOnAWrongPassword(t *testing.T) {
	t.Parallel()
	w, server := newServerTown(t, allRules)
	got := examine(t, w.with("REDIS_URL", "redis://onetoken:another-password@"+server.Addr()))
	assert.Equal(t, exitFailed, got.code)
	f := got.of(t, "redis")
	assert.Equal(t, checkFail, f.Status)
	assert.Contains(t, f.Found, "WRONGPASS")
	assert.Equal(t, "check user name and password (REDIS_URL)", f.Advice)
	assert.NotContains(t, got.stdout+got.stderr, "another-password")
	assert.Equal(t, checkSkipped, got.of(t, "role").Status)
}

func TestDoctorOnAReplica(t *testing.T) {
	t.Parallel()
	primary := redistest.StartServer(t, "--repl-diskless-sync-delay", "0")
	_, port, _ := strings.Cut(primary.Addr(), ":")
	w, server := newServerTown(t, allRules)
	server.Exec("REPLICAOF", "127.0.0.1", port)
	require.Eventually(t, func() bool {
		return strings.Contains(server.Exec("INFO", "replication").(string), "master_link_status:up")
	}, 15*time.Second, 10*time.Millisecond)
	for _, rules := range []string{allRules, acl.Rules("onetoken", true)} {
		permit(server, rules)
		got := examine(t, w)
		assert.Equal(t, exitFailed, got.code)
		f := got.of(t, "role")
		assert.Equal(t, checkFail, f.Status)
		assert.Contains(t, f.Found, "READONLY")
		assert.Equal(t, "connect to the primary (REDIS_URL)", f.Advice)
		assert.Equal(t, checkSkipped, got.of(t, "rehearsal").Status)
		assert.Equal(t, "connect to the primary", got.of(t, "permissions").Advice)
		assert.Contains(t, got.of(t, "permissions").Found, "hset")
	}
}

func TestDoctorOnASilentRedis(t *testing.T) {
	t.Parallel()
	w, server := newServerTown(t, allRules)
	proxy := redistest.NewProxy(t, server.Addr())
	proxy.Silence(true)
	began := time.Now()
	got := examine(t, w.with("REDIS_URL", "redis://"+proxy.Addr()))
	assert.Less(t, time.Since(began), 12*time.Second)
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.of(t, "redis").Found, "redis timeout")

	got = examine(t, w.with("REDIS_URL", "rediss://"+proxy.Addr()))
	assert.Contains(t, got.of(t, "redis").Advice, "rediss:// needs a port that speaks TLS, check that of REDIS_URL: ")
}

// Redis answers, but not everything.
func TestDoctorOnARedisThatFallsSilent(t *testing.T) {
	t.Parallel()
	w, server := newServerTown(t, allRules)
	for command, want := range map[string]map[string]string{
		"INFO":      {},
		"SUBSCRIBE": {"permissions": checkFail, "rehearsal": checkSkipped, "events": checkSkipped},
	} {
		t.Run(command, func(t *testing.T) {
			proxy := redistest.NewProxy(t, server.Addr())
			proxy.Hold(redistest.Commands(command))
			began := time.Now()
			got := examine(t, through(w, server, proxy))
			assert.Less(t, time.Since(began), 15*time.Second)
			assert.Equal(t, want, got.statuses(), got.stdout)
		})
	}
}

// through is w with its Redis behind the proxy.
func through(w world, server *redistest.Server, proxy *redistest.Proxy) world {
	return w.with("REDIS_URL", strings.Replace(w.env["REDIS_URL"], server.Addr(), proxy.Addr(), 1))
}

func TestDoctorOnLostEvents(t *testing.T) {
	t.Parallel()
	w, server := newServerTown(t, allRules)
	proxy := redistest.NewProxy(t, server.Addr())
	proxy.LoseMessages(true)
	got := examine(t, through(w, server, proxy))
	assert.Equal(t, exitOK, got.code, got.stdout)
	assert.Equal(t, map[string]string{"events": checkWarn}, got.statuses())
}

// A Redis that is far away works, if slowly.
func TestDoctorOnARedisFarAway(t *testing.T) {
	t.Parallel()
	w, server := newServerTown(t, allRules)
	proxy := redistest.NewProxy(t, server.Addr())
	proxy.Delay(200 * time.Millisecond)
	began := time.Now()
	got := examine(t, through(w, server, proxy))
	assert.Less(t, time.Since(began), doctor.Time)
	assert.Equal(t, exitOK, got.code, got.stdout)
	assert.Equal(t, map[string]string{"redis": checkWarn, "rehearsal": checkWarn, "events": checkSkipped}, got.statuses(), got.stdout)
	assert.Equal(t, finding{"rehearsal", checkWarn, "took longer than 5s", "redis is too far away to rehearse"}, got.of(t, "rehearsal"))
}

func TestDoctorOnAFullRedis(t *testing.T) {
	t.Parallel()
	w, server := newServerTown(t, allRules)
	server.Exec("CONFIG", "SET", "maxmemory", "1")
	got := examine(t, w)
	assert.Equal(t, exitFailed, got.code)
	f := got.of(t, "rehearsal")
	assert.Contains(t, f.Found, "redis OOM")
	assert.Contains(t, f.Advice, "raise maxmemory")
}

func TestDoctorOnANodeOfACluster(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t, "--cluster-enabled", "yes")
	slots := []any{"CLUSTER", "ADDSLOTS"}
	for slot := range 16384 {
		slots = append(slots, slot)
	}
	server.Exec(slots...)
	require.Eventually(t, func() bool { return strings.Contains(server.Exec("CLUSTER", "INFO").(string), "cluster_state:ok") }, 15*time.Second, 10*time.Millisecond)
	permit(server, allRules)
	town := newTown(t)
	at := "redis://onetoken:r3dis%2Bp%2Fss@" + server.Addr()
	alone := examine(t, town.with("REDIS_URL", at))
	assert.Equal(t, "add ?cluster=true (REDIS_URL)", alone.of(t, "role").Advice)
	got := examine(t, town.with("REDIS_URL", at+"?cluster=true"))
	assert.Equal(t, exitOK, got.code, got.stdout)
	assert.Empty(t, got.statuses(), got.stdout)
}
