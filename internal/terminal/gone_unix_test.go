//go:build unix

package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGone(t *testing.T) {
	in, out, err := os.Pipe()
	require.NoError(t, err)
	assert.False(t, Gone(out))
	_, err = out.WriteString("unread")
	require.NoError(t, err)
	assert.False(t, Gone(out), "nobody has read yet")
	require.NoError(t, in.Close())
	assert.True(t, Gone(out))
	require.NoError(t, out.Close())
	assert.False(t, Gone(out), "writing says so")

	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	require.NoError(t, err)
	defer file.Close()
	assert.False(t, Gone(file))
	assert.False(t, Gone(&bytes.Buffer{}))
}
