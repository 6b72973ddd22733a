//go:build unix

package config_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/config"
)

// A pipe that nobody writes to, and a device without an end, hold nobody up.
func TestPipes(t *testing.T) {
	s := newStage(t)
	pipe := filepath.Join(s.dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	const refused = "it is no regular file, but a folder, a pipe or a device"
	for _, name := range []string{"pipe", "/dev/zero", "/dev/null"} {
		told := s.told("credentials: [{name: a, kind: feishu, app_id: cli_1, app_secret_file: " + name + "}]")
		assert.Equal(t, []string{"1:54: credentials[0].app_secret_file: the file cannot be taken: " + refused}, told)
	}
	_, err := config.Read(t.Context(), pipe, s.getenv)
	assert.EqualError(t, err, pipe+": cannot be read: "+refused)
}
