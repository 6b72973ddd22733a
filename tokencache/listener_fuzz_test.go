package tokencache

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// FuzzEvent: whatever arrives, a Source without a copy has one afterwards only if that was
// sealed with its key and is of now; and it is never left without one by who has no key.
func FuzzEvent(f *testing.F) {
	id := func(n int) string { return strings.Repeat("x", n) }
	f.Add("T", "f 1 2 3 4 "+id(60), int64(5))
	f.Add("T", "f 1700000000000 1700000000000 1700007200000 7200000 "+id(100), int64(0))
	f.Add("I", "f 1700000000000 "+id(38), int64(-3))
	f.Add("F", "", int64(1))
	f.Add("G", "x", int64(1))
	f.Add("", "", int64(1))
	f.Add("\x00", "\xff", int64(1<<62))
	f.Fuzz(func(t *testing.T, kind, about string, ahead int64) {
		if h, ok := wire.ParseTokenHint(about); ok {
			again, ok := wire.ParseTokenHint(h.String())
			require.True(t, ok)
			require.Equal(t, h, again)
			require.LessOrEqual(t, h.Left(), h.Life)
		}
		if h, ok := wire.ParseRejectionHint(about); ok {
			again, ok := wire.ParseRejectionHint(h.String())
			require.True(t, ok)
			require.Equal(t, h, again)
		}
		s := lonelySource(t)
		redis := time.UnixMilli(1_700_000_000_000)
		s.state.shelf.anchor = s.state.shelf.anchor.next(now(), redis.Add(-time.Duration(ahead)))
		s.listener.heard(kind, about)
		require.Nil(t, s.copy.Load(), "nobody has sealed that")

		tok := NewToken("a", "t", time.Hour)
		s.state.adopt(adoption{token: tok, remaining: time.Hour, at: now(), asked: s.state.nextNumber(), own: true})
		s.listener.heard(kind, about)
		c := s.state.usable()
		require.NotNil(t, c)
		require.True(t, c.token.Equal(tok))
	})
}
