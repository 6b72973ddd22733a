package tokencache

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPublishTouchesOnlyWhatItMust(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		ctx := t.Context()
		t.Run("a good answer ends the failures", func(t *testing.T) {
			s := next(t)
			s.failed()
			s.mustPublish(s.offered(time.Hour, 0))
			assert.False(t, s.exists(s.keys.failure()))
		})
		t.Run("a good answer that is kept out, too", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, 2*time.Hour)
			s.failed()
			out, _ := s.mustPublish(s.offered(time.Hour, 0))
			require.Equal(t, OutcomeKept, out)
			assert.False(t, s.exists(s.keys.failure()))
		})
		t.Run("a put-back says nothing of failures", func(t *testing.T) {
			for _, stored := range []bool{true, false} {
				s := next(t)
				s.failed()
				if stored {
					s.put("a1", "t1", 2*time.Hour, 2*time.Hour)
				}
				o := s.offered(time.Hour, 0)
				o.putBack = true
				s.mustPublish(o)
				assert.True(t, s.exists(s.keys.failure()))
			}
		})
		t.Run("nor does what is expired or rejected", func(t *testing.T) {
			s := next(t)
			s.failed()
			s.mustPublish(s.offered(time.Hour, time.Hour))
			s.bury("a2", "t2", s.t0)
			s.mustPublish(s.offered(time.Hour, 0))
			assert.True(t, s.exists(s.keys.failure()))
		})
		t.Run("F19: foreign fields go with the token they stood by", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, time.Minute, "note", "of a person", "scope", "of a1")
			s.mustPublish(s.offered(time.Hour, 0))
			assert.ElementsMatch(t, []string{
				"sealed", "fingerprint", "life", "sum", "stored_at", "fetched_by", "fetched_at", "checked_at", "ends_at", "window", "issuer_url",
			}, slices.Collect(maps.Keys(s.fields())))
		})
		t.Run("F33: fields of a later version stay with their token", func(t *testing.T) {
			for _, ttl := range []time.Duration{time.Hour, time.Minute} { // kept, renewed
				s := next(t)
				s.put("a2", "t2", 2*time.Hour, ttl, "scope", "of a2")
				s.mustPublish(s.offered(time.Hour, 0))
				assert.Equal(t, "of a2", s.fields()["scope"])
			}
		})
		t.Run("when the token was fetched and checked", func(t *testing.T) {
			s := next(t)
			s.put("a2", "t2", 2*time.Hour, time.Hour)
			s.mustPublish(s.offered(time.Hour, 0))
			v, err := s.read(ctx, "all")
			require.NoError(t, err)
			assert.Equal(t, time.UnixMilli(1), v.record.fetchedAt, "by them")
			s.lasts(s.slack(), v.record.checked, "just now")

			s.mustPublish(offer{token: NewToken("a3", "t3", 2*time.Hour), asked: s.t0, by: "us"})
			v, err = s.read(ctx, "all")
			require.NoError(t, err)
			assert.WithinRange(t, v.record.fetchedAt, s.t0, s.t0.Add(s.slack()))
		})
		t.Run("nothing but its own keys", func(t *testing.T) {
			s, other := next(t), next(t)
			other.put("a1", "t1", time.Hour, time.Minute)
			other.failed()
			before := other.dump()
			s.mustPublish(s.offered(time.Hour, 0))
			assert.Equal(t, slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(other.dump())))
			assert.Equal(t, "a1", other.holds())
		})
		t.Run("awkward tokens", func(t *testing.T) {
			for _, pair := range [][2]string{
				{"a", ""}, {"ü\x00\n\xff", "t"}, {strings.Repeat("j", 4096), strings.Repeat("w", 4096)}, {"nil", "false"}, {"1e3", "0x10"}, {"%d{1}", "KEYS[1]"},
			} {
				s := next(t)
				tok := NewToken(pair[0], pair[1], time.Hour)
				out, stored := s.mustPublish(offer{token: tok, asked: s.t0, by: "host {1} %s"})
				assert.Equal(t, OutcomeStored, out)
				require.NotNil(t, stored)
				assert.True(t, tok.Equal(stored.token))
				out, _ = s.mustPublish(offer{token: tok, asked: s.t0.Add(time.Minute), by: "x"})
				assert.Equal(t, OutcomeKept, out, "%q is the same", pair)
			}
		})
	})
}
