package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestTokenAsJSON(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	for _, kind := range []string{"app", "tenant"} {
		got := town.run(t, "token", "--json", "--kind", kind)
		require.Equal(t, exitOK, got.code, got.stderr)
		assert.Equal(t, 1, strings.Count(got.stdout, "\n"))
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(got.stdout), &o))
		pair := town.issuer.Pairs()[0]
		expires, err := time.Parse(time.RFC3339, o["expires_at"].(string))
		require.NoError(t, err)
		assert.InDelta(t, 7200, time.Until(expires).Seconds(), 30)
		assert.InDelta(t, 7200, o["expires_in_seconds"], 30)
		delete(o, "expires_at")
		delete(o, "expires_in_seconds")
		assert.Equal(t, map[string]any{
			"app_id": "cli_test", "kind": kind, "token": map[string]string{"app": pair.App, "tenant": pair.Tenant}[kind],
			"app_access_token": pair.App, "tenant_access_token": pair.Tenant,
			"handed_out_again": false,
		}, o)
	}
	town.issuer.SetFault(feishutest.Answer(200, nil, `{"code":0,"msg":"ok","app_access_token":"a-1","expire":7200}`))
	got := town.with("ONETOKEN_PREFIX", "other").run(t, "token", "--json")
	assert.Contains(t, got.stdout, `"token":"a-1","app_access_token":"a-1","tenant_access_token":null,`)
}

// Around Redis a token is good, but not for who asked for one that is shared.
func TestNotAroundRedis(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	got := town.run(t, "token", "--strict")
	assert.Equal(t, result{exitOK, town.issuer.Pairs()[0].App + "\n", ""}, got, "it is shared")
	town.redis.Close()
	for _, args := range [][]string{{"token", "--strict"}, {"token", "--strict", "--json"}} {
		got = town.run(t, args...)
		assert.Equal(t, exitFailed, got.code)
		assert.Empty(t, got.stdout)
		assert.Regexp(t, `^onetoken: the token came straight from the issuer and is not shared, so --strict prints none: redis unreachable: .* \(REDIS_URL\)\n$`, got.stderr)
	}
	assert.Equal(t, exitOK, town.run(t, "token").code)

	calls, forbidden := town.issuer.Stats().Calls, town.with("ONETOKEN_NO_DIRECT", "true")
	for _, args := range [][]string{{"token"}, {"refresh"}, {"doctor"}} {
		got = forbidden.run(t, append(args, "--log-level", "error")...)
		assert.Equal(t, exitFailed, got.code, args)
		assert.Contains(t, got.stdout+got.stderr, "redis unreachable", args)
		assert.NotContains(t, got.stdout, town.issuer.Pairs()[0].App)
	}
	r := startRefresher(t, forbidden)
	eventually(t, func() bool {
		status, body := r.ask(http.MethodGet, "/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "redis unreachable")
	})
	assert.Equal(t, exitOK, r.stop().code)
	assert.Equal(t, calls, town.issuer.Stats().Calls, "nobody has asked")

	for _, command := range []string{"token", "refresh", "refresher", "status", "invalidate", "doctor"} {
		got = town.with("ONETOKEN_NO_DIRECT", testSecret).run(t, command)
		assert.Equal(t, exitUsage, got.code)
		assert.Equal(t, "onetoken: ONETOKEN_NO_DIRECT is neither true nor false\n", got.stderr, command)
	}
}

// An issuer hands the same token out until its window opens, whatever was said of it.
func TestTokenThatCameBackIsToldOf(t *testing.T) {
	t.Parallel()
	const says = "onetoken: this token was refused before, and the issuer has handed it out again: see why it is refused, as asking once more brings the same\n"
	town := newTown(t)
	first := town.run(t, "token")
	require.Equal(t, result{exitOK, town.issuer.Pairs()[0].App + "\n", ""}, first)
	require.Equal(t, exitOK, world{town.env, first.stdout}.run(t, "invalidate", "-").code)
	for name, args := range map[string][]string{
		"asked again": {"token"}, "from redis": {"token", "--kind", "app"}, "forced": {"refresh"}, "as JSON": {"token", "--json"},
	} {
		got := town.run(t, args...)
		assert.Equal(t, exitOK, got.code, name)
		assert.Equal(t, says, got.stderr, name)
		assert.Equal(t, name == "as JSON", strings.Contains(got.stdout, `,"handed_out_again":true}`), name)
	}
	assert.Len(t, town.issuer.Pairs(), 1, "it is the same one")

	town.issuer.SetRemaining(time.Minute) // in its window
	require.Equal(t, exitOK, town.run(t, "refresh").code)
	assert.Empty(t, town.run(t, "token").stderr, "another one was not refused")
	assert.Contains(t, town.run(t, "token", "--json").stdout, `,"handed_out_again":false}`)

	// Kept for the others, because a replica that refuses all has refused it alone, it was not handed out again.
	fresh := tokencache.NewToken(town.issuer.Pairs()[1].App, town.issuer.Pairs()[1].Tenant, time.Hour)
	require.NoError(t, town.redis.Set(town.key(t, "rejected:"+fresh.Fingerprint()), "1 1 n alone"))
	assert.Contains(t, town.run(t, "token", "--json").stdout, `,"handed_out_again":false}`)
	town.redis.Close()
	assert.Contains(t, town.run(t, "token", "--json").stdout, `,"handed_out_again":null}`, "nobody says")
}
