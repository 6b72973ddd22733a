package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// elsewhere is the town with the same app at another address of the issuer.
func (town town) elsewhere(t *testing.T) (w world, url string) {
	t.Helper()
	web := httptest.NewServer(town.issuer)
	t.Cleanup(web.Close)
	return town.with("FEISHU_BASE_URL", web.URL), web.URL
}

// Two credentials of one app are told apart by where their issuers are; one alone is not so told.
func TestStatusTellsTheIssuersOfAnAppApart(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	here := town.env["FEISHU_BASE_URL"]
	require.Equal(t, exitOK, town.run(t, "token").code)
	got := town.anonymous().run(t, "status")
	assert.NotContains(t, got.stdout, "issuer ")
	assert.Equal(t, here, objects(t, town.anonymous().run(t, "status", "--json").stdout)[0]["issuer_url"])

	lark, there := town.elsewhere(t)
	require.Equal(t, exitRefused, lark.with("FEISHU_APP_SECRET", "another").run(t, "token").code, "a failure alone will do")
	got = town.anonymous().run(t, "status")
	assert.Equal(t, exitOK, got.code)
	for _, url := range []string{here, there} {
		assert.Contains(t, got.stdout, "\n  issuer   "+url+"\n")
	}
	urls := map[any]any{}
	for _, o := range objects(t, town.anonymous().run(t, "status", "--json").stdout) {
		urls[o["issuer_url"]] = o["state"]
	}
	assert.Equal(t, map[any]any{here: "fresh", there: "absent"}, urls)

	town.redis.HSet(town.key(t, "token"), "issuer_url", "https://x\x1b[2J\n\u202ey"+strings.Repeat("z", 5000))
	for _, args := range [][]string{{"status"}, {"status", "--json"}} {
		got = town.anonymous().run(t, args...)
		assert.Contains(t, got.stdout, "https://x [2J")
		assert.NotContains(t, got.stdout, "\x1b")
		assert.NotContains(t, got.stdout, strings.Repeat("z", 128))
	}
}

// The id alone is no half of a credential but says whose tokens are meant.
func TestStatusWithTheIDAlone(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	alone := town.with("FEISHU_APP_SECRET", "", "FEISHU_BASE_URL", "")
	got := alone.run(t, "status")
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "onetoken: no usable token of cli_test: there is nothing of it under the prefix onetoken in redis (FEISHU_APP_ID, REDIS_URL, ONETOKEN_PREFIX)\n", got.stderr)

	require.Equal(t, exitOK, town.run(t, "token").code)
	for _, args := range [][]string{{"status"}, {"status", "--json"}} {
		got = alone.run(t, args...)
		assert.Equal(t, exitOK, got.code, got.stderr)
		assert.Empty(t, got.stderr)
		assert.Contains(t, got.stdout, "feishu:cli_test:")
	}
	other := alone.with("FEISHU_APP_ID", "cli_other").run(t, "status")
	assert.Equal(t, exitFailed, other.code, "another app's token does not count")
	assert.Contains(t, other.stdout, "feishu:cli_test:", "but is shown")
	swapped := alone.with("FEISHU_APP_ID", testSecret).run(t, "status")
	assert.Equal(t, exitFailed, swapped.code)
	assert.NotContains(t, swapped.stdout+swapped.stderr, testSecret)
	assert.Equal(t, exitUsage, town.with("FEISHU_APP_ID", "").run(t, "status").code, "a secret of nobody is a mistake")
}

// Who looks for the wrong credential hears which one that was, and which others there are.
func TestStatusSaysWhichCredentialHasNothing(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	here := town.env["FEISHU_BASE_URL"]
	require.Equal(t, exitOK, town.run(t, "token").code)
	digest := strings.TrimSuffix(strings.TrimPrefix(town.key(t, ""), "onetoken:{feishu:cli_test:"), "}:")[:8]
	lark, there := town.elsewhere(t)
	const next = "; whoever needs one next asks the issuer, as onetoken token does\n"
	for name, c := range map[string]struct {
		world world
		says  string
	}{
		"another base URL": {lark, "no usable token of cli_test at " + there + " (________): nothing is stored for it, but of the same app at " + here + " (" + digest + ", fresh): check FEISHU_BASE_URL" + next},
		"no base URL":      {town.with("FEISHU_BASE_URL", ""), "no usable token of cli_test at https://open.feishu.cn (________): nothing is stored for it, but of the same app at " + here + " (" + digest + ", fresh): check FEISHU_BASE_URL, which is not set" + next},
		"another secret":   {town.with("FEISHU_APP_SECRET", "another"), "no usable token of cli_test at " + here + " (________): nothing is stored for it, but of the same app with another secret (" + digest + ", fresh): check FEISHU_APP_SECRET" + next},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.world.run(t, "status")
			assert.Equal(t, exitFailed, got.code)
			before, after, _ := strings.Cut("onetoken: "+c.says, "________")
			assert.True(t, strings.HasPrefix(got.stderr, before) && strings.HasSuffix(got.stderr, after), "%s\nis not\n%s", got.stderr, c.says)
		})
	}
	got := town.with("FEISHU_BASE_URL", "").run(t, "invalidate")
	assert.Equal(t, "nothing to do: no usable token of cli_test at https://open.feishu.cn (FEISHU_BASE_URL is not set) is stored; whoever needs one next asks the issuer\n", got.stdout)

	town.redis.HDel(town.key(t, "token"), "issuer_url") // of an older version
	assert.Contains(t, lark.run(t, "status").stderr, "of the same app with another secret or base URL ("+digest+", fresh): check FEISHU_APP_SECRET and FEISHU_BASE_URL")
}
