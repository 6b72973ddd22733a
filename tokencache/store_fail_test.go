package tokencache

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestF12FailIsForTheHolderOnly(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		e := &IssuerError{Issuer: "x", Message: "m"}
		s := next(t)
		assert.Zero(t, s.mustFail("ours", e, 0), "nobody holds it")
		assert.Nil(t, s.known())
		s.lock("theirs")
		assert.Zero(t, s.mustFail("ours", e, 0), "a successor does")
		assert.Nil(t, s.known())
		s.lock("ours")
		assert.Equal(t, 250*time.Millisecond, s.mustFail("ours", e, 0))
		assert.NotNil(t, s.known())
	})
}

func TestF12FailTellsTheFleet(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		s := next(t)
		s.lock("ours")
		e := &IssuerError{
			Issuer: "feishu", Code: 10014, Status: 200, Message: "app secret invalid\nü", LogID: "log-1",
			Class: ClassPermanent, Advice: "check %s {1}",
		}
		assert.Equal(t, time.Minute, s.mustFail("ours", e, 0))
		f := s.known()
		require.NotNil(t, f)
		e.Message = "app secret invalid ü" // one line, whoever wrote it
		assert.Equal(t, e, f.err)
		assert.Equal(t, "us", f.by)
		assert.Equal(t, 1, f.attempts)
		s.lasts(time.Minute, f.hold)
		s.lasts(11*time.Minute, s.ttl(s.keys.failure()), "attempts are remembered for longer")
	})
}

func TestFailDoubles(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		for _, test := range []struct {
			name string
			err  IssuerError
			want []time.Duration
		}{
			{"transient", IssuerError{}, []time.Duration{
				250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second,
				8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second,
			}},
			{"unknown", IssuerError{Class: ClassUnknown}, []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute}},
			{"permanent", IssuerError{Class: ClassPermanent}, []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute}},
			{"quota", IssuerError{Class: ClassQuota}, []time.Duration{5 * time.Minute, 5 * time.Minute}},
			{"F29: told 7 s", IssuerError{Class: ClassRateLimited, RetryAfter: 7 * time.Second}, []time.Duration{7 * time.Second, 7 * time.Second, 7 * time.Second}},
			{"F29: told 1 ns", IssuerError{Class: ClassRateLimited, RetryAfter: 1}, []time.Duration{250 * time.Millisecond}},
			{"F29: told a day", IssuerError{Class: ClassRateLimited, RetryAfter: 24 * time.Hour}, []time.Duration{5 * time.Minute}},
			{"F29: told less than nothing", IssuerError{Class: ClassRateLimited, RetryAfter: -1}, []time.Duration{time.Second, 2 * time.Second}},
		} {
			t.Run(test.name, func(t *testing.T) {
				s := next(t)
				for i, want := range test.want {
					value := strconv.Itoa(i) // every holder has one of its own
					s.lock(value)
					assert.Equal(t, want, s.mustFail(value, &test.err, 0), "attempt %d", i+1)
					assert.Equal(t, i+1, s.known().attempts)
				}
			})
		}
	})
}

func TestFailDrawsAFifthAtMost(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		for _, test := range []struct {
			draw float64
			want time.Duration
		}{
			{0, 5 * time.Second}, {0.5, 5500 * time.Millisecond}, {almost1, 5999 * time.Millisecond},
		} {
			s := next(t)
			s.lock("ours")
			assert.Equal(t, test.want, s.mustFail("ours", &IssuerError{Class: ClassUnknown}, test.draw))
		}
		s := next(t)
		s.lock("ours")
		assert.Equal(t, maxHold, s.mustFail("ours", &IssuerError{Class: ClassQuota}, almost1), "nothing holds longer")
		assert.True(t, s.known().holds())
	})
}

func TestF41LocalTroubleHoldsOthersBriefly(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		local := &IssuerError{Class: ClassPermanent, Local: true}
		s := next(t)
		s.lock("1")
		assert.Equal(t, time.Second, s.mustFail("1", local, 0))
		assert.Zero(t, s.known().attempts, "not counted")
		assert.True(t, s.known().err.Local)

		for i := range 4 {
			s.lock(strconv.Itoa(i))
			s.mustFail(strconv.Itoa(i), &IssuerError{Class: ClassUnknown}, 0)
		}
		s.lock("5")
		assert.Equal(t, time.Second, s.mustFail("5", local, 0), "whatever went before")
		assert.Equal(t, 4, s.known().attempts)

		s = next(t)
		for i := range 9 { // one replica, again and again
			s.lock(strconv.Itoa(i))
			assert.Equal(t, time.Second, s.mustFail(strconv.Itoa(i), &IssuerError{Local: true}, almost1))
		}
	})
}

