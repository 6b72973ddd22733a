package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// saying is w with something on standard input.
func (w world) saying(stdin string) world { return world{w.env, stdin} }

const (
	saysDropped = "dropped: whoever needs a token next asks the issuer\n"
	saysAnother = "nothing to do: the token that is stored is another\n"
)

// saysNothing of the credential at the base URL.
func (town town) saysNothing() string {
	return "nothing to do: no usable token of cli_test at " + town.env["FEISHU_BASE_URL"] + " is stored; whoever needs one next asks the issuer\n"
}

func TestInvalidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args  []string
		stdin func(app, tenant string) string
		says  string
		calls int // of the next token
	}{
		"what is stored":   {nil, func(string, string) string { return "" }, saysDropped, 2},
		"the app token":    {[]string{"-"}, func(app, _ string) string { return app }, saysDropped, 2},
		"the tenant token": {[]string{"-"}, func(_, tenant string) string { return tenant + "\n" }, saysDropped, 2},
		"by another hand":  {[]string{"-"}, func(app, _ string) string { return app + "\r\n" }, saysDropped, 2},
		"another":          {[]string{"-"}, func(app, _ string) string { return app + "x" }, saysAnother, 1},
		"a part":           {[]string{"-"}, func(app, _ string) string { return app[:5] }, saysAnother, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			town := newTown(t)
			require.Equal(t, exitOK, town.run(t, "token").code)
			pair := town.issuer.Pairs()[0]
			town.issuer.Rotate()
			got := town.saying(c.stdin(pair.App, pair.Tenant)).run(t, append([]string{"invalidate", "--log-level", "debug"}, c.args...)...)
			assert.Equal(t, exitOK, got.code, got.stderr)
			assert.Equal(t, c.says, got.stdout)
			assert.NotContains(t, got.stderr, pair.App)
			assert.NotContains(t, got.stderr, pair.Tenant)
			assert.Equal(t, 1, town.issuer.Stats().Calls, "it does not ask")
			assert.Equal(t, exitOK, town.run(t, "token").code)
			assert.Equal(t, c.calls, town.issuer.Stats().Calls)
		})
	}
}

func TestInvalidateOfNothing(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	assert.Equal(t, result{exitOK, town.saysNothing(), ""}, town.run(t, "invalidate"))
	assert.Equal(t, result{exitOK, town.saysNothing(), ""}, town.saying("t-refused").run(t, "invalidate", "-"))
	assert.Empty(t, town.redis.Keys())
}

// A token that comes back is not dropped again at once.
func TestInvalidateCoolsDown(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	require.Equal(t, exitOK, town.run(t, "token").code)
	require.Equal(t, saysDropped, town.run(t, "invalidate").stdout)
	require.Equal(t, town.saysNothing(), town.run(t, "invalidate").stdout)
	require.Equal(t, exitOK, town.run(t, "token").code, "the issuer hands it out again")
	got := town.run(t, "invalidate")
	assert.Equal(t, exitFailed, got.code)
	assert.Empty(t, got.stdout)
	assert.Regexp(t, `^onetoken: not dropped: this token was rejected moments ago, and the issuer has handed it out again since\. Asking once more would not help yet; .*\n$`, got.stderr)
	assert.Equal(t, exitOK, town.run(t, "status").code)
}

// A token in the arguments is refused, and not told to anybody else.
func TestTokenAsAnArgument(t *testing.T) {
	t.Parallel()
	const token = "t-g1049abc"
	for _, args := range [][]string{{token}, {"-", token}, {token, "-"}, {"-" + token}, {"--" + token}, {"--token", token}, {"--token=" + token}, {"--timeout", token}, {"--timeout=" + token}, {"--log-level", token}, {"--=" + token}, {"---" + token}, {"-h" + token}, {"--help=" + token}} {
		got := newTown(t).run(t, append([]string{"invalidate"}, args...)...)
		assert.Equal(t, exitUsage, got.code)
		assert.Empty(t, got.stdout)
		assert.NotContains(t, got.stderr, "g1049abc")
		assert.Contains(t, got.stderr, "ps shows")
		assert.Equal(t, 1, strings.Count(got.stderr, "\n"))
	}
}

func TestInvalidateReadsStandardInput(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	for name, c := range map[string]struct {
		world world
		says  string
	}{
		"empty":        {town.saying(""), "standard input is empty"},
		"a newline":    {town.saying("\n"), "standard input is empty"},
		"two newlines": {town.saying("t-a\n\n"), "standard input is not one token"},
		"a log":        {town.saying(strings.Repeat("x", maxFile+1)), "the token cannot be read: it is larger than 64 KiB"},
		"the secret":   {town.with("FEISHU_APP_SECRET", "", "FEISHU_APP_SECRET_FILE", "-").saying("secret"), "standard input is taken by FEISHU_APP_SECRET_FILE"},
		"the address":  {town.with("REDIS_URL", "", "REDIS_URL_FILE", "-").saying(town.env["REDIS_URL"]), "standard input is taken by REDIS_URL_FILE"},
		"no variables": {world{}, "FEISHU_APP_ID is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.world.run(t, "invalidate", "-")
			assert.Equal(t, exitUsage, got.code)
			assert.Empty(t, got.stdout)
			assert.Contains(t, got.stderr, "onetoken: ")
			assert.Contains(t, got.stderr, c.says)
		})
	}
}

// Nobody has to end a standard input that was a mistake.
func TestInvalidateIsInterrupted(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	ctx, interrupt := context.WithCancel(t.Context())
	stdin, end := io.Pipe()
	defer end.Close()
	var stdout, stderr output
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"invalidate", "-"}, func(name string) string { return town.env[name] }, stdin, &stdout, &stderr)
	}()
	_, err := end.Write([]byte("t-")) // it reads
	require.NoError(t, err)
	interrupt()
	assert.Equal(t, exitFailed, <-done)
	assert.Equal(t, "onetoken: interrupted before standard input had ended\n", stderr.String())
}

func TestInvalidateInTrouble(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	require.Equal(t, exitOK, town.run(t, "token").code)
	got := town.with("REDIS_URL", "redis://"+nobody(t)).run(t, "invalidate")
	assert.Equal(t, exitFailed, got.code)
	assert.Regexp(t, `^onetoken: redis unreachable: .*\(REDIS_URL\)\n$`, got.stderr)
	assert.Equal(t, town.saysNothing(), town.with("FEISHU_APP_SECRET", "wrong").run(t, "invalidate").stdout, "another credential")

	key := town.key(t, "token")
	town.redis.HSet(key, "sealed", "x")
	assert.Equal(t, town.saysNothing(), town.run(t, "invalidate").stdout)
	town.redis.Del(key)
	_, _ = town.redis.Push(key, "theirs")
	got = town.run(t, "invalidate")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stderr, "WRONGTYPE")
	assert.Equal(t, 1, strings.Count(got.stderr, "\n"))
	assert.Equal(t, 1, town.issuer.Stats().Calls)
}
