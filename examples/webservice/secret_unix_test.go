//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A pipe that nobody writes to holds the service up neither for ever nor beyond its own end; what
// somebody does write is the secret.
func TestSecretInAPipeIsReadInTime(t *testing.T) {
	pipe := func() (name string, env func(string) string) {
		name = filepath.Join(t.TempDir(), "pipe")
		require.NoError(t, syscall.Mkfifo(name, 0o600))
		return name, getenv(map[string]string{"FEISHU_APP_ID": "cli_test", "FEISHU_APP_SECRET_FILE": name})
	}
	silent, env := pipe()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	_, err := newService(ctx, env)
	require.ErrorContains(t, err, "FEISHU_APP_SECRET_FILE cannot be read: it did not end in time")
	assert.NotContains(t, err.Error(), silent)
	require.NoError(t, os.WriteFile(silent, nil, 0o600), "whoever was left behind ends")

	spoken, env := pipe()
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(spoken, []byte("test-secret\r\n"), 0o600) }()
	s, err := newService(t.Context(), env)
	require.NoError(t, err)
	require.NoError(t, <-written)
	s.close()
}
