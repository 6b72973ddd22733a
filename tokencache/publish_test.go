package tokencache

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPublishDecides(t *testing.T) {
	const hour = time.Hour
	putBack := func(s *stage, life, elapsed time.Duration) offer {
		o := s.offered(life, elapsed)
		o.putBack = true
		return o
	}
	tests := []struct {
		name    string
		exact   bool // 1 ms counts
		setup   func(s *stage)
		offer   func(s *stage) offer // nil: a2 with a life of 2 h and 1 h of it gone
		want    outcome
		holds   string        // afterwards
		lasts   time.Duration // of what is held
		life    time.Duration // 0: 2 h
		fetched string        // by; "" for us
	}{
		{name: "nothing stored", want: outcomeStored, holds: "a2", lasts: hour},
		{
			name: "another, longer", want: outcomeKept, holds: "a1", lasts: hour + 10*time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour+10*time.Second) },
		},
		{
			name: "another, 1 ms longer", exact: true, want: outcomeKept, holds: "a1", lasts: hour + time.Millisecond, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour+time.Millisecond) },
		},
		{
			name: "another, as long", exact: true, want: outcomeKept, holds: "a1", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour) },
		},
		{
			name: "another, 1 ms shorter", exact: true, want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour-time.Millisecond) },
		},
		{
			name: "another, shorter", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour-10*time.Second) },
		},
		{
			name: "F20: another, prolonged by hand", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour, "ends_at", s.endingIn(50*time.Minute)) },
		},
		{
			name: "F20: another, kept by hand past its end", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour, "ends_at", s.endingIn(-time.Second)) },
		},
		{
			name: "another of the same app token", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a2", "t1", 2*hour, hour-10*time.Second) },
		},

		{
			name: "same", want: outcomeKept, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour) },
		},
		{
			name: "same, 1 s longer", exact: true, want: outcomeKept, holds: "a2", lasts: hour + time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour+time.Second) },
		},
		{
			name: "same, 1 s shorter", exact: true, want: outcomeKept, holds: "a2", lasts: hour - time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour-time.Second) },
		},
		{
			name: "F20: same, prolonged by hand, which is mended", want: outcomeKept, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, 2*hour, "ends_at", s.endingIn(hour)) },
		},
		{
			name: "same, 1.001 s longer: the issuer's newer word", exact: true, want: outcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour+1001*time.Millisecond) },
		},
		{
			name: "same, 1.001 s shorter: the issuer's newer word", exact: true, want: outcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour-1001*time.Millisecond) },
		},
		{
			name: "same, half an hour longer", want: outcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour+hour/2) },
		},
		{
			name: "same, half an hour shorter", want: outcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour/2) },
		},
		{
			name: "F25: same, of a remaining life", want: outcomeKept, holds: "a2", lasts: 4567 * time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, 4567*time.Second) },
			offer: func(s *stage) offer { return s.offered(4567*time.Second, 0) },
		},
		{
			name: "F25: same, first seen with less life", want: outcomeRenewed, holds: "a2", lasts: hour, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", hour/2, hour/2) },
		},

		{
			name: "F20: another without a TTL", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 0) },
		},
		{
			name: "F20: same without a TTL", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, 0) },
		},
		{
			name: "F20: another with a TTL beyond its life", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 3*hour) },
		},
		{
			name: "F20: another with a TTL as long as its life", exact: true, want: outcomeKept, holds: "a1", lasts: 2 * hour, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour) },
		},
		{
			name: "F20: another with a TTL 1 ms beyond its life", exact: true, want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour+time.Millisecond) },
		},
		{
			name: "F20: same with a TTL beyond its life", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, 3*hour) },
		},
		{
			name: "F19: garbled fingerprint", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour, "fingerprint", "0123") },
		},
		{
			name: "F19: our fingerprint on another token", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour, "fingerprint", fingerprint("a2", "t2")) },
		},
		{
			name: "F19: swapped tokens", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) {
				s.put("a1", "t1", 2*hour, 2*hour, "app_access_token", "t1", "tenant_access_token", "a1")
			},
		},
		{
			name: "F19: life a word", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour, "life", "long") },
		},
		{
			name: "F19: life empty", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, 2*hour, "life", "") },
		},
		{
			name: "F19: a foreign hash", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.rdb.HSet(s.t.Context(), s.keys.token, "x", "y") },
		},

		{
			name: "rejected before it was asked for", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.bury("a2", "t2", s.t0.Add(-time.Minute)) },
		},
		{
			name: "rejected 1 ms before it was asked for", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.bury("a2", "t2", s.t0.Add(-time.Millisecond)) },
		},
		{
			name: "F39: rejected in the millisecond it was asked for", want: outcomeRejected,
			setup: func(s *stage) { s.bury("a2", "t2", s.t0) },
		},
		{
			name: "F31: rejected after it was asked for", want: outcomeRejected, holds: "a1", lasts: hour / 2, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour/2); s.bury("a2", "t2", s.t0.Add(time.Second)) },
		},
		{
			name: "F31: another was rejected", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.bury("a1", "t1", s.t0.Add(time.Second)) },
		},

		{
			name: "put back: nothing stored", want: outcomeStored, holds: "a2", lasts: hour,
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "put back: it was on its way for an hour, of which its sender knows nothing", want: outcomeStored, holds: "a2", lasts: hour,
			offer: func(s *stage) offer {
				o := putBack(s, 2*hour, 0)
				o.asked = o.asked.Add(-hour)
				return o
			},
		},
		{
			name: "put back: another, longer", want: outcomeKept, holds: "a1", lasts: hour + 10*time.Second, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour+10*time.Second) },
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "put back: another, shorter", want: outcomeStored, holds: "a2", lasts: hour,
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, hour-10*time.Second) },
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "put back: same, shorter: nothing new to say", want: outcomeKept, holds: "a2", lasts: hour / 2, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour/2) },
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "put back: same, longer: nothing new to say", want: outcomeKept, holds: "a2", lasts: hour + hour/2, fetched: "them",
			setup: func(s *stage) { s.put("a2", "t2", 2*hour, hour+hour/2) },
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "F39: put back, and rejected an hour ago", want: outcomeRejected,
			setup: func(s *stage) { s.bury("a2", "t2", s.t0.Add(-hour)) },
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},
		{
			name: "F39: put back, with a garbled tombstone", want: outcomeRejected,
			setup: func(s *stage) { s.rdb.Set(s.t.Context(), s.keys.rejected+fingerprint("a2", "t2"), "garbled", hour) },
			offer: func(s *stage) offer { return putBack(s, 2*hour, hour) },
		},

		{
			name: "F3: expired by our clocks", want: outcomeExpired,
			offer: func(s *stage) offer { return s.offered(hour, hour) },
		},
		{
			name: "F3: expired by our clocks, another stored", want: outcomeExpired, holds: "a1", lasts: time.Minute, fetched: "them",
			setup: func(s *stage) { s.put("a1", "t1", 2*hour, time.Minute) },
			offer: func(s *stage) offer { return s.offered(hour, 3*hour) },
		},
		{
			name: "F3: 1 ms left", exact: true, want: outcomeStored, holds: "a2", lasts: time.Millisecond, life: hour,
			offer: func(s *stage) offer { return s.offered(hour, hour-time.Millisecond) },
		},
		{
			name: "F3: less than 1 ms left", exact: true, want: outcomeExpired,
			offer: func(s *stage) offer { return s.offered(hour, hour-1) },
		},
		{
			name: "F3: expired by Redis' clock", want: outcomeExpired,
			offer: func(s *stage) offer { return s.askedAgo(hour, hour, 0) },
		},
		{
			name: "F23: Redis' clock jumped forward by 10 min", want: outcomeStored, holds: "a2", lasts: hour + 50*time.Minute,
			offer: func(s *stage) offer { return s.askedAgo(10*time.Minute, 2*hour, 130*time.Millisecond) },
		},
		{
			name: "F23: Redis' clock stepped back by 10 min", want: outcomeStored, holds: "a2", lasts: 2*hour - 130*time.Millisecond,
			offer: func(s *stage) offer { return s.askedAgo(-10*time.Minute, 2*hour, 130*time.Millisecond) },
		},
		{
			name: "F23: our clock went back", want: outcomeStored, holds: "a2", lasts: 2 * hour,
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
				assert.Equal(t, test.holds, s.holds())
				if out == outcomeExpired || out == outcomeRejected {
					assert.Nil(t, stored, "they come alone")
				}
				if test.holds == "" {
					return
				}
				s.lasts(test.lasts, s.ttl(s.keys.token))
				v, err := s.read(t.Context())
				require.NoError(t, err)
				require.NotNil(t, v.record, v.garbled)
				assert.Equal(t, cmp.Or(test.life, 2*hour), v.record.life)
				assert.Equal(t, cmp.Or(test.fetched, "us"), v.record.fetchedBy)
				if stored == nil {
					return
				}
				assert.True(t, stored.token.Equal(v.record.token))
				assert.Equal(t, v.record.life, stored.life)
				s.lasts(test.lasts, stored.remaining)
			})
		}
	})
}

