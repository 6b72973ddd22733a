package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var listensOn = regexp.MustCompile(`listens on (http://\S+)\n`)

// startIssuer runs the command and returns its URL, and what stops it.
func startIssuer(t *testing.T, w world, args ...string) (at string, stop func() result) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr output
	done := make(chan int, 1)
	go func() {
		args := append([]string{"issuer", "--listen", "127.0.0.1:0"}, args...)
		done <- run(ctx, args, func(name string) string { return w.env[name] }, strings.NewReader(""), &stdout, &stderr)
	}()
	eventually(t, func() bool { return listensOn.MatchString(stderr.String()) })
	return listensOn.FindStringSubmatch(stderr.String())[1], func() result {
		cancel()
		return result{<-done, stdout.String(), stderr.String()}
	}
}

func TestIssuerAsAProcess(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	at, stop := startIssuer(t, town.world, "--log-level", "info")
	w := town.with("FEISHU_BASE_URL", at)

	got := w.run(t, "token")
	require.Equal(t, exitOK, got.code, got.stderr)
	assert.Equal(t, exitRefused, w.with("FEISHU_APP_SECRET", "wrong").run(t, "token").code)

	res, err := http.Get(at + "/_stats")
	require.NoError(t, err)
	stats, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.JSONEq(t, `{"calls":1,"rotations":1,"refused":1}`, string(stats))

	end := stop()
	assert.Equal(t, exitOK, end.code)
	assert.Empty(t, end.stdout)
	assert.Contains(t, end.stderr, "path=/open-apis/auth/v3/app_access_token/internal")
	assert.NotContains(t, end.stderr, testSecret)
	assert.NotContains(t, end.stderr, strings.TrimSpace(got.stdout))
}

func TestIssuerBeginsInTheMiddleOfALife(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	at, stop := startIssuer(t, town.world, "--remaining", "4567s")
	require.Equal(t, exitOK, town.with("FEISHU_BASE_URL", at).run(t, "token").code)
	for _, key := range town.redis.Keys() {
		if strings.HasSuffix(key, ":token") {
			assert.InDelta(t, 4566, town.redis.TTL(key).Seconds(), 1.5)
		}
	}
	assert.Equal(t, exitOK, stop().code)
}

func TestIssuerNeedsACredential(t *testing.T) {
	t.Parallel()
	got := world{}.run(t, "issuer", "--life", "0s")
	assert.Equal(t, exitUsage, got.code)
	for _, name := range []string{"--life", "FEISHU_APP_ID", "FEISHU_APP_SECRET"} {
		assert.Contains(t, got.stderr, "onetoken: "+name)
	}
	for _, sample := range []string{"FEISHU_APP_ID=cli_try", "FEISHU_APP_SECRET=try-secret"} {
		assert.Contains(t, got.stderr, "any will do, e.g. "+sample)
	}
}

func TestIssuerNamesNoSecret(t *testing.T) {
	t.Parallel()
	w := world{}.with("FEISHU_APP_ID", "looks-like-a-secret", "FEISHU_APP_SECRET", "another")
	_, stop := startIssuer(t, w)
	assert.Regexp(t, `^onetoken: issuer listens on http://\S+\n$`, stop().stderr)

	swapped := w.with("FEISHU_APP_SECRET", "cli_test").run(t, "issuer")
	assert.Equal(t, exitUsage, swapped.code)
	assert.Contains(t, swapped.stderr, "look swapped")
	assert.NotContains(t, swapped.stderr, "looks-like-a-secret")
}

func TestIssuerAddressTaken(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	got := town.run(t, "issuer", "--listen", town.redis.Addr())
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stderr, "--listen")
}
