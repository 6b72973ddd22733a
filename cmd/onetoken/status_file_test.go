package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fileTown is a town with a configuration of two apps, and a third that is disabled.
func fileTown(t *testing.T) (town town, path string) {
	t.Helper()
	town = newTown(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"redis": "redis://:r3dis%2Bp%2Fss@" + town.redis.Addr(), "crm": testSecret, "hr": otherSecret} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return town, configOf(t, dir, town.env["FEISHU_BASE_URL"], "status: {listen: 127.0.0.1:0}\n")
}

func configOf(t *testing.T, dir, issuer, more string) string {
	t.Helper()
	text := "redis: {url_file: redis}\ncredentials:\n" +
		"  - {name: crm, kind: feishu, app_id: cli_test, app_secret_file: crm, base_url: " + issuer + "}\n" +
		"  - {name: hr, kind: feishu, app_id: cli_other, app_secret_file: hr, base_url: " + issuer + "}\n" +
		"  - {name: idle, kind: feishu, app_id: cli_idle, app_secret_file: hr, base_url: " + issuer + ", disabled: true}\n" + more
	path := filepath.Join(dir, "onetoken.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestStatusOfAFile(t *testing.T) {
	t.Parallel()
	town, path := fileTown(t)
	got := world{}.run(t, "status", "--config", path)
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "onetoken: no usable token of crm, hr\n", got.stderr)
	assert.Contains(t, got.stdout, "Z credentials of "+path+", as Redis has them\n2 of 2 credentials wait for a token.\n")
	assert.Zero(t, town.issuer.Stats().Calls, "no issuer is asked")

	for app, secret := range map[string]string{"cli_test": testSecret, "cli_other": otherSecret} {
		require.Equal(t, exitOK, town.with("FEISHU_APP_ID", app, "FEISHU_APP_SECRET", secret).run(t, "token").code)
	}
	got = world{}.run(t, "status", "--config", path)
	assert.Equal(t, exitOK, got.code, got.stderr)
	assert.Regexp(t, `All 2 credentials are well\.\nNext: (crm|hr) refreshes in (89|90) min`, got.stdout)
	got = world{}.run(t, "status", "--json", "--config", path)
	all := objects(t, got.stdout)
	require.Len(t, all, 3)
	assert.Equal(t, []any{"crm", "hr", "idle"}, []any{all[0]["name"], all[1]["name"], all[2]["name"]}, "as in the file")
	assert.Equal(t, "fresh", all[0]["state"])
	assert.Equal(t, true, all[2]["disabled"])
	raw, err := json.Marshal(all)
	require.NoError(t, err)
	for _, secret := range []string{testSecret, otherSecret, "r3dis"} {
		assert.NotContains(t, string(raw), secret)
	}

	town.redis.Close()
	got = world{}.run(t, "status", "--config", path)
	assert.Equal(t, exitFailed, got.code)
	assert.Regexp(t, `^onetoken: redis unreachable: .*: check the address and that redis runs \(redis in .*onetoken.yaml\)\n$`, got.stderr)
	got = world{}.run(t, "status", "--config", path+".none")
	assert.Equal(t, exitUsage, got.code)
}

// The file says where Redis is, and how it is spoken to, also while it is watched.
func TestStatusFollowsTheFileToAnotherRedis(t *testing.T) {
	t.Parallel()
	town, path := fileTown(t)
	url := filepath.Join(filepath.Dir(path), "redis")
	r := world{}.watch(t, "--config", path)
	eventually(t, func() bool { return strings.Contains(r.stdout.String(), "2 of 2 credentials wait for a token.") })

	other := newTown(t)
	require.NoError(t, os.WriteFile(url, []byte(other.env["REDIS_URL"]), 0o600))
	require.Equal(t, exitOK, other.with("FEISHU_BASE_URL", town.env["FEISHU_BASE_URL"]).run(t, "token").code)
	eventually(t, func() bool { return strings.Contains(r.stdout.String(), "1 of 2 credentials waits for a token.") })

	require.NoError(t, os.WriteFile(url, []byte("redis://:after@"+other.redis.Addr()), 0o600))
	other.redis.RequireAuth("after")
	require.Equal(t, exitOK, other.with("FEISHU_BASE_URL", town.env["FEISHU_BASE_URL"], "FEISHU_APP_ID", "cli_other", "FEISHU_APP_SECRET", otherSecret,
		"REDIS_URL", "redis://:after@"+other.redis.Addr()).run(t, "token").code)
	eventually(t, func() bool { return strings.Contains(r.stdout.String(), "All 2 credentials are well.") })
	r.interrupt()
	assert.Equal(t, exitOK, <-r.code)
}

// A file that changes is read again; while it has an error, the one before is in use.
func TestStatusWatchesAFile(t *testing.T) {
	t.Parallel()
	town, path := fileTown(t)
	r := world{}.watch(t, "--config", path)
	eventually(t, func() bool { return strings.Contains(r.stdout.String(), "2 of 2 credentials wait for a token.") })
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(good, "nonsense: 1\n"...), 0o600))
	eventually(t, func() bool {
		return strings.Contains(r.stdout.String(), "The configuration in the file is refused, and the one before is in use: ")
	})
	one, _, _ := strings.Cut(string(good), "  - {name: hr")
	require.NoError(t, os.WriteFile(path, []byte(one), 0o600))
	eventually(t, func() bool { return strings.Contains(r.stdout.String(), "The one credential waits for a token.") })
	require.Equal(t, exitOK, town.run(t, "token").code)
	eventually(t, func() bool { return strings.Contains(r.stdout.String(), "The one credential is well.") })
	r.interrupt()
	assert.Equal(t, exitOK, <-r.code)
	assert.Empty(t, r.stderr.String())
}