func TestPublishTouchesOnlyWhatItMust(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		ctx := t.Context()
		t.Run("a good answer ends the failures", func(t *testing.T) {
			s := next(t)
			s.failed()
			s.mustPublish(s.offered(time.Hour, 0))
			assert.False(t, s.exists(s.keys.failure))
		})
		t.Run("a good answer that is kept out, too", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, 2*time.Hour)
			s.failed()
			out, _ := s.mustPublish(s.offered(time.Hour, 0))
			require.Equal(t, outcomeKept, out)
			assert.False(t, s.exists(s.keys.failure))
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
				assert.True(t, s.exists(s.keys.failure))
			}
		})
		t.Run("nor does what is expired or rejected", func(t *testing.T) {
			s := next(t)
			s.failed()
			s.mustPublish(s.offered(time.Hour, time.Hour))
			s.bury("a2", "t2", s.t0)
			s.mustPublish(s.offered(time.Hour, 0))
			assert.True(t, s.exists(s.keys.failure))
		})
		t.Run("F19: foreign fields go with the token they stood by", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, time.Minute, "note", "of a person", "scope", "of a1")
			s.mustPublish(s.offered(time.Hour, 0))
			assert.ElementsMatch(t, []string{
				"app_access_token", "tenant_access_token", "fingerprint", "life", "fetched_by", "fetched_at", "checked_at", "ends_at",
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
			v, err := s.read(ctx)
			require.NoError(t, err)
			assert.Equal(t, time.UnixMilli(1), v.record.fetchedAt, "by them")
			s.lasts(s.slack(), v.record.checked, "just now")

			s.mustPublish(offer{token: NewToken("a3", "t3", 0), life: 2 * time.Hour, asked: s.t0, by: "us"})
			v, err = s.read(ctx)
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
				out, stored := s.mustPublish(offer{token: tok, life: time.Hour, asked: s.t0, by: "host {1} %s"})
				assert.Equal(t, outcomeStored, out)
				require.NotNil(t, stored)
				assert.True(t, tok.Equal(stored.token))
				out, _ = s.mustPublish(offer{token: tok, life: time.Hour, asked: s.t0.Add(time.Minute), by: "x"})
				assert.Equal(t, outcomeKept, out, "%q is the same", pair)
			}
		})
	})
}

