package tokencache

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadSeesEverything(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		ctx := t.Context()
		t.Run("nothing", func(t *testing.T) {
			s := next(t)
			v, err := s.read(ctx)
			require.NoError(t, err)
			assert.WithinRange(t, v.now, s.t0, s.t0.Add(s.slack()))
			assert.Nil(t, v.record)
			assert.Empty(t, v.garbled)
			assert.Nil(t, v.failure)
			assert.False(t, v.locked())
			assert.Empty(t, s.dump(), "it writes nothing")
		})
		t.Run("everything", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, time.Hour, "scope", "of a later version")
			s.lock("ours")
			s.mustFail("ours", &IssuerError{Issuer: "x", Class: ClassUnknown, Message: "m"}, 0)
			before := s.dump()
			v, err := s.read(ctx, "all")
			require.NoError(t, err)
			require.NotNil(t, v.record)
			assert.Equal(t, "a1", v.record.token.AppAccessToken())
			assert.Equal(t, "t1", v.record.token.TenantAccessToken())
			assert.Equal(t, 2*time.Hour, v.record.token.life())
			s.lasts(time.Hour, v.record.remaining)
			assert.Equal(t, "them", v.record.fetchedBy)
			brief, err := s.read(ctx)
			require.NoError(t, err)
			require.NotNil(t, brief.record)
			assert.True(t, v.record.token.Equal(brief.record.token))
			assert.Empty(t, brief.record.fetchedBy, "a fill does without")
			s.lasts(time.Minute, v.lockTTL)
			s.lasts(5*time.Second, v.failure.hold)
			if s.m != nil {
				assert.Equal(t, before, s.dump(), "it writes nothing")
			}
		})
		t.Run("F20: nothing has a TTL", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, 0)
			s.failed()
			require.NoError(t, s.rdb.Set(ctx, s.keys.lock(), "x", 0).Err())
			v, err := s.read(ctx)
			require.NoError(t, err)
			assert.Nil(t, v.record)
			assert.Equal(t, "no TTL", v.garbled)
			assert.True(t, v.locked())
			assert.Equal(t, noTTL, v.lockTTL)
			assert.False(t, v.failure.holds())

			require.NoError(t, s.mendLockTTL(ctx, 5*time.Second))
			s.lasts(5*time.Second, s.ttl(s.keys.lock()))
		})
		t.Run("F19: foreign hashes", func(t *testing.T) {
			s := next(t)
			require.NoError(t, s.rdb.HSet(ctx, s.keys.token(), "x", "y").Err())
			require.NoError(t, s.rdb.HSet(ctx, s.keys.failure(), "x", "y").Err())
			v, err := s.read(ctx)
			require.NoError(t, err)
			assert.Nil(t, v.record)
			assert.NotEmpty(t, v.garbled)
			assert.False(t, v.failure.holds())
		})
		t.Run("F18: a lock of another kind", func(t *testing.T) {
			s := next(t)
			require.NoError(t, s.rdb.RPush(ctx, s.keys.lock(), "x").Err())
			_, err := s.read(ctx) // else it would be given a TTL
			assert.ErrorContains(t, err, s.keys.lock())
		})
		t.Run("remaining is counted from before the question", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, time.Hour)
			before := now()
			v, err := s.read(ctx)
			require.NoError(t, err)
			assert.LessOrEqual(t, before.mono, v.at.mono)
			assert.LessOrEqual(t, v.at.mono, now().mono)
		})
	})
}
