package main

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// start runs a command with a standard input of its own, and returns what it came to.
func start(ctx context.Context, w world, stdin io.Reader, args ...string) <-chan result {
	done := make(chan result, 1)
	go func() {
		var stdout, stderr output
		code := run(ctx, args, func(name string) string { return w.env[name] }, stdin, &stdout, &stderr)
		done <- result{code, stdout.String(), stderr.String()}
	}()
	return done
}

// deaf is an address that takes connections and never answers.
func deaf(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// Whatever is silent, a command ends with its --timeout and not with that of a call to the issuer
// (10 s) or of Redis (1 s each), and says who was silent and what to check.
func TestCommandsEndWithTheirTimeout(t *testing.T) {
	t.Parallel()
	const checkIssuer, checkRedis = "check FEISHU_BASE_URL, the proxy and the firewall", "redis timeout: check the load of redis and the network in between (REDIS_URL)"
	silentIssuer := func(town town) world { return town.with("FEISHU_BASE_URL", "http://"+deaf(t)) }
	silentRedis := func(town town) world { return town.with("REDIS_URL", "redis://"+deaf(t)) }
	for name, c := range map[string]struct {
		world func(town) world
		args  []string
		says  string
	}{
		"issuer, token":     {silentIssuer, []string{"token"}, checkIssuer},
		"issuer, as JSON":   {silentIssuer, []string{"token", "--json", "--strict"}, checkIssuer},
		"issuer, refresh":   {silentIssuer, []string{"refresh"}, checkIssuer},
		"redis, token":      {silentRedis, []string{"token"}, checkRedis},
		"redis, refresh":    {silentRedis, []string{"refresh"}, checkRedis},
		"redis, invalidate": {silentRedis, []string{"invalidate"}, checkRedis},
		"redis, refused":    {silentRedis, []string{"invalidate", "-"}, checkRedis},
		"both": {func(town town) world {
			return town.with("REDIS_URL", "redis://"+deaf(t), "FEISHU_BASE_URL", "http://"+deaf(t))
		}, []string{"token"}, checkRedis},
		"redis alone may be asked": {
			func(town town) world { return silentRedis(town).with("ONETOKEN_NO_DIRECT", "true") }, []string{"token"}, checkRedis,
		},
		"redis alone, refresh": {
			func(town town) world { return silentRedis(town).with("ONETOKEN_NO_DIRECT", "true") }, []string{"refresh"}, checkRedis,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			town := newTown(t)
			done := start(t.Context(), c.world(town), strings.NewReader("t-refused"), append(c.args, "--timeout", "300ms")...)
			select {
			case got := <-done:
				assert.Equal(t, exitFailed, got.code)
				assert.Empty(t, got.stdout)
				assert.Contains(t, got.stderr, " within 300ms: ")
				assert.Contains(t, got.stderr, c.says)
				assert.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
			case <-time.After(5 * time.Second):
				assert.Fail(t, "it goes on")
				<-done
			}
			for _, key := range town.redis.Keys() {
				assert.Contains(t, key, ":failure", "no lock is left")
			}
		})
	}
}

// The doctor gives a file that does not end as long as any command without --timeout.
func TestDoctorGivesUpAFileThatDoesNotEnd(t *testing.T) {
	for _, name := range []string{"FEISHU_APP_SECRET", "REDIS_URL"} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			never, end := io.Pipe()
			defer end.Close()
			w := world{env: map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET": testSecret, "REDIS_URL": "redis://127.0.0.1"}}
			got := <-start(t.Context(), w.with(name, "", name+"_FILE", "-"), never, "doctor")
			assert.Equal(t, exitUsage, got.code)
			assert.Contains(t, got.stderr, "onetoken: "+name+"_FILE cannot be read: it did not end in time")
			assert.Equal(t, 15*time.Second, time.Since(begin))
		})
	}
}
