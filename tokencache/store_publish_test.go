package tokencache

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/wire"
)

func TestPublishDecides(t *testing.T) {
	const hour = time.Hour
	putBack := func(s *stage, life, elapsed time.Duration) offer {
		o := s.offered(life, elapsed)
		o.putBack = true
		return o
	}
	slow := func(o offer) offer {
		o.took = 20 * time.Second
		return o
	}
	tests := []struct {
		name    string
		exact   bool // 1 ms counts
		setup   func(s *stage)
		offer   func(s *stage) offer // nil: a2 with a life of 2 h and 1 h of it gone
		want    Outcome
		holds   string        // afterwards
		lasts   time.Duration // of what is held
		life    time.Duration // 0: 2 h
		fetched string        // by; "" for us
	}{
		{name: "nothing stored", want: OutcomeStored, holds: "a2", lasts: hour},
		{
			name: "another, longer", want: OutcomeKept, holds: "a1", lasts: hour + 10*time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour+10*time.Second) },
		},
		{
			name: "another, 1 ms longer", exact: true, want: OutcomeKept, holds: "a1", lasts: hour + time.Millisecond, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour+time.Millisecond) },
		},
		{
			name: "another, as long", exact: true, want: OutcomeKept, holds: "a1", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour) },
		},
		{
			name: "another, 1 ms shorter", exact: true, want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour-time.Millisecond) },
		},
		{
			name: "another, shorter", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour-10*time.Second) },
		},
		{
			name: "F20: another, prolonged by hand", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour, "ends_at", s.endingIn(50*time.Minute)) },
		},
		{
			name: "F20: another, kept by hand past its end", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour, "ends_at", s.endingIn(-time.Second)) },
		},
		{
			name: "another of the same app token", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a2", "t1", 2*hour, hour-10*time.Second) },
		},

		{
			name: "same", want: OutcomeKept, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour) },
		},
		{
			name: "same, 1 s longer", exact: true, want: OutcomeKept, holds: "a2", lasts: hour + time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour+time.Second) },
		},
		{
			name: "same, 1 s shorter", exact: true, want: OutcomeKept, holds: "a2", lasts: hour - time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour-time.Second) },
		},
		{
			name: "F20: same, prolonged by hand, which is mended", want: OutcomeKept, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, 2*hour, "ends_at", s.endingIn(hour)) },
		},
		{
			name: "same, 1.001 s longer: the issuer's newer word", exact: true, want: OutcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour+1001*time.Millisecond) },
		},
		{
			name: "same, 1.001 s shorter: the issuer's newer word", exact: true, want: OutcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour-1001*time.Millisecond) },
		},
		{
			name: "same, half an hour longer", want: OutcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour+hour/2) },
		},
		{
			name: "same, half an hour shorter", want: OutcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour/2) },
		},
		{
			name: "same, asked for by a call that took 20 s: it may last for 20 s longer", want: OutcomeKept, holds: "a2", lasts: hour + 19*time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour+19*time.Second) },
			offer: func(s *stage) offer { return slow(s.offered(2*hour, hour)) },
		},
		{
			name: "F2: same, put back from such a call", want: OutcomeKept, holds: "a2", lasts: hour + 19*time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour+19*time.Second) },
			offer: func(s *stage) offer { return slow(putBack(s, 2*hour, hour)) },
		},
		{
			name: "same, asked for by such a call, and shorter all the same", want: OutcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour+22*time.Second) },
			offer: func(s *stage) offer { return slow(s.offered(2*hour, hour)) },
		},
		{
			name: "same, asked for by such a call, and longer", want: OutcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour-10*time.Second) },
			offer: func(s *stage) offer { return slow(s.offered(2*hour, hour)) },
		},
		{
			name: "F25: same, of a remaining life", want: OutcomeKept, holds: "a2", lasts: 4567 * time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, 4567*time.Second) },
			offer: func(s *stage) offer { return s.offered(4567*time.Second, 0) },
		},
		{
			name: "F25: same, first seen with less life", want: OutcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", hour/2, hour/2) },
		},

		{
			name: "F20: another without a TTL", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 0) },
		},
		{
			name: "F20: same without a TTL", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, 0) },
		},
		{
			name: "F20: another with a TTL beyond its life", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 3*hour) },
		},
		{
			name: "F20: another with a TTL as long as its life", exact: true, want: OutcomeKept, holds: "a1", lasts: 2 * hour, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour) },
		},
		{
			name: "F20: another with a TTL 1 ms beyond its life", exact: true, want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour+time.Millisecond) },
		},
		{
			name: "F20: same with a TTL beyond its life", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, 3*hour) },
		},
		{
			name: "F19: garbled fingerprint", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour, "fingerprint", "0123") },
		},
		{
			name: "F19: our fingerprint on another token", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour, "fingerprint", wire.Fingerprint("a2", "t2")) },
		},
		{
			name: "F19: the seal of another token", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) {
				s.put("a1", "t1", 2*hour, 2*hour, "sealed", s.recordFields("t1", "a1", "7200000")[fieldSealed])
			},
		},
		{
			name: "F19: life a word", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour, "life", "long") },
		},
		{
			name: "F19: life empty", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour, "life", "") },
		},
		{
			name: "F19: a foreign hash", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.rdb.HSet(s.t.Context(), s.keys.token(), "x", "y") },
		},

		{
			name: "rejected before it was asked for", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.bury("a2", "t2", s.t0.Add(-time.Minute)) },
		},
		{
			name: "rejected 1 ms before it was asked for", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.bury("a2", "t2", s.t0.Add(-time.Millisecond)) },
		},
		{
			name: "F39: rejected in the millisecond it was asked for", want: OutcomeRejected,
			setup: func(s *stage) { s.bury("a2", "t2", s.t0) },
		},
		{
			name: "F31: rejected after it was asked for", want: OutcomeRejected, holds: "a1", lasts: hour / 2, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour/2); s.bury("a2", "t2", s.t0.Add(time.Second)) },
		},
		{
			name: "F31: another was rejected", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.bury("a1", "t1", s.t0.Add(time.Second)) },
		},

		{
			name: "put back: nothing stored", want: OutcomeStored, holds: "a2", lasts: hour,
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "put back: it was on its way for an hour, of which its sender knows nothing", want: OutcomeStored, holds: "a2", lasts: hour,
			offer: func(s *stage) offer {
				o := putBack(s, 2*hour, 0)
				o.asked = o.asked.Add(-hour)
				return o
			},
		},
		{
			name: "put back: another, longer", want: OutcomeKept, holds: "a1", lasts: hour + 10*time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour+10*time.Second) },
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "put back: another, shorter", want: OutcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour-10*time.Second) },
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "put back: same, shorter: nothing new to say", want: OutcomeKept, holds: "a2", lasts: hour / 2, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour/2) },
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "put back: same, longer by a later word", want: OutcomeKept, holds: "a2", lasts: hour + hour/2, fetched: "them",
			setup: func(s *stage) {
				s.put("a2", "t2", 2*hour, hour+hour/2, "ends_at", s.endingIn(hour+hour/2), "checked_at", s.endingIn(-30*time.Minute))
			},
			offer: func(s *stage) offer {
				o := putBack(s, 2*hour, hour)
				o.asked = o.asked.Add(-hour)
				return o
			},
		},
		{
			name: "put back: same, longer by an earlier word", want: OutcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) {
				s.put("a2", "t2", 2*hour, hour+hour/2, "ends_at", s.endingIn(hour+hour/2), "checked_at", s.endingIn(-time.Minute))
			},
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "put back: same, longer by a second, which is rounding", want: OutcomeKept, holds: "a2", lasts: hour + time.Second, fetched: "them",
			setup: func(s *stage) {
				s.put("a2", "t2", 2*hour, hour+time.Second, "ends_at", s.endingIn(hour+time.Second), "checked_at", s.endingIn(-time.Minute))
			},
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "F39: put back, and rejected an hour ago", want: OutcomeRejected,
			setup: func(s *stage) { s.bury("a2", "t2", s.t0.Add(-hour)) },
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "F39: put back, with a garbled tombstone", want: OutcomeRejected,
			setup: func(s *stage) {
				s.rdb.Set(s.t.Context(), s.keys.rejected(wire.Fingerprint("a2", "t2")), "garbled", hour)
			},
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},

		{
			name: "F3: expired by our clocks", want: OutcomeExpired,
			offer: func(s *stage) offer { return s.offered(hour, hour) },
		},
		{
			name: "F3: expired by our clocks, another stored", want: OutcomeExpired, holds: "a1", lasts: time.Minute, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, time.Minute) },
			offer: func(s *stage) offer { return s.offered(hour, 3*hour) },
		},
		{
			name: "F3: 1 ms left", exact: true, want: OutcomeStored, holds: "a2", lasts: time.Millisecond, life: hour,
			offer: func(s *stage) offer { return s.offered(hour, hour-time.Millisecond) },
		},
		{
			name: "F3: less than 1 ms left", exact: true, want: OutcomeExpired,
			offer: func(s *stage) offer { return s.offered(hour, hour-1) },
		},
		{
			name: "F3: expired by Redis' clock", want: OutcomeExpired,
			offer: func(s *stage) offer { return s.askedAgo(hour, hour, 0) },
		},
		{
			name: "I1: same, shorter than anybody is handed of its life", want: OutcomeRenewed, holds: "a2", lasts: 8 * time.Second, life: 8 * time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour, "checked_at", s.endingIn(-time.Minute)) },
			offer: func(s *stage) offer { return s.offered(8*time.Second, 0) },
		},
		{
			name: "I1: same, shorter than that by rounding", want: OutcomeKept, holds: "a2", lasts: 8 * time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, 8*time.Second, "checked_at", s.endingIn(-time.Minute)) },
			offer: func(s *stage) offer { return s.offered(7500*time.Millisecond, 0) },
		},
		{
			name: "I1: same, over by a later word", want: OutcomeRenewed,
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour, "checked_at", s.endingIn(-time.Minute)) },
			offer: func(s *stage) offer { return s.offered(2*time.Second, 3*time.Second) },
		},
		{
			name: "I1: same, over by an earlier word", want: OutcomeExpired, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour, "checked_at", s.endingIn(-time.Second)) },
			offer: func(s *stage) offer { return s.askedAgo(time.Minute, 2*time.Second, 3*time.Second) },
		},
		{
			name: "I1: same, over by a later word, of one that was rejected since", want: OutcomeExpired, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) {
				s.put("a2", "t2", 2*hour, hour, "checked_at", s.endingIn(-time.Minute))
				s.bury("a2", "t2", s.t0.Add(time.Second))
			},
			offer: func(s *stage) offer { return s.offered(2*time.Second, 3*time.Second) },
		},
		{
			name: "I1: put back: same, over by a later word", want: OutcomeRenewed,
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour, "checked_at", s.endingIn(-time.Minute)) },
			offer: func(s *stage) offer { return putBack(s, 2*time.Second, 3*time.Second) },
		},
		{
			name: "F23: Redis' clock jumped forward by 10 min", want: OutcomeStored, holds: "a2", lasts: hour + 50*time.Minute,
			offer: func(s *stage) offer { return s.askedAgo(10*time.Minute, 2*hour, 130*time.Millisecond) },
		},
		{
			name: "F23: Redis' clock stepped back by 10 min", want: OutcomeStored, holds: "a2", lasts: 2*hour - 130*time.Millisecond,
			offer: func(s *stage) offer { return s.askedAgo(-10*time.Minute, 2*hour, 130*time.Millisecond) },
		},
		{
			name: "F23: our clock went back", want: OutcomeStored, holds: "a2", lasts: 2 * hour,
			offer: func(s *stage) offer { return s.offered(2*hour, -time.Minute) },
		},
	}
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		virtual := next(t).m != nil
		for _, test := range tests {
			if test.exact && !virtual {
				continue // a real server's clock does not stand still
			}
			t.Run(test.name, func(t *testing.T) {
				s := next(t)
				if test.setup != nil {
					test.setup(s)
				}
				o := s.offered(2*hour, hour)
				if test.offer != nil {
					o = test.offer(s)
				}
				out, stored := s.mustPublish(o)
				assert.Equal(t, test.want, out)
				if test.holds == "" {
					s.over(stored)
				}
				assert.Equal(t, test.holds, s.holds())
				if out == OutcomeExpired || out == OutcomeRejected {
					assert.Nil(t, stored, "they come alone")
				}
				if test.holds == "" {
					return
				}
				s.lasts(test.lasts, s.ttl(s.keys.token()))
				v, err := s.read(t.Context(), "all")
				require.NoError(t, err)
				require.NotNil(t, v.record, v.garbled)
				assert.Equal(t, cmp.Or(test.life, 2*hour), v.record.token.life())
				assert.Equal(t, cmp.Or(test.fetched, "us"), v.record.fetchedBy)
				if stored == nil {
					return
				}
				assert.True(t, stored.token.Equal(v.record.token))
				assert.Equal(t, v.record.token.life(), stored.token.life())
				s.lasts(test.lasts, stored.remaining)
			})
		}
	})
}

