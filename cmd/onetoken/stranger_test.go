package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What people stumble over who have not read the whole of -h.

// A refusal ends with what asks again at once, wherever it is told.
func TestRefusalsNameTheNextCommand(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	w := town.with("FEISHU_APP_SECRET", "another")
	const next = "once that is mended, onetoken refresh asks at once"
	for _, args := range [][]string{{"token"}, {"token", "--json"}, {"status"}, {"refresh"}, {"doctor"}, {"doctor", "--json"}} {
		got := w.run(t, args...)
		assert.NotEqual(t, exitOK, got.code)
		assert.Contains(t, got.stderr, next, args)
	}
	assert.Contains(t, w.run(t, "status").stdout, next)
	assert.Contains(t, examine(t, w).of(t, "credentials").Advice, next)
}

// What is no token is a mistake, of which nothing is done and nothing repeated.
func TestInvalidateWantsAToken(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	require.Equal(t, exitOK, town.run(t, "token").code)
	app := town.issuer.Pairs()[0].App
	keys := town.redis.Keys()
	for _, stdin := range []string{
		" ", "\t\n", app + " ", " " + app, app + "\n\n", "Bearer " + app, `"` + app + `"`, "'" + app + "'", "{}", "{" + app + "}",
		`{"token":"` + app + `"}`, "[" + app + "]", app + ",", app + "\x00", "t-\u00e9", "<html>", "=", "a=b",
	} {
		got := town.saying(stdin).run(t, "invalidate", "-")
		assert.Equal(t, exitUsage, got.code, "%q", stdin)
		assert.Empty(t, got.stdout)
		assert.Equal(t, "onetoken: standard input is not one token and nothing else: write the token alone, such as t-g1044..., as onetoken token prints it: "+
			"without blanks, quotes, braces, \"Bearer\" or a second line\n", got.stderr, "%q", stdin)
		assert.Equal(t, keys, town.redis.Keys())
	}
	for _, stdin := range []string{"t-g1044ghJR2f", "eyJhbGciOi.J9_-~+/x==", app + "x\n"} {
		assert.Equal(t, result{exitOK, saysAnother, ""}, town.saying(stdin).run(t, "invalidate", "-"), "a token of others")
	}
}

// TLS that verifies nobody is told once, by every command.
func TestUnverifiedRedisIsToldOf(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate, which nobody trusts
	defer web.Close()
	server := miniredis.NewMiniRedis()
	require.NoError(t, server.StartTLS(web.TLS))
	defer server.Close()
	town := newTown(t)
	w := town.with("REDIS_URL", "rediss://"+server.Addr()+"?skip_verify=true")
	const says = "whoever is on the way to redis can pass for it, as its certificate is not verified: leave out skip_verify, and name its CA in SSL_CERT_FILE (REDIS_URL)"
	for _, args := range [][]string{{"token"}, {"token", "--json"}, {"status"}, {"status", "--json"}, {"refresh"}, {"invalidate"}} {
		got := w.run(t, args...)
		assert.Equal(t, exitOK, got.code, "%s: %s", args, got.stderr)
		assert.Equal(t, "onetoken: warning: "+says+"\n", got.stderr, args)
		assert.Empty(t, w.run(t, append(args, "--log-level", "error")...).stderr, args)
	}
	one := w.with("REDIS_URL", "rediss://"+server.Addr()+"?skip_verify=1")
	assert.Contains(t, one.run(t, "token").stderr, says)
	f := examine(t, w).of(t, "configuration")
	assert.Equal(t, checkWarn, f.Status)
	assert.Contains(t, f.Found, "with TLS that is not verified")
	assert.Equal(t, says, f.Advice)

	verified := w.with("REDIS_URL", "rediss://"+server.Addr()+"?skip_verify=false")
	assert.NotContains(t, verified.run(t, "status").stderr, "skip_verify")
	assert.NotContains(t, examine(t, verified).of(t, "configuration").Found, "not verified")
}

// A letter for a secret is a mistake, and none that would take that letter out of every message.
func TestSecretOfAFewLettersIsAMistake(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	for _, secret := range []string{"a", "to", "not"} {
		for _, command := range []string{"token", "status", "invalidate", "refresh", "doctor"} {
			got := town.with("FEISHU_APP_SECRET", secret).run(t, command)
			assert.Equal(t, exitUsage, got.code, command)
			assert.Equal(t, "onetoken: FEISHU_APP_SECRET is shorter than 4 characters, which no app's is: copy all of it from the developer console\n", got.stderr)
		}
	}
}
