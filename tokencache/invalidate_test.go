package tokencache

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mustInvalidate rejects a1/t1.
func (s *stage) mustInvalidate(nonce string, remaining time.Duration) outcome {
	s.t.Helper()
	out, err := s.invalidate(s.t.Context(), notice{fp: fingerprint("a1", "t1"), nonce: nonce, remaining: remaining})
	require.NoError(s.t, err)
	return out
}

func (s *stage) tombstone() string { return s.keys.rejected + fingerprint("a1", "t1") }

// buried writes the tombstone of a1/t1 as if its rejection had been some time
// ago.
func (s *stage) buried(ago time.Duration, count int, ttl time.Duration) {
	text := fmt.Sprintf("%d %d before dropped", s.now().Add(-ago).UnixMilli(), count)
	require.NoError(s.t, s.rdb.Set(s.t.Context(), s.tombstone(), text, ttl).Err())
}

func TestF31InvalidateCompares(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		t.Run("the stored one", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, time.Hour)
			assert.Equal(t, outcomeDropped, s.mustInvalidate("n", 0))
			assert.False(t, s.exists(s.keys.token))
			s.lasts(time.Hour, s.ttl(s.tombstone()), "as long as the token would have lasted")
		})
		t.Run("a replaced one", func(t *testing.T) {
			s := next(t)
			s.put("a2", "t2", 2*time.Hour, time.Hour)
			assert.Equal(t, outcomeOther, s.mustInvalidate("n", time.Hour))
			assert.Equal(t, "a2", s.holds())
			s.lasts(time.Hour, s.ttl(s.keys.token))
			s.lasts(time.Hour, s.ttl(s.tombstone()), "a slow publish of it may still come")
		})
		t.Run("nothing stored", func(t *testing.T) {
			s := next(t)
			assert.Equal(t, outcomeOther, s.mustInvalidate("n", 0))
			s.lasts(2*time.Minute, s.ttl(s.tombstone()), "longer than the cool-down")
		})
		t.Run("stored without a TTL", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, 0)
			assert.Equal(t, outcomeDropped, s.mustInvalidate("n", 0))
			s.lasts(2*time.Minute, s.ttl(s.tombstone()))
		})
		t.Run("what the caller knows counts if it is more", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, time.Minute)
			s.mustInvalidate("n", 3*time.Hour)
			s.lasts(3*time.Hour, s.ttl(s.tombstone()))
		})
	})
}

func TestF31InvalidateCoolsDown(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		for count, cool := range []time.Duration{
			1: time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 30 * time.Minute, 30 * time.Minute, 50: 30 * time.Minute,
		} {
			if cool == 0 {
				continue
			}
			t.Run(fmt.Sprintf("rejection %d", count), func(t *testing.T) {
				s := next(t)
				s.put("a1", "t1", 2*time.Hour, time.Hour)
				s.buried(cool-5*time.Second, count, time.Hour)
				assert.Equal(t, outcomeCoolDown, s.mustInvalidate("n", 0))
				assert.Equal(t, "a1", s.holds())

				if s.m != nil {
					s.buried(cool-time.Millisecond, count, time.Hour)
					assert.Equal(t, outcomeCoolDown, s.mustInvalidate("n", 0))
				}
				s.buried(cool, count, time.Hour)
				assert.Equal(t, outcomeDropped, s.mustInvalidate("n", 0))
				text, err := s.rdb.Get(t.Context(), s.tombstone()).Result()
				require.NoError(t, err)
				assert.Contains(t, text, fmt.Sprintf(" %d n dropped", count+1))
				assert.GreaterOrEqual(t, s.ttl(s.tombstone()), min(30*time.Minute, 2*cool), "it outlasts the next cool-down")
			})
		}
		t.Run("something else is stored", func(t *testing.T) {
			s := next(t)
			s.put("a2", "t2", 2*time.Hour, time.Hour)
			s.buried(time.Second, 1, time.Hour)
			assert.Equal(t, outcomeOther, s.mustInvalidate("n", 0))
		})
		t.Run("F23: rejected in the future", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, time.Hour)
			s.buried(-time.Hour, 1, time.Hour)
			assert.Equal(t, outcomeDropped, s.mustInvalidate("n", 0), "Redis' clock stepped back: not for an hour")
		})
	})
}