// F19: what stands where a number should is none, though Lua reads some of it as one. A "nan",
// above all, is neither before nor after anything: it would keep the issuer's word on the stored
// token out for as long as that lives, and each replica would ask for itself.
func TestF19NumbersThatAreNone(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		for _, forged := range []string{"nan", "-nan", "inf", "-inf", "0x1", " 5 ", "-5", "1.5", "1e400", strings.Repeat("9", 400), ""} {
			s := next(t)
			s.put("a2", "t2", 2*time.Hour, time.Hour, "checked_at", forged, "fetched_at", forged)
			out, stored := s.mustPublish(s.offered(30*time.Minute, 0))
			assert.Equal(t, OutcomeRenewed, out, "checked_at %q", forged)
			require.NotNil(t, stored)
			s.lasts(s.slack(), stored.checked, forged)

			s.lock("ours")
			refused := &IssuerError{Class: ClassPermanent}
			_, err := s.fail(t.Context(), "ours", refused, 0, replica{"us", "us"})
			require.NoError(t, err)
			require.NoError(t, s.rdb.HSet(t.Context(), s.keys.failure(), "until", forged).Err())
			_, err = s.fail(t.Context(), "ours", refused, 0, replica{"us", "us"})
			assert.NoError(t, err, "until %q, and the script sent again", forged)
		}
	})
}

