package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestComplaintsByVariable(t *testing.T) {
	t.Parallel()
	const secret = "do-not-show-me"
	complete := world{env: map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET": secret}}
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	large := filepath.Join(t.TempDir(), "large")
	require.NoError(t, os.WriteFile(large, []byte(strings.Repeat("x", maxFile+1)), 0o600))

	for name, c := range map[string]struct {
		world world
		want  []string // beginnings of lines
	}{
		"nothing set": {world{}, []string{"FEISHU_APP_ID is not set", "FEISHU_APP_SECRET is not set"}},
		"secret twice": {
			complete.with("FEISHU_APP_SECRET_FILE", "/tmp/x"),
			[]string{"FEISHU_APP_SECRET and FEISHU_APP_SECRET_FILE are both set"},
		},
		"redis twice": {
			complete.with("REDIS_URL", "redis://h", "REDIS_URL_FILE", "/tmp/x"),
			[]string{"REDIS_URL and REDIS_URL_FILE are both set"},
		},
		"the secret as a file's name": {
			complete.with("FEISHU_APP_SECRET", "", "FEISHU_APP_SECRET_FILE", "/"+secret),
			[]string{"FEISHU_APP_SECRET_FILE cannot be read: "},
		},
		"empty file": {
			complete.with("FEISHU_APP_SECRET", "", "FEISHU_APP_SECRET_FILE", empty),
			[]string{"FEISHU_APP_SECRET_FILE names an empty file"},
		},
		"large file": {complete.with("REDIS_URL_FILE", large), []string{"REDIS_URL_FILE cannot be read: it is larger"}},
		"a folder":   {complete.with("REDIS_URL_FILE", t.TempDir()), []string{"REDIS_URL_FILE cannot be read: "}},
		"standard input twice": {
			world{map[string]string{"FEISHU_APP_ID": "x", "FEISHU_APP_SECRET_FILE": "-", "REDIS_URL_FILE": "-"}, "redis://h"},
			[]string{"FEISHU_APP_SECRET_FILE cannot be read: standard input is taken by REDIS_URL_FILE"},
		},
		"swapped":          {complete.with("FEISHU_APP_ID", secret, "FEISHU_APP_SECRET", "cli_test"), []string{"FEISHU_APP_ID and FEISHU_APP_SECRET look swapped"}},
		"id in both":       {complete.with("FEISHU_APP_SECRET", "cli_test", "REDIS_URL", secret), []string{"REDIS_URL has no scheme"}},
		"spaces":           {complete.with("FEISHU_APP_SECRET", secret+"\n"), []string{"FEISHU_APP_SECRET"}},
		"redis password":   {complete.with("REDIS_URL", "redis://:"+secret+"%zz@h"), []string{"REDIS_URL has a user or password"}},
		"redis port":       {complete.with("REDIS_URL", "redis://h:"+secret), []string{"REDIS_URL has a port"}},
		"redis scheme":     {complete.with("REDIS_URL", secret+"://h"), []string{"REDIS_URL does not begin with"}},
		"redis bare":       {complete.with("REDIS_URL", secret+":6379"), []string{"REDIS_URL has no scheme"}},
		"redis database":   {complete.with("REDIS_URL", "redis://h/"+secret), []string{"REDIS_URL has a path"}},
		"redis option":     {complete.with("REDIS_URL", "redis://h?"+secret+"=1"), []string{"REDIS_URL has a parameter that is not known"}},
		"redis twofold":    {complete.with("REDIS_URL", "redis://h?cluster=1&master_name=m"), []string{"REDIS_URL asks for Cluster and Sentinel"}},
		"redis cluster":    {complete.with("REDIS_URL", "redis://h?cluster="+secret), []string{"REDIS_URL has a cluster="}},
		"redis replicas":   {complete.with("REDIS_URL", "redis://h?cluster=1&read_only=true"), []string{"REDIS_URL routes reads"}},
		"sentinel latency": {complete.with("REDIS_URL", "redis://h?master_name=m&route_by_latency=true"), []string{"REDIS_URL routes reads"}},
		"base URL bare":    {complete.with("FEISHU_BASE_URL", "open.feishu.cn"), []string{"FEISHU_BASE_URL has to look like https://"}},
		"base URL":         {complete.with("FEISHU_BASE_URL", "ftp://"+secret), []string{"FEISHU_BASE_URL"}},
		"prefix":           {complete.with("ONETOKEN_PREFIX", secret+" {"), []string{"ONETOKEN_PREFIX has braces"}},
		"all at once": {
			world{env: map[string]string{"REDIS_URL": secret, "FEISHU_BASE_URL": "://" + secret, "ONETOKEN_PREFIX": secret + "{"}},
			[]string{"REDIS_URL", "FEISHU_APP_ID", "FEISHU_APP_SECRET", "FEISHU_BASE_URL", "ONETOKEN_PREFIX"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.world.run(t, "token", "--log-level", "debug")
			assert.Equal(t, exitUsage, got.code)
			assert.Empty(t, got.stdout)
			lines := strings.Split(strings.TrimSuffix(got.stderr, "\n"), "\n")
			lines = slices.DeleteFunc(lines, func(line string) bool { // go-redis has one logger: another test's client says that
				return strings.Contains(line, `msg="redis client"`)
			})
			require.Len(t, lines, len(c.want), got.stderr)
			for i, want := range c.want {
				assert.True(t, strings.HasPrefix(lines[i], "onetoken: "+want), "%q begins with %q", lines[i], want)
			}
			assert.NotContains(t, got.stderr, secret)
		})
	}
}

func TestSecretFromFile(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"bare": testSecret, "newline": testSecret + "\n", "windows newline": testSecret + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			town := newTown(t)
			file := filepath.Join(t.TempDir(), "secret")
			require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
			got := town.with("FEISHU_APP_SECRET", "", "FEISHU_APP_SECRET_FILE", file).run(t, "token")
			assert.Equal(t, exitOK, got.code, got.stderr)
		})
	}
}