// The issuer keeps handing the same token out, and it keeps being rejected.
func TestF31SameTokenAgainAndAgain(t *testing.T) {
	m, rdb := newMiniredis(t) // it takes two hours
	s := newStage(t, rdb, m, "s")
	offerAgain := func() {
		s.pass(time.Second)
		s.t0 = s.now()
		out, _ := s.mustPublish(offer{token: NewToken("a1", "t1", 2*time.Hour), asked: s.t0, by: "us"})
		require.Equal(t, outcomeStored, out)
	}
	offerAgain()
	dropped := 0
	for i := range 2 * 3600 / 10 {
		if s.mustInvalidate(fmt.Sprint(i), 0) == outcomeDropped {
			dropped++
			offerAgain()
		}
		s.pass(10 * time.Second)
	}
	assert.Equal(t, 8, dropped, "at 0, 1, 3, 7, 15, 31, 61 and 91 min")
}

func TestF21InvalidateReplayed(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		s := next(t)
		s.put("a1", "t1", 2*time.Hour, time.Hour)
		require.Equal(t, outcomeDropped, s.mustInvalidate("n", 0))
		assert.Equal(t, outcomeDropped, s.mustInvalidate("n", 0), "its reply was lost")
		s.put("a1", "t1", 2*time.Hour, time.Hour) // handed out again
		assert.Equal(t, outcomeDropped, s.mustInvalidate("n", 0))
		assert.Equal(t, "a1", s.holds(), "dropped once")
		assert.Equal(t, outcomeCoolDown, s.mustInvalidate("another", 0))

		s = next(t)
		require.Equal(t, outcomeOther, s.mustInvalidate("n", 0))
		s.put("a1", "t1", 2*time.Hour, time.Hour)
		assert.Equal(t, outcomeOther, s.mustInvalidate("n", 0))
	})
}

func TestF39TwoRejectionsAndASlowPublish(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		s := next(t)
		slow := offer{token: NewToken("a1", "t1", 2*time.Hour), asked: s.t0, by: "slow"}
		s.put("a1", "t1", 2*time.Hour, time.Hour)
		require.Equal(t, outcomeDropped, s.mustInvalidate("1", 0))
		out, _ := s.mustPublish(slow)
		assert.Equal(t, outcomeRejected, out)
		require.Equal(t, outcomeOther, s.mustInvalidate("2", 0))
		out, _ = s.mustPublish(slow)
		assert.Equal(t, outcomeRejected, out)
		slow.putBack = true
		out, _ = s.mustPublish(slow)
		assert.Equal(t, outcomeRejected, out, "nor by way of a put-back")
		assert.False(t, s.exists(s.keys.token))
	})
}

// Who rejects a token that is not stored may have got it around Redis. What was
// asked for before that must not bring it back.
func TestF39RejectedAgainWhileItIsNotStored(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		s := next(t)
		s.buried(5*time.Minute, 1, time.Hour)
		require.Equal(t, outcomeOther, s.mustInvalidate("second", 0))
		out, _ := s.mustPublish(offer{token: NewToken("a1", "t1", 2*time.Hour), asked: s.t0.Add(-time.Minute), by: "slow"})
		assert.Equal(t, outcomeRejected, out)
	})
}

func TestInvalidateWithAGarbledTombstone(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		virtual := next(t).m != nil
		for _, text := range []string{
			"", "garbled", "1", "1 2 3", "-1 1 n dropped", "1 -1 n dropped", "99999999999999999999 1 x dropped",
			"1 99999999999999999999 x dropped", "1 0 x dropped", strings.Repeat("9", 400) + " 1 x dropped",
		} {
			if virtual && strings.Contains(text, strings.Repeat("9", 20)) {
				continue // its Lua takes this for no number at all
			}
			t.Run(text[:min(20, len(text))], func(t *testing.T) {
				s := next(t)
				s.put("a1", "t1", 2*time.Hour, time.Hour)
				require.NoError(t, s.rdb.Set(t.Context(), s.tombstone(), text, 0).Err())
				assert.Equal(t, outcomeDropped, s.mustInvalidate("n", 0))
				assert.Positive(t, s.ttl(s.tombstone()), "and it gets a TTL")
			})
		}
	})
}