// F22, F57: Redis' clock goes back after a rejection. What is asked for since then is later than that,
// though the tombstone says otherwise; what was asked for before is not.
func TestF22TombstoneAheadOfTheClock(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		for _, step := range []time.Duration{2 * time.Second, 90 * time.Second, time.Hour} {
			for name, c := range map[string]struct {
				asked, elapsed time.Duration // asked: ahead of the clock as it is now
				putBack        bool
				want           Outcome
			}{
				"asked since":               {-130 * time.Millisecond, 130 * time.Millisecond, false, OutcomeStored},
				"asked before, slowly":      {step - 20*time.Second, 20 * time.Second, false, OutcomeRejected},
				"asked before, just now":    {step - time.Second, time.Second, false, OutcomeRejected},
				"put back, whenever it was": {-130 * time.Millisecond, 130 * time.Millisecond, true, OutcomeRejected},
			} {
				s := next(t)
				s.bury("a2", "t2", s.t0.Add(step-100*time.Millisecond))
				o := s.offered(2*time.Hour, c.elapsed)
				o.asked, o.putBack = o.asked.Add(c.asked), c.putBack
				out, _ := s.mustPublish(o)
				assert.Equal(t, c.want, out, "%s, %v", name, step)
			}
		}
	})
}

// F22, F57: Redis' clock goes back, by more than the call takes, while a call is under way. What was rejected since is rejected, and
// a later word of the issuer's on the token is the later one, though the time of asking, by the
// clock of before, seems to come after either.
func TestF22ClockGoesBackDuringACall(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		const elapsed, left = 10 * time.Second, 20 * time.Minute
		for _, step := range []time.Duration{0, 11 * time.Second, 90 * time.Second, time.Hour} {
			for since, want := range map[time.Duration][2]Outcome{
				5 * time.Second:  {OutcomeRejected, OutcomeKept},
				15 * time.Second: {OutcomeStored, OutcomeRenewed},
			} {
				s := next(t)
				s.bury("a2", "t2", s.t0.Add(-since))
				out, _ := s.mustPublish(s.askedAgo(elapsed-step, 2*time.Hour, elapsed))
				assert.Equal(t, want[0], out, "rejected %v ago, the clock %v back", since, step)

				s = next(t)
				s.put("a2", "t2", 2*time.Hour, left, "checked_at", s.endingIn(-since), "ends_at", s.endingIn(left))
				out, stored := s.mustPublish(s.askedAgo(elapsed-step, 2*time.Hour, elapsed))
				assert.Equal(t, want[1], out, "the last word %v ago, the clock %v back", since, step)
				if out == OutcomeKept {
					assert.LessOrEqual(t, stored.remaining, left)
				}
			}
		}
	})
}

// F57: a token that was asked for by a clock ahead of the one that stores it, after a failover, was
// asked for as long ago as that took: not just now, or a rejection since then would be forgotten.
func TestF57AskedByAnotherClock(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		for _, ahead := range []time.Duration{time.Second, time.Hour} {
			s := next(t)
			o := s.offered(2*time.Hour, 10*time.Second)
			o.asked = o.asked.Add(ahead)
			out, stored := s.mustPublish(o)
			require.Equal(t, OutcomeStored, out)
			s.lasts(10*time.Second, stored.checked)
		}
	})
}

// What is published long after the issuer has answered says when that was: a holder of the lock
// may be stopped in between.
func TestPublishTellsWhenTheIssuerAnswered(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		for _, back := range []bool{false, true} {
			s := next(t)
			o := s.offered(2*time.Hour, 30*time.Second)
			o.asked, o.took, o.putBack = o.asked.Add(-30*time.Second), 4*time.Second, back
			_, stored := s.mustPublish(o)
			assert.WithinDuration(t, o.asked.Add(4*time.Second), stored.fetchedAt, time.Millisecond)
		}
	})
}
