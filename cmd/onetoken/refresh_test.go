package main

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestRefresh(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	for i, want := range []string{"a new token", "the same token again"} {
		got := town.run(t, "refresh", "--log-level", "debug")
		assert.Equal(t, exitOK, got.code, got.stderr)
		assert.Regexp(t, `^the issuer gave `+want+`: (2h0m0s|1h59m5\ds) left, fresh\n$`, got.stdout)
		assert.Equal(t, i+1, town.issuer.Stats().Calls)
		for _, secret := range []string{town.issuer.Pairs()[0].App, town.issuer.Pairs()[0].Tenant, testSecret, testPassword} {
			assert.NotContains(t, got.stdout+got.stderr, secret)
		}
	}
	town.redis.SetTTL(town.key(t, "token"), time.Hour) // a new one lives longer
	town.issuer.Rotate()
	assert.Contains(t, town.run(t, "refresh").stdout, "a new token")
	assert.Equal(t, town.issuer.Pairs()[1].App+"\n", town.run(t, "token").stdout)
}

// What was mended in the console need not wait until the fleet asks again.
func TestRefreshPassesARefusal(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.issuer.SetFault(feishutest.WrongSecret())
	require.Equal(t, exitRefused, town.run(t, "token").code)
	require.Equal(t, 1, town.issuer.Stats().Refused)

	got := town.run(t, "refresh")
	assert.Equal(t, exitRefused, got.code)
	assert.Empty(t, got.stdout)
	assert.Contains(t, got.stderr, "code 10014")
	assert.NotContains(t, got.stderr, "remembered")
	assert.Equal(t, 1, strings.Count(got.stderr, "\n"))
	assert.Equal(t, 2, town.issuer.Stats().Refused, "one call")

	town.issuer.SetFault(feishutest.Fault{})
	got = town.run(t, "refresh")
	assert.Equal(t, exitOK, got.code, got.stderr)
	assert.Equal(t, 1, town.issuer.Stats().Calls)
	assert.Equal(t, exitOK, town.run(t, "status").code)
}

func TestRefreshIsHeldBack(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.issuer.FailNext(1, feishutest.RateLimited("Retry-After", "60"))
	require.Equal(t, exitFailed, town.run(t, "token", "--timeout", "1s").code)
	got := town.run(t, "refresh")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stderr, "remembered from an earlier call, the issuer is asked again in ")
	assert.Zero(t, town.issuer.Stats().Calls)
}

func TestRefreshWithoutRedis(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	w := town.with("REDIS_URL", "redis://"+nobody(t))
	got := w.run(t, "refresh")
	assert.Equal(t, exitOK, got.code)
	assert.Regexp(t, `^the issuer gave a token: (2h0m0s|1h59m5\ds) left\n$`, got.stdout, "nobody knows what redis has")
	assert.Regexp(t, `^onetoken: the token is good but not shared, it came straight from the issuer: redis unreachable: .*\(REDIS_URL\)\n$`, got.stderr)

	got = w.with("FEISHU_BASE_URL", "http://"+nobody(t)).run(t, "refresh")
	assert.Equal(t, exitFailed, got.code)
	assert.Empty(t, got.stdout)
	assert.Contains(t, got.stderr, "check FEISHU_BASE_URL")
	assert.Equal(t, exitRefused, w.with("FEISHU_APP_SECRET", "wrong").run(t, "refresh").code)
}

func TestRefreshIsLate(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	issuer := feishutest.New(feishutest.Config{AppID: "cli_test", AppSecret: testSecret, Latency: 1100 * time.Millisecond})
	web := httptest.NewServer(issuer)
	defer web.Close()
	got := town.with("FEISHU_BASE_URL", web.URL).run(t, "refresh", "--timeout", "1s")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stderr, "no token within 1s")
	assert.Equal(t, 1, issuer.Stats().Calls, "finished for the others: %s", got.stderr)
}

func TestRefreshOfAMistake(t *testing.T) {
	t.Parallel()
	got := world{}.with("REDIS_URL", "nonsense").run(t, "refresh", "--timeout", "-1s")
	assert.Equal(t, exitUsage, got.code)
	for _, name := range []string{"--timeout", "REDIS_URL has no scheme", "FEISHU_APP_ID is not set", "FEISHU_APP_SECRET is not set"} {
		assert.Contains(t, got.stderr, "onetoken: "+name)
	}
}
