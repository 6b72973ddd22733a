//go:build unix

package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// silentPipe is one that nobody writes to.
func silentPipe(t *testing.T) string {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	t.Cleanup(func() { // whoever was left behind ends
		if w, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			_ = w.Close()
		}
	})
	return pipe
}

// awaitEnd is the result, which comes long before anything but the limit that is tested ends.
func awaitEnd(t *testing.T, done <-chan result) result {
	t.Helper()
	select {
	case got := <-done:
		return got
	case <-time.After(10 * time.Second):
		require.Fail(t, "it does not end")
		return result{}
	}
}

// Whatever is read, --timeout has begun before, and a signal ends it.
func TestReadingThatNeverEnds(t *testing.T) {
	t.Parallel()
	complete := world{env: map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET": testSecret}}
	secretOf := func(file string) world { return complete.with("FEISHU_APP_SECRET", "", "FEISHU_APP_SECRET_FILE", file) }
	never := func() io.Reader { // at first somebody holds it open, at last it ends
		r, w := io.Pipe()
		t.Cleanup(func() { _ = w.Close() })
		return r
	}
	for name, c := range map[string]struct {
		world world
		args  []string
		want  string
	}{
		"secret":        {secretOf(silentPipe(t)), []string{"token", "--timeout", "50ms"}, "FEISHU_APP_SECRET_FILE cannot be read: it did not end in time"},
		"redis":         {complete.with("REDIS_URL_FILE", silentPipe(t)), []string{"refresh", "--timeout", "50ms"}, "REDIS_URL_FILE cannot be read: it did not end in time"},
		"stdin":         {secretOf("-"), []string{"token", "--timeout", "50ms"}, "FEISHU_APP_SECRET_FILE cannot be read: it did not end in time"},
		"invalidate":    {complete, []string{"invalidate", "--timeout", "50ms", "-"}, "the token cannot be read: it did not end in time"},
		"first alone":   {secretOf("/dev/null").with("REDIS_URL_FILE", silentPipe(t)), []string{"token", "--timeout", "50ms"}, "REDIS_URL_FILE cannot be read: it did not end in time"},
		"redis's stdin": {complete.with("REDIS_URL_FILE", "-"), []string{"token", "--timeout", "50ms"}, "REDIS_URL_FILE cannot be read: it did not end in time"},
	} {
		t.Run("timeout of "+name, func(t *testing.T) {
			t.Parallel()
			got := awaitEnd(t, start(t.Context(), c.world, never(), c.args...))
			assert.Equal(t, exitUsage, got.code)
			assert.Contains(t, got.stderr, "onetoken: "+c.want)
			assert.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
			assert.Empty(t, got.stdout)
		})
	}
	for name, c := range map[string]struct {
		world world
		args  []string
		want  string
	}{
		"token":              {secretOf(silentPipe(t)), []string{"token"}, "interrupted before the configuration was read"},
		"token's stdin":      {secretOf("-"), []string{"token"}, "interrupted before the configuration was read"},
		"status":             {complete.with("REDIS_URL_FILE", silentPipe(t)), []string{"status"}, "interrupted before the configuration was read"},
		"doctor":             {secretOf(silentPipe(t)), []string{"doctor"}, "interrupted before the configuration was read"},
		"refresher":          {secretOf("-"), []string{"refresher", "--listen", ""}, "interrupted before the configuration was read"},
		"issuer":             {secretOf(silentPipe(t)), []string{"issuer", "--listen", "127.0.0.1:0"}, "interrupted before the configuration was read"},
		"invalidate":         {secretOf(silentPipe(t)), []string{"invalidate"}, "interrupted before the configuration was read"},
		"invalidate's stdin": {complete, []string{"invalidate", "-"}, "interrupted before standard input had ended"},
	} {
		t.Run("signal to "+name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			done := start(ctx, c.world, never(), c.args...)
			cancel()
			got := awaitEnd(t, done)
			assert.Equal(t, exitFailed, got.code)
			assert.Equal(t, "onetoken: "+c.want+"\n", got.stderr)
			assert.Empty(t, got.stdout)
		})
	}
}

// endless is a source that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestDashIsStandardInput(t *testing.T) {
	t.Parallel()
	complete := world{env: map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET": testSecret}}
	for name, c := range map[string]struct {
		world world
		want  string
	}{
		"endless secret": {complete.with("FEISHU_APP_SECRET", "", "FEISHU_APP_SECRET_FILE", "-"), "FEISHU_APP_SECRET_FILE cannot be read: it is larger than 64 KiB"},
		"endless URL":    {complete.with("REDIS_URL_FILE", "-"), "REDIS_URL_FILE cannot be read: it is larger than 64 KiB"},
		"secret":         {complete.with("FEISHU_APP_SECRET", "-"), `FEISHU_APP_SECRET is "-", which is no value: for standard input set FEISHU_APP_SECRET_FILE to it`},
		"URL":            {complete.with("REDIS_URL", "-"), `REDIS_URL is "-", which is no value: for standard input set REDIS_URL_FILE to it`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := awaitEnd(t, start(t.Context(), c.world, endless{}, "token", "--timeout", "8s"))
			assert.Equal(t, exitUsage, got.code)
			assert.Equal(t, "onetoken: "+c.want+"\n", got.stderr)
		})
	}
}

// A file that has become a pipe is no secret, and holds nothing up.
func TestFileThatBecomesAPipeIsToldOnce(t *testing.T) {
	t.Parallel()
	follow(t, "secret", func(t *testing.T, f follower) {
		require.NoError(t, os.Remove(f.file))
		require.NoError(t, syscall.Mkfifo(f.file, 0o600))
		time.Sleep(time.Minute)
		assert.Equal(t, 1, strings.Count(f.log.String(), "it is no regular file any more"), f.log.String())
		require.NoError(t, os.Remove(f.file))
		f.issuer.SetAppSecret("another-secret")
		f.write("another-secret")
		time.Sleep(time.Minute)
		assert.Contains(t, f.log.String(), "the new secret is in use")
	})
}