// Whatever the clocks say, a token is never stored for longer than the issuer
// gave it.
func TestF23NoTTLAboveLife(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		random := rand.New(rand.NewPCG(11, 12))
		for range 300 {
			s := next(t)
			life := someLife(random).Truncate(time.Millisecond)
			o := offer{
				token: NewToken("a", "t", life), life: life, by: "us",
				asked:   s.t0.Add(time.Duration(random.Int64N(int64(48*time.Hour)) - int64(24*time.Hour))),
				elapsed: time.Duration(random.Int64N(int64(life))) - life/10,
			}
			out, stored := s.mustPublish(o)
			if out == outcomeExpired {
				require.False(t, s.exists(s.keys.token))
				continue
			}
			require.NotNil(t, stored)
			require.LessOrEqual(t, stored.remaining, life)
			require.LessOrEqual(t, stored.remaining, life-max(0, o.elapsed))
			require.LessOrEqual(t, s.ttl(s.keys.token), stored.remaining)
		}
	})
}

// I2: the stored token never goes back to one that ends earlier, except after a
// rejection, however late, repeated and reordered the offers are.
func TestPublishIsAMaxRegister(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		random := rand.New(rand.NewPCG(13, 14))
		for range 40 {
			s := next(t)
			ctx := t.Context()
			var sent []offer
			best := time.Time{} // the end, by Redis' clock, of what is stored
			ends := map[string]time.Time{}
			for step := range 40 {
				s.t0 = s.now()
				switch random.IntN(10) {
				case 0: // time passes
					if s.m != nil {
						s.pass(time.Duration(random.Int64N(int64(10 * time.Minute))))
					}
				case 1: // rejected
					if v, err := s.read(ctx); err == nil && v.record != nil && random.IntN(4) == 0 {
						out, err := s.invalidate(ctx, v.record.token.Fingerprint(), fmt.Sprint(step), 0)
						require.NoError(t, err)
						if out == outcomeDropped {
							best = time.Time{}
						}
					}
				case 2, 3, 4, 5: // minted just now, its answer on the way
					life := time.Duration(1+random.IntN(7200)) * time.Second
					name := fmt.Sprintf("a%d", step)
					ends[name] = s.t0.Add(life)
					sent = append(sent, offer{token: NewToken(name, "t", life), life: life, asked: s.t0, by: "us"})
				default: // an answer arrives, maybe for the second time
					if len(sent) == 0 {
						continue
					}
					o := sent[random.IntN(len(sent))]
					o.elapsed = s.now().Sub(o.asked)
					if random.IntN(4) == 0 {
						o.putBack = true // by way of a put-back
					}
					s.mustPublish(o)
				}
				v, err := s.read(ctx)
				require.NoError(t, err)
				require.Empty(t, v.garbled)
				if v.record == nil {
					require.False(t, best.After(v.now), "step %d: lost", step)
					continue
				}
				end := v.now.Add(v.record.remaining)
				require.False(t, end.Before(best.Add(-5*time.Millisecond)), "step %d: ended %v, now %v", step, best, end)
				require.WithinDuration(t, ends[v.record.token.AppAccessToken()], end, s.slack(), "and it is the token's own end")
				best = end
			}
		}
	})
}

