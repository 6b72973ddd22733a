package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// filed has a file hold the secret, and another the URL.
func filed(t *testing.T, w world) world {
	t.Helper()
	for _, name := range []string{"FEISHU_APP_SECRET", "REDIS_URL"} {
		file := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(file, []byte(w.env[name]+"\n"), 0o600))
		w = w.with(name, "", name+"_FILE", file)
	}
	return w
}

// Whatever a command has to say of the secret or of Redis, it names the variable that was set.
func TestMessagesNameTheVariableThatWasSet(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T) world {
		town := newTown(t)
		town.issuer.SetAppSecret("another-secret")
		return town.world
	}
	remembered := func(t *testing.T) world {
		w := refused(t)
		require.Equal(t, exitRefused, w.run(t, "token").code)
		return w
	}
	astray := func(t *testing.T) world { return newTown(t).with("REDIS_URL", "redis://"+nobody(t)) }
	overTLS := func(t *testing.T) world {
		town := newTown(t)
		return town.with("REDIS_URL", "rediss://"+town.redis.Addr())
	}
	for name, c := range map[string]struct {
		world func(t *testing.T) world
		args  string
		says  string // with neither file
	}{
		"token, refused":              {refused, "token", "check FEISHU_APP_ID and FEISHU_APP_SECRET"},
		"token, remembered":           {remembered, "token", "check FEISHU_APP_ID and FEISHU_APP_SECRET"},
		"refresh, refused":            {refused, "refresh", "check FEISHU_APP_ID and FEISHU_APP_SECRET"},
		"status, remembered":          {remembered, "status", "check FEISHU_APP_ID and FEISHU_APP_SECRET"},
		"status, astray":              {astray, "status", "(REDIS_URL)"},
		"status, TLS":                 {overTLS, "status", "check that of REDIS_URL: "},
		"invalidate, astray":          {astray, "invalidate", "(REDIS_URL)"},
		"token, around redis":         {astray, "token", "(REDIS_URL)"},
		"doctor, refused":             {refused, "doctor", "check FEISHU_APP_ID and FEISHU_APP_SECRET"},
		"doctor, refused, in JSON":    {refused, "doctor --json", "check FEISHU_APP_ID and FEISHU_APP_SECRET"},
		"doctor, astray":              {astray, "doctor", "(REDIS_URL)"},
		"doctor, TLS":                 {overTLS, "doctor", "check that of REDIS_URL: "},
		"doctor, a wrong URL":         {func(t *testing.T) world { return newTown(t).with("REDIS_URL", "x") }, "doctor --json", "REDIS_URL has no scheme"},
		"doctor, swapped":             {func(t *testing.T) world { return newTown(t).with("FEISHU_APP_ID", "x", "FEISHU_APP_SECRET", "cli_x") }, "doctor", "FEISHU_APP_ID and FEISHU_APP_SECRET look swapped"},
		"the issuer's lookalike, too": {func(t *testing.T) world { return newTown(t).with("FEISHU_APP_SECRET", "x y") }, "issuer", "FEISHU_APP_SECRET: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := c.world(t)
			got := w.run(t, strings.Fields(c.args)...)
			assert.Contains(t, got.stdout+got.stderr, c.says)
			assert.NotContains(t, got.stdout+got.stderr, "_FILE")

			got = filed(t, w).run(t, strings.Fields(c.args)...)
			says := regexp.MustCompile(`FEISHU_APP_SECRET|REDIS_URL`).ReplaceAllString(c.says, "${0}_FILE")
			assert.Contains(t, got.stdout+got.stderr, says)
			assert.NotRegexp(t, `(FEISHU_APP_SECRET|REDIS_URL)\b`, got.stdout+got.stderr)
		})
	}
}

func TestStatusNamesTheVariableThatWasSet(t *testing.T) {
	t.Parallel()
	got := filed(t, newTown(t).world).with("FEISHU_APP_ID", "", "FEISHU_APP_SECRET_FILE", "").run(t, "status")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stderr, "in redis (REDIS_URL_FILE, ONETOKEN_PREFIX)")
}