// Nobody gets through: that is no trouble of one replica any more.
func TestF41LocalTroubleOfEverybody(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		s := next(t)
		for i, want := range []time.Duration{1, 1, 1, 2, 4, 8, 16, 30, 30} {
			by := strconv.Itoa(i)
			s.lock(by)
			hold, err := s.fail(t.Context(), by, &IssuerError{Local: true}, 0, replica{"one name", by})
			require.NoError(t, err)
			assert.Equal(t, want*time.Second, hold, "replica %d in a row", i+1)
		}
		s.lock("answered")
		s.mustFail("answered", &IssuerError{}, 0)
		s.lock("again")
		assert.Equal(t, time.Second, s.mustFail("again", &IssuerError{Local: true}, 0), "somebody got through")
	})
}

func TestF21FailReplayed(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		s := next(t)
		s.lock("1")
		s.mustFail("1", &IssuerError{Class: ClassPermanent}, 0)
		s.lock("2")
		first := s.mustFail("2", &IssuerError{Class: ClassPermanent}, 0)
		before := s.dump()
		again := s.mustFail("2", &IssuerError{Class: ClassPermanent}, 0.9)
		s.lasts(first, again)
		assert.Equal(t, 2, s.known().attempts)
		if s.m != nil {
			assert.Equal(t, before, s.dump())
			s.pass(30 * time.Second)
			assert.Equal(t, first-30*time.Second, s.mustFail("2", &IssuerError{}, 0), "what is left of it")
		}
	})
}

func TestF20FailWithAGarbledFailure(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		for _, attempts := range []string{"", "many", "-3", "1e300", "-1e300", "999999999999999999999", "nan", "inf", "-inf", "0x10", "1.5", " 2 "} {
			t.Run(strconv.Quote(attempts), func(t *testing.T) {
				s := next(t)
				require.NoError(t, s.rdb.HSet(t.Context(), s.keys.failure(), "attempts", attempts, "until", "garbled", "nonce", "x").Err())
				s.lock("ours")
				hold := s.mustFail("ours", &IssuerError{}, almost1)
				assert.GreaterOrEqual(t, hold, minHold)
				assert.LessOrEqual(t, hold, 36*time.Second)
				s.lasts(hold+10*time.Minute, s.ttl(s.keys.failure()), "and it gets a TTL")
				assert.True(t, s.known().holds())
			})
		}
	})
}

// What others write instead of a count does not have the waits start below the first.
func TestF20FailDoublesAfterAGarbledFailure(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		for _, count := range []string{"", "many", "-1000", "-1e300", "nan", "inf", "-inf", "0x10", "1.5"} {
			t.Run(strconv.Quote(count), func(t *testing.T) {
				s := next(t)
				require.NoError(t, s.rdb.HSet(t.Context(), s.keys.failure(), "attempts", count, "shut_out", count).Err())
				for i, want := range []time.Duration{1, 1, 1, 2, 4} {
					by := strconv.Itoa(i)
					s.lock(by)
					hold, err := s.fail(t.Context(), by, &IssuerError{Local: true}, 0, replica{"one name", by})
					require.NoError(t, err)
					assert.Equal(t, want*time.Second, hold, "replica %d in a row", i+1)
				}
				for i, want := range []time.Duration{250, 500, 1000, 2000} {
					by := strconv.Itoa(10 + i)
					s.lock(by)
					assert.Equal(t, want*time.Millisecond, s.mustFail(by, &IssuerError{}, 0), "failure %d in a row", i+1)
				}
			})
		}
	})
}

func TestF20FailReplayedOnAGarbledFailure(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		s := next(t)
		require.NoError(t, s.rdb.HSet(t.Context(), s.keys.failure(), "nonce", "ours").Err())
		s.lock("ours")
		assert.Zero(t, s.mustFail("ours", &IssuerError{}, 0))
	})
}

func (s *stage) known() *failure {
	s.t.Helper()
	v, err := s.read(s.t.Context())
	require.NoError(s.t, err)
	return v.failure
}
