package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHintsAreReadAsTheyAreWritten(t *testing.T) {
	for _, v := range vectors(t).Vectors {
		kind, about, _ := strings.Cut(v.Events.Token, " ")
		require.Equal(t, EventToken, kind)
		h, ok := ParseTokenHint(about)
		require.True(t, ok, v.Name)
		assert.Equal(t, about, h.String())
		more, ok := ParseTokenHint(about + " of a later version")
		require.True(t, ok)
		assert.Equal(t, h, more)

		kind, about, _ = strings.Cut(v.Events.Rejection, " ")
		require.Equal(t, EventRejection, kind)
		r, ok := ParseRejectionHint(about)
		require.True(t, ok, v.Name)
		assert.Equal(t, about, r.String())
	}
}

// F45: what is cut, or no number as sealing writes it, is no hint.
func TestF45HintsThatAreNone(t *testing.T) {
	for _, about := range []string{
		"", " ", "f", "f 1 2 3", "f 1 2 3 ", "f 1 2 3 0", "f 1 2 3 -4", "f 01 2 3 4", "f 1 2 +3 4", "f 1  2 3 4",
		" 1 2 3 4", "f 1 2 3 315360000001", "f 1 2 99999999999999999999 4", "f 1 x 3 4",
	} {
		_, ok := ParseTokenHint(about)
		assert.False(t, ok, "%q", about)
	}
	for _, about := range []string{"", "f", "f 1", " 1 x", "f 01 x", "f -1 x", "f  x", "f 99999999999999999999 x"} {
		_, ok := ParseRejectionHint(about)
		assert.False(t, ok, "%q", about)
	}
	h, ok := ParseTokenHint("f 1 2 3 4")
	assert.True(t, ok, "one too large to be carried")
	assert.Empty(t, h.Sealed)
}