// F19, F20: what a reader cannot use must not keep a good token out, or everyone
// would call the issuer for himself until it ends; and what he can use must not
// be replaced by less.
func TestReadersAndPublishAgree(t *testing.T) {
	lives := []string{
		"7200000", "7.2e6", "0x6ddd00", "7200000.5", " 7200000", "7200000 ", "+7200000", "-7200000", "07200000", "",
		"0", "long", "nan", "inf", "315360000000", "315360000001", "9223372036854775807", "9223372036854775808", "1e400",
	}
	apps, tenants := []string{"a1", "", "b1"}, []string{"t1", "", "u1"}
	fingerprints := []string{
		fingerprint("a1", "t1"), fingerprint("a1", ""), fingerprint("", "t1"), "", strings.ToUpper(fingerprint("a1", "t1")),
	}
	ttls := []time.Duration{0, time.Minute, 90 * time.Minute, 2 * time.Hour, 3 * time.Hour}
	missing := []string{"", "app_access_token", "fingerprint", "life", "fetched_by", "checked_at", "ends_at"}
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		soon := time.Duration(next(t).now().Add(30*time.Minute).UnixMilli()) * time.Millisecond
		ends := []string{millis(soon), millis(soon + time.Hour), "1", "", "never", millis(soon + 24*time.Hour), "9223372036854", "9223372036855", "1e13"}
		random := rand.New(rand.NewPCG(15, 16))
		pick := func(from []string) string {
			if random.IntN(2) == 0 {
				return from[0] // more often good than not
			}
			return from[random.IntN(len(from))]
		}
		ctx, kept := t.Context(), 0
		for range 500 {
			s := next(t)
			life, app, tenant, fp, gone := pick(lives), pick(apps), pick(tenants), pick(fingerprints), pick(missing)
			ttl := ttls[random.IntN(len(ttls))]
			s.put(app, tenant, time.Hour, ttl, "life", life, "fingerprint", fp)
			if random.IntN(4) == 0 {
				require.NoError(t, s.rdb.HSet(ctx, s.keys.token, "ends_at", pick(ends)).Err())
			}
			if gone != "" {
				require.NoError(t, s.rdb.HDel(ctx, s.keys.token, gone).Err())
			}
			v, err := s.read(ctx)
			require.NoError(t, err)
			readable := v.record != nil && v.record.remaining > time.Second

			out, _ := s.mustPublish(s.offered(time.Second, 0))
			about := fmt.Sprintf("life %q, tokens %q and %q, fingerprint %q, TTL %v, without %q: %q", life, app, tenant, fp, ttl, gone, v.garbled)
			if readable {
				kept++
				require.Equal(t, outcomeKept, out, about)
			} else {
				require.Equal(t, outcomeStored, out, about)
			}
		}
		assert.Greater(t, kept, 20, "both are tried")
		assert.Less(t, kept, 480)
	})
}
