package terminal

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNoScreenWithoutATerminal(t *testing.T) {
	t.Parallel()
	assert.Nil(t, NewScreen(&bytes.Buffer{}, "xterm", 1, 1))
}

// A picture that shrinks leaves nothing behind, and one that is too tall is cut.
func TestScreenOfChangingHeight(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := ScreenOf(&out, func() (int, int, error) { return Width, 5, nil })
	require.NoError(t, s.Paint([]string{"1", "2", "3"}))
	seen := out.String()
	require.NoError(t, s.Paint([]string{"1"}))
	assert.Equal(t, 3, strings.Count(strings.TrimPrefix(out.String(), seen), text.EraseLine.Sprint()))
	seen = out.String()
	require.NoError(t, s.Paint([]string{"1", "2", "3", "4", "5", "6"}))
	now := strings.TrimPrefix(out.String(), seen)
	assert.Equal(t, 4, strings.Count(now, "\n"))
	assert.Contains(t, now, "(3 more lines)")
}
