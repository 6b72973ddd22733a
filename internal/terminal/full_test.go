package terminal

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNoFullScreenWithoutATerminal(t *testing.T) {
	t.Parallel()
	for _, out := range []*os.File{nil, os.Stdin} {
		f, err := OpenFull(out, "dumb")
		require.NoError(t, err)
		assert.Nil(t, f)
	}
	f, err := OpenFull(&bytes.Buffer{}, "xterm")
	require.NoError(t, err)
	assert.Nil(t, f)
}

// A frame is one write, from the top, within the size of the moment, and leaves nothing of the one before.
func TestFullPaintsInOneWrite(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	width, height := 10, 3
	var failing error
	f, err := fullOf(&out, func() (int, int, error) { return width, height, failing })
	require.NoError(t, err)
	assert.Equal(t, enterFull, out.String())
	painted := func(lines ...string) string {
		out.Reset()
		require.NoError(t, f.Paint(lines))
		return out.String()
	}
	assert.Equal(t, "\x1b[?2026h\x1b[H1\x1b[K\r\n2\x1b[K\r\n\x1b[J\x1b[?2026l", painted("1", "2"))
	assert.Equal(t, "\x1b[?2026h\x1b[H1234567890\r\n2\x1b[K\r\n3\x1b[K\x1b[?2026l", painted("12345678901", "2", "3", "4"), "a full line keeps its last character")
	assert.Equal(t, "\x1b[?2026h\x1b[H\x1b[2m1234567890\x1b[0m\r\n\x1b[J\x1b[?2026l", painted("\x1b[2m1234567890\x1b[0m"), "colours have no width")
	width, height = 2, 1
	assert.Equal(t, "\x1b[?2026h\x1b[H12\x1b[?2026l", painted("123", "2"), "the terminal has become smaller")
	failing = errors.New("gone")
	assert.Contains(t, painted(strings.Repeat("x", 200)), strings.Repeat("x", Width)+"\r\n\x1b[J")
	out.Reset()
	require.NoError(t, f.Close())
	assert.Equal(t, leaveFull, out.String())
}
