package tokencache

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/wire"
)

func TestF31InvalidateCompares(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		t.Run("the stored one", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, time.Hour)
			assert.Equal(t, OutcomeDropped, s.mustInvalidate("n", 0))
			assert.False(t, s.exists(s.keys.token()))
			s.lasts(time.Hour, s.ttl(s.tombstone()), "as long as the token would have lasted")
		})
		t.Run("a replaced one", func(t *testing.T) {
			s := next(t)
			s.put("a2", "t2", 2*time.Hour, time.Hour)
			assert.Equal(t, OutcomeOther, s.mustInvalidate("n", time.Hour))
			assert.Equal(t, "a2", s.holds())
			s.lasts(time.Hour, s.ttl(s.keys.token()))
			s.lasts(time.Hour, s.ttl(s.tombstone()), "a slow publish of it may still come")
		})
		t.Run("nothing stored", func(t *testing.T) {
			s := next(t)
			assert.Equal(t, OutcomeOther, s.mustInvalidate("n", 0))
			s.lasts(2*time.Minute, s.ttl(s.tombstone()), "longer than the cool-down")
		})
		t.Run("stored without a TTL", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, 0)
			assert.Equal(t, OutcomeDropped, s.mustInvalidate("n", 0))
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
				assert.Equal(t, OutcomeCoolDown, s.mustInvalidate("n", 0))
				assert.Equal(t, "a1", s.holds())

				if s.m != nil {
					s.buried(cool-time.Millisecond, count, time.Hour)
					assert.Equal(t, OutcomeCoolDown, s.mustInvalidate("n", 0))
				}
				s.buried(cool, count, time.Hour)
				assert.Equal(t, OutcomeDropped, s.mustInvalidate("n", 0))
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
			assert.Equal(t, OutcomeOther, s.mustInvalidate("n", 0))
		})
		t.Run("F23: rejected in the future", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, time.Hour)
			s.buried(-time.Hour, 1, time.Hour)
			assert.Equal(t, OutcomeDropped, s.mustInvalidate("n", 0), "Redis' clock stepped back: not for an hour")
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
		require.Equal(t, OutcomeStored, out)
	}
	offerAgain()
	dropped := 0
	for i := range 2 * 3600 / 10 {
		if s.mustInvalidate(fmt.Sprint(i), 0) == OutcomeDropped {
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
		require.Equal(t, OutcomeDropped, s.mustInvalidate("n", 0))
		assert.Equal(t, OutcomeDropped, s.mustInvalidate("n", 0), "its reply was lost")
		s.put("a1", "t1", 2*time.Hour, time.Hour) // handed out again
		assert.Equal(t, OutcomeDropped, s.mustInvalidate("n", 0))
		assert.Equal(t, "a1", s.holds(), "dropped once")
		assert.Equal(t, OutcomeCoolDown, s.mustInvalidate("another", 0))

		s = next(t)
		require.Equal(t, OutcomeOther, s.mustInvalidate("n", 0))
		s.put("a1", "t1", 2*time.Hour, time.Hour)
		assert.Equal(t, OutcomeOther, s.mustInvalidate("n", 0))
	})
}

func TestF39TwoRejectionsAndASlowPublish(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		s := next(t)
		slow := offer{token: NewToken("a1", "t1", 2*time.Hour), asked: s.t0, by: "slow"}
		s.put("a1", "t1", 2*time.Hour, time.Hour)
		require.Equal(t, OutcomeDropped, s.mustInvalidate("1", 0))
		out, _ := s.mustPublish(slow)
		assert.Equal(t, OutcomeRejected, out)
		require.Equal(t, OutcomeOther, s.mustInvalidate("2", 0))
		out, _ = s.mustPublish(slow)
		assert.Equal(t, OutcomeRejected, out)
		slow.putBack = true
		out, _ = s.mustPublish(slow)
		assert.Equal(t, OutcomeRejected, out, "nor by way of a put-back")
		assert.False(t, s.exists(s.keys.token()))
	})
}

// Who rejects a token that is not stored may have got it around Redis. What was
// asked for before that must not bring it back.
func TestF39RejectedAgainWhileItIsNotStored(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		s := next(t)
		s.buried(5*time.Minute, 1, time.Hour)
		require.Equal(t, OutcomeOther, s.mustInvalidate("second", 0))
		out, _ := s.mustPublish(offer{token: NewToken("a1", "t1", 2*time.Hour), asked: s.t0.Add(-time.Minute), by: "slow"})
		assert.Equal(t, OutcomeRejected, out)
	})
}