// Which variable it is, which character, and where: never the value.
func TestWhichCharacterOfWhichVariable(t *testing.T) {
	t.Parallel()
	complete := world{env: map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET": testSecret}}
	for name, c := range map[string]struct{ variable, value, want string }{
		"secret":            {"FEISHU_APP_SECRET", testSecret + "\n", "FEISHU_APP_SECRET: its last character is a newline"},
		"secret's file":     {"FEISHU_APP_SECRET_FILE", testSecret + "\n\n", "FEISHU_APP_SECRET_FILE: its last character is a newline"},
		"BOM":               {"FEISHU_APP_SECRET_FILE", "\ufeff" + testSecret, "FEISHU_APP_SECRET_FILE: its first character is a byte order mark"},
		"space":             {"FEISHU_APP_SECRET_FILE", testSecret[:3] + " " + testSecret[3:], "FEISHU_APP_SECRET_FILE: its character 4 is a space"},
		"control character": {"FEISHU_APP_SECRET_FILE", "\x1b" + testSecret, "FEISHU_APP_SECRET_FILE: its first character is a control character"},
		"too long":          {"FEISHU_APP_SECRET_FILE", strings.Repeat(testSecret, 99), "FEISHU_APP_SECRET_FILE is longer than 1024 bytes"},
		"id in the file":    {"FEISHU_APP_SECRET_FILE", "cli_test", "FEISHU_APP_ID and FEISHU_APP_SECRET_FILE look swapped"},
		"id":                {"FEISHU_APP_ID", "cli_test ", "FEISHU_APP_ID: its last character is a space"},
		"URL":               {"REDIS_URL", "redis://:" + testSecret + "@h\n", "REDIS_URL cannot be read: its last character is a newline"},
		"URL's file":        {"REDIS_URL_FILE", "redis://:" + testSecret + "@h\n\n", "REDIS_URL_FILE cannot be read: its last character is a newline"},
		"URL in the file":   {"REDIS_URL_FILE", "redis://:a#" + testSecret + "@h\n", "REDIS_URL_FILE has a fragment"},
		"base URL":          {"FEISHU_BASE_URL", "https://h/\t", "FEISHU_BASE_URL: its last character is a tab"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value := c.value
			w := complete
			if plain, ok := strings.CutSuffix(c.variable, "_FILE"); ok {
				value = filepath.Join(t.TempDir(), "file")
				require.NoError(t, os.WriteFile(value, []byte(c.value), 0o600))
				w = w.with(plain, "")
			}
			if c.value == "cli_test" {
				w = w.with("FEISHU_APP_ID", "another")
			}
			got := w.with(c.variable, value).run(t, "token")
			assert.Equal(t, exitUsage, got.code)
			assert.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
			assert.True(t, strings.HasPrefix(got.stderr, "onetoken: "+c.want), got.stderr)
			assert.NotContains(t, got.stderr, testSecret)
		})
	}
}

func TestSecretFromStandardInput(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	w := town.with("FEISHU_APP_SECRET", "", "FEISHU_APP_SECRET_FILE", "-")
	w.stdin = testSecret + "\n"
	got := w.run(t, "token")
	assert.Equal(t, exitOK, got.code, got.stderr)
}

func TestParseRedisURL(t *testing.T) {
	t.Parallel()
	parse := func(raw string) *redisTarget {
		target, err := parseRedisURL(raw)
		require.NoError(t, err)
		return target
	}
	one := parse("redis://u:p%40ss@h:1/3?dial_timeout=7s").single
	require.NotNil(t, one)
	assert.Equal(t, "h:1", one.Addr)
	assert.Equal(t, "p@ss", one.Password)
	assert.Equal(t, 3, one.DB)
	assert.NotNil(t, parse("rediss://h").single.TLSConfig)
	assert.Equal(t, "/run/redis.sock", parse("unix:///run/redis.sock?db=2").single.Addr)
	assert.NotNil(t, parse("redis://h?cluster=false").single)

	cluster := parse("redis://:p%40ss@a:1?addr=b:2&addr=c:3").cluster
	require.NotNil(t, cluster)
	assert.Equal(t, []string{"a:1", "b:2", "c:3"}, cluster.Addrs)
	assert.Equal(t, "p@ss", cluster.Password)
	assert.NotNil(t, parse("redis://a:1?cluster=true").cluster)

	sentinel := parse("redis://:s@a:1?addr=b:2&master_name=m&password=p").sentinel
	require.NotNil(t, sentinel)
	assert.Equal(t, []string{"a:1", "b:2"}, sentinel.SentinelAddrs)
	assert.Equal(t, "m", sentinel.MasterName)
	assert.Equal(t, "s", sentinel.SentinelPassword)
	assert.Equal(t, "p", sentinel.Password)
}

func TestRedisDefaultsYieldToTheURL(t *testing.T) {
	t.Parallel()
	target, err := parseRedisURL("redis://h?dial_timeout=7s&pool_size=9")
	require.NoError(t, err)
	rdb := target.client()
	defer rdb.Close()
	assert.Equal(t, "7s", target.single.DialTimeout.String())
	assert.Equal(t, 9, target.single.PoolSize)
	assert.Equal(t, redisReadTimeout, target.single.ReadTimeout)
	assert.Equal(t, redisDialTries, target.single.DialerRetries)
}
