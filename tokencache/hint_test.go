package tokencache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHintsAreReadAsTheyAreWritten(t *testing.T) {
	for _, v := range vectors(t).Vectors {
		kind, about, _ := strings.Cut(v.Events.Token, " ")
		require.Equal(t, eventToken, kind)
		h, ok := parseTokenHint(about)
		require.True(t, ok, v.Name)
		assert.Equal(t, about, h.String())
		more, ok := parseTokenHint(about + " of a later version")
		require.True(t, ok)
		assert.Equal(t, h, more)

		kind, about, _ = strings.Cut(v.Events.Rejection, " ")
		require.Equal(t, eventRejection, kind)
		r, ok := parseRejectionHint(about)
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
		_, ok := parseTokenHint(about)
		assert.False(t, ok, "%q", about)
	}
	for _, about := range []string{"", "f", "f 1", " 1 x", "f 01 x", "f -1 x", "f  x", "f 99999999999999999999 x"} {
		_, ok := parseRejectionHint(about)
		assert.False(t, ok, "%q", about)
	}
	h, ok := parseTokenHint("f 1 2 3 4")
	assert.True(t, ok, "one too large to be carried")
	assert.Empty(t, h.sealed)
}

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
		if h, ok := parseTokenHint(about); ok {
			again, ok := parseTokenHint(h.String())
			require.True(t, ok)
			require.Equal(t, h, again)
			require.LessOrEqual(t, h.left(), h.life)
		}
		if h, ok := parseRejectionHint(about); ok {
			again, ok := parseRejectionHint(h.String())
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

// F59: the subscription of many Sources is cut. Their looks are spread over 2 ms for each of
// them, and those of a few over 5 s.
func TestF59CutOfManySources(t *testing.T) {
	for n, spread := range map[int]time.Duration{10: 5 * time.Second, 10_000: 20 * time.Second} {
		cache := lonelyCache(t)
		latest := time.Duration(0)
		for i := range n {
			s := cache.Source(FetchFunc(MustCredential(CredentialConfig{Issuer: "test", App: fmt.Sprint(i)}), noToken))
			s.state.adopt(adoption{token: NewToken("a", "t", time.Hour), remaining: time.Hour, at: now(), asked: s.state.nextNumber(), own: true})
			s.listener.subscribed(true)
			latest = max(latest, s.state.pacer.hold.wait)
		}
		assert.LessOrEqual(t, latest, spread+time.Millisecond)
		assert.Greater(t, latest, spread/4)
	}
}

// lonelySource is one whose Redis is not to be reached.
func lonelySource(t testing.TB) *Source {
	t.Helper()
	return lonelyCache(t).Source(FetchFunc(MustCredential(CredentialConfig{Issuer: "test"}), noToken))
}

func lonelyCache(t testing.TB) *Cache {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Dialer: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("for the test")
	}})
	cache, err := New(rdb, Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, cache.Close())
		require.NoError(t, rdb.Close())
	})
	return cache
}

func noToken(context.Context) (Token, error) { return Token{}, errors.New("for the test") }