func TestInvalidateWithAGarbledTombstone(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		for _, text := range []string{
			"", "garbled", "1", "1 2 3", "-1 1 n dropped", "1 -1 n dropped", "99999999999999999999 1 x dropped",
			"1 99999999999999999999 x dropped", "1 0 x dropped", strings.Repeat("9", 400) + " 1 x dropped",
			strings.Repeat("9", 400) + " 1 x alone", "1 " + strings.Repeat("9", 400) + " x dropped",
		} {
			t.Run(text[:min(20, len(text))], func(t *testing.T) {
				s := next(t)
				s.put("a1", "t1", 2*time.Hour, time.Hour)
				require.NoError(t, s.rdb.Set(t.Context(), s.tombstone(), text, 0).Err())
				assert.Equal(t, OutcomeDropped, s.mustInvalidate("n", 0))
				assert.Positive(t, s.ttl(s.tombstone()), "and it gets a TTL")
			})
		}
	})
}

func TestF31InvalidateLeavesTheTokenToTheOthers(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		alone := func(t *testing.T) *stage {
			s := next(t)
			require.Equal(t, verdict{out: OutcomeDropped, wait: 0, row: 1}, s.mustReject("a1", "1", "x"))
			require.Equal(t, verdict{out: OutcomeAlone, wait: minHold, row: 2}, s.mustReject("a2", "2", "x"))
			require.Equal(t, "a2", s.holds())
			require.False(t, s.exists(s.keys.failure()))
			return s
		}
		t.Run("another rejects it too", func(t *testing.T) {
			s := alone(t)
			assert.Equal(t, verdict{out: OutcomePaced, wait: minHold, row: 2}, s.mustRejectAgain("a2", "3", "y"))
			assert.Empty(t, s.holds())
			v, err := s.read(t.Context())
			require.NoError(t, err)
			assert.True(t, v.failure.holds())
			assert.Equal(t, verdict{out: OutcomeAlone, wait: 2 * minHold, row: 3}, s.mustReject("a3", "4", "y"), "who may be the only one now")
			assert.Equal(t, OutcomePaced, s.mustReject("a4", "5", "x").out)
		})
		t.Run("the same one, in its wait", func(t *testing.T) {
			s := alone(t)
			if v := s.mustRejectAgain("a2", "3", "x"); s.m != nil {
				assert.Equal(t, verdict{out: OutcomeAlone, wait: minHold, row: 2}, v)
				assert.Equal(t, "a2", s.holds())
			}
		})
		t.Run("the same one, after its wait", func(t *testing.T) {
			s := alone(t)
			require.NoError(t, s.rdb.Set(t.Context(), s.keys.refused(), fmt.Sprintf("2 x %d", s.now().UnixMilli()), time.Minute).Err())
			assert.Equal(t, verdict{out: OutcomeDropped, wait: 0, row: 2}, s.mustRejectAgain("a2", "3", "x"))
			assert.Empty(t, s.holds())
			assert.Equal(t, OutcomeOther, s.mustRejectAgain("a2", "4", "y").out)
			assert.Equal(t, OutcomeAlone, s.mustReject("a3", "5", "x").out)
		})
		t.Run("the row is lost", func(t *testing.T) {
			s := alone(t)
			require.NoError(t, s.rdb.Del(t.Context(), s.keys.refused()).Err())
			assert.Equal(t, OutcomeDropped, s.mustRejectAgain("a2", "3", "x").out)
		})
		t.Run("another, when it has lasted", func(t *testing.T) {
			s := alone(t)
			require.NoError(t, s.rdb.HSet(t.Context(), s.keys.token(), "fetched_at", s.now().Add(-time.Hour).UnixMilli()).Err())
			assert.Equal(t, OutcomeDropped, s.mustRejectAgain("a2", "3", "y").out)
			assert.False(t, s.exists(s.keys.failure()))
		})
		t.Run("handed out again since", func(t *testing.T) {
			s := alone(t)
			require.NoError(t, s.rdb.HSet(t.Context(), s.keys.token(), "checked_at", s.now().Add(time.Second).UnixMilli()).Err())
			for _, by := range []string{"x", "y"} {
				assert.Equal(t, OutcomeCoolDown, s.mustRejectAgain("a2", "3"+by, by).out)
			}
			assert.Equal(t, "a2", s.holds())
		})
		t.Run("its moment has no end", func(t *testing.T) { // somebody has written that
			s := alone(t)
			require.NoError(t, s.rdb.Set(t.Context(), s.keys.rejected(wire.Fingerprint("a2", "t")), strings.Repeat("9", 400)+" 1 n alone", time.Minute).Err())
			s.mustRejectAgain("a2", "3", "x")
			assert.Equal(t, OutcomePaced, s.mustReject("a3", "4", "y").out)
		})
		t.Run("put back by another", func(t *testing.T) {
			s := alone(t)
			require.NoError(t, s.rdb.Del(t.Context(), s.keys.token()).Err())
			o := offer{token: NewToken("a2", "t", 2*time.Hour), asked: s.t0.Add(-30 * time.Second), elapsed: 30 * time.Second, by: "y"}
			out, _ := s.mustPublish(o)
			assert.Equal(t, OutcomeRejected, out, "an answer on its way: whoever asked asks once more")
			o.putBack = true
			out, _ = s.mustPublish(o)
			assert.Equal(t, OutcomeStored, out)
			assert.Equal(t, OutcomePaced, s.mustRejectAgain("a2", "3", "y").out, "it is the same rejection")
			out, _ = s.mustPublish(o)
			assert.Equal(t, OutcomeRejected, out, "everybody's by now")
		})
	})
}

