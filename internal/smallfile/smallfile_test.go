package smallfile_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/smallfile"
)

func TestRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "named")
	_, err := smallfile.Read(path, 1<<10)
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.NotContains(t, err.Error(), "named")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("x", 1<<10)), 0o600))
	text, err := smallfile.Read(path, 1<<10)
	require.NoError(t, err)
	assert.Len(t, text, 1<<10)
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("x", 1<<10+1)), 0o600))
	_, err = smallfile.Read(path, 1<<10)
	assert.EqualError(t, err, "it is larger than 1 KiB")
	_, err = smallfile.Read(filepath.Dir(path), 1<<10)
	assert.ErrorIs(t, err, smallfile.ErrNotRegular)
}

// A read that does not end is left behind.
func TestAside(t *testing.T) {
	t.Parallel()
	text, err := smallfile.Aside(t.Context(), func() (string, error) { return "x", nil })
	require.NoError(t, err)
	assert.Equal(t, "x", text)
	odd := errors.New("odd")
	_, err = smallfile.Aside(t.Context(), func() (string, error) { return "", odd })
	assert.Equal(t, odd, err)

	ctx, stop := context.WithCancel(t.Context())
	hang := make(chan struct{})
	defer close(hang)
	_, err = smallfile.Aside(ctx, func() (string, error) {
		stop()
		<-hang
		return "x", nil
	})
	assert.ErrorIs(t, err, context.Canceled)
	_, err = smallfile.Aside(ctx, func() (string, error) {
		t.Error("it is too late to begin")
		return "x", nil
	})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestCutNewline(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "\n": "", "x": "x", "x\n": "x", "x\r\n": "x", "x\n\n": "x\n", "x\r": "x", "\nx": "\nx"} {
		assert.Equal(t, want, smallfile.CutNewline(text), "%q", text)
	}
}
