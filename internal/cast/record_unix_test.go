//go:build unix

package cast

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRecordsAProgram(t *testing.T) {
	t.Setenv("WHO", "nobody is told")
	frames, err := Record(t.Context(), "/bin/sh", "-c", `stty size; printf 'TERM=%s WHO=%s\n' "$TERM" "$WHO"`)
	require.NoError(t, err)
	assert.Equal(t, []string{"24 80", "TERM=xterm-256color WHO="}, texts(frames[len(frames)-1]))
}

func TestProgramThatFailsIsNoCast(t *testing.T) {
	_, err := Record(t.Context(), "/bin/sh", "-c", "exit 3")
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 3, exit.ExitCode())
	_, err = Record(t.Context(), "/bin/sh", "-c", "printf '\\033[2J'; exec sleep 60")
	assert.ErrorContains(t, err, "the escape", "and nobody waits for the rest")
	_, err = Record(t.Context(), "/nowhere")
	assert.Error(t, err)
}

func TestRecordEndsWithTheContext(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	_, err := Record(ctx, "/bin/sh", "-c", "exec sleep 60")
	assert.Error(t, err)
}