// What others write into the row, or into a failure, does not turn the pace off: fresh tokens
// of several replicas are paced from the second on.
func TestF31ForeignRowOfRejections(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		paced := func(t *testing.T, s *stage) {
			s.mustReject("a1", "1", "x")
			for i, by := range []string{"y", "z", "x"} {
				v := s.mustReject(fmt.Sprint("b", i), fmt.Sprint(i), by)
				assert.Equal(t, OutcomePaced, v.out, by)
				assert.GreaterOrEqual(t, v.wait, minHold)
				assert.LessOrEqual(t, v.wait, 36*time.Second)
				seen, err := s.read(t.Context())
				require.NoError(t, err)
				assert.True(t, seen.failure.holds(), by)
			}
		}
		for _, text := range []string{
			"-1000", "-1", "", "garbled", "nan", "inf", "-inf", "1e400", "0x10", "1.5", " 1", "5", "5 x", "5 x -7", "5  7", "5 x y z",
			"5 y 99999999999999", "30 y 1", "31 y 1", strings.Repeat("9", 400),
			strings.Repeat("9", 5000) + " x y", // a pattern would try to match that for minutes, and Redis stand still
		} {
			t.Run("row "+text[:min(20, len(text))], func(t *testing.T) {
				s := next(t)
				require.NoError(t, s.rdb.Set(t.Context(), s.keys.refused(), text, 0).Err())
				paced(t, s)
				assert.Positive(t, s.ttl(s.keys.refused()), "and it gets a TTL")
			})
		}
		t.Run("a row of another kind", func(t *testing.T) {
			s := next(t)
			s.somethingElse(s.keys.refused())
			paced(t, s)
			theirs, err := s.rdb.LRange(t.Context(), s.keys.refused(), 0, -1).Result()
			require.NoError(t, err)
			assert.Equal(t, []string{"theirs"}, theirs)
		})
		for _, until := range []string{"99999999999999", "-5", "nan", "inf", "", strings.Repeat("9", 400)} {
			t.Run("until "+until[:min(20, len(until))], func(t *testing.T) {
				s := next(t)
				require.NoError(t, s.rdb.HSet(t.Context(), s.keys.failure(), "until", until, "attempts", "-inf").Err())
				paced(t, s)
			})
		}
	})
}

// mustInvalidate rejects a1/t1.
func (s *stage) mustInvalidate(nonce string, remaining time.Duration) Outcome {
	s.t.Helper()
	v, err := s.invalidate(s.t.Context(), notice{fp: wire.Fingerprint("a1", "t1"), nonce: nonce, remaining: remaining})
	require.NoError(s.t, err)
	return v.out
}
