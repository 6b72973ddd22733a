package main

import (
	"context"
	"encoding/base64"
	"net"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestTokenAndNewlineAndNothingElse(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	got := town.run(t, "token")
	require.Equal(t, exitOK, got.code, got.stderr)
	assert.Empty(t, got.stderr)
	pair := town.issuer.Pairs()[0]
	assert.Equal(t, pair.App+"\n", got.stdout)

	got = town.run(t, "token", "--kind", "tenant")
	assert.Equal(t, result{exitOK, pair.Tenant + "\n", ""}, got)
	assert.Equal(t, 1, town.issuer.Stats().Calls, "the second one read what the first one stored")
}

func TestPrefixesAreApart(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	require.Equal(t, exitOK, town.with("ONETOKEN_PREFIX", "blue").run(t, "token").code)
	for _, key := range town.redis.Keys() {
		assert.True(t, strings.HasPrefix(key, "blue:"), key)
	}
}

func TestWrongSecret(t *testing.T) {
	t.Parallel()
	const wrong = "wr/ng+s=cret~77"
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			town := newTown(t)
			got := town.with("FEISHU_APP_SECRET", wrong).run(t, "token", "--log-level", "debug", "--log-format", format)
			assert.Equal(t, exitRefused, got.code)
			assert.Empty(t, got.stdout)
			assert.Contains(t, got.stderr, "code 10014")
			assert.Contains(t, got.stderr, "app secret invalid")
			assert.Contains(t, got.stderr, "log id ")
			assert.Contains(t, got.stderr, "check app id and app secret")
			for _, secret := range []string{wrong, testSecret, testPassword} {
				assert.NotContains(t, got.stderr, secret)
				assert.NotContains(t, got.stderr, base64.StdEncoding.EncodeToString([]byte(secret)))
				assert.NotContains(t, got.stderr, base64.RawURLEncoding.EncodeToString([]byte(secret)))
				assert.NotContains(t, got.stderr, url.QueryEscape(secret))
				assert.NotContains(t, got.stderr, url.PathEscape(secret))
			}
			again := town.with("FEISHU_APP_SECRET", wrong).run(t, "token")
			assert.Equal(t, exitRefused, again.code)
			assert.NotContains(t, got.stderr, "remembered")
			assert.Contains(t, again.stderr, "remembered from an earlier call, the issuer is asked again in up to 5 min")
			assert.Equal(t, 1, town.issuer.Stats().Refused, "the fleet shares the refusal")
		})
	}
}

func TestRedisDown(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.redis.Close()
	got := town.run(t, "token")
	assert.Equal(t, exitOK, got.code, got.stderr)
	assert.Equal(t, town.issuer.Pairs()[0].App+"\n", got.stdout)
	assert.Equal(t, 1, strings.Count(got.stderr, "\n"), "one line: %s", got.stderr)
	assert.Contains(t, got.stderr, "not shared")
	assert.Contains(t, got.stderr, "REDIS_URL")
	assert.NotContains(t, got.stderr, testPassword)
}

func TestRedisRefusesThePassword(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	got := town.with("REDIS_URL", "redis://:another-password@"+town.redis.Addr()).run(t, "token", "--log-level", "debug")
	assert.Equal(t, exitOK, got.code)
	assert.Contains(t, got.stderr, "WRONGPASS")
	assert.NotContains(t, got.stderr, "another-password")
}

func TestTLSOnOneSide(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	got := town.with("REDIS_URL", "rediss://"+town.redis.Addr()).run(t, "token")
	assert.Equal(t, exitOK, got.code, got.stderr)
	assert.Equal(t, 1, strings.Count(got.stderr, "\n"), "one line: %s", got.stderr)
	assert.Contains(t, got.stderr, "rediss:// needs a port that speaks TLS")
}

func TestUnencryptedIssuer(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	w := town.with("FEISHU_BASE_URL", "http://issuer.invalid", "ONETOKEN_PREFIX", "other")
	got := w.run(t, "token", "--log-format", "json")
	assert.Equal(t, exitFailed, got.code)
	for line := range strings.Lines(got.stderr) {
		assert.True(t, strings.HasPrefix(line, "onetoken: "), line)
	}
	assert.Contains(t, got.stderr, "onetoken: warning: the app secret and tokens travel unencrypted: use https\n")
}

func TestEverythingDown(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.redis.Close()
	got := town.with("FEISHU_BASE_URL", "http://"+nobody(t)).run(t, "token")
	assert.Equal(t, exitFailed, got.code)
	assert.Empty(t, got.stdout)
	assert.Equal(t, 1, strings.Count(got.stderr, "\n"), "one line: %s", got.stderr)
	assert.Contains(t, got.stderr, "FEISHU_BASE_URL")
}

// nobody is an address at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestNoTenantToken(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.issuer.SetFault(feishutest.Answer(200, nil, `{"code":0,"msg":"ok","app_access_token":"a-1","expire":7200}`))
	got := town.run(t, "token", "--kind", "tenant")
	assert.Equal(t, exitFailed, got.code)
	assert.Empty(t, got.stdout)
	assert.Contains(t, got.stderr, "tenant token")
}

// Whoever stops waiting leaves the token behind for the others.
func TestCallIsPublishedBeforeTheExit(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]struct {
		args []string
		ctx  func(context.Context, <-chan struct{}) context.Context
		says string
	}{
		"timeout": {
			args: []string{"--timeout", "30ms"},
			ctx:  func(ctx context.Context, _ <-chan struct{}) context.Context { return ctx },
			says: "no token within 30ms",
		},
		"signal": {
			ctx: func(ctx context.Context, asked <-chan struct{}) context.Context {
				ctx, stop := context.WithCancel(ctx)
				go func() { <-asked; stop() }()
				return ctx
			},
			says: "interrupted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			town := newTown(t)
			asked := make(chan struct{}, 1)
			issuer := feishutest.New(feishutest.Config{
				AppID: "cli_test", AppSecret: testSecret, Latency: 300 * time.Millisecond,
				OnRequest: func() { asked <- struct{}{} },
			})
			web := httptest.NewServer(issuer)
			defer web.Close()
			w := town.with("FEISHU_BASE_URL", web.URL)

			got := w.runUntil(t, stop.ctx(t.Context(), asked), append([]string{"token"}, stop.args...)...)
			assert.Equal(t, exitFailed, got.code)
			assert.Empty(t, got.stdout)
			assert.Contains(t, got.stderr, stop.says)

			got = w.run(t, "token")
			assert.Equal(t, exitOK, got.code, got.stderr)
			assert.Equal(t, 1, issuer.Stats().Calls, "the second one found it in redis")
		})
	}
}
