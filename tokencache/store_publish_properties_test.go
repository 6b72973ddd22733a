package tokencache

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// Whatever the clocks say, a token is never stored for longer than the issuer
// gave it.
func TestF23NoTTLAboveLife(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		random := rand.New(rand.NewPCG(11, 12))
		for range 300 {
			s := next(t)
			life := someLife(random).Truncate(time.Millisecond)
			o := offer{
				token: NewToken("a", "t", life), by: "us",
				asked:   s.t0.Add(time.Duration(random.Int64N(int64(48*time.Hour)) - int64(24*time.Hour))),
				elapsed: time.Duration(random.Int64N(int64(life))) - life/10,
			}
			out, stored := s.mustPublish(o)
			if out == OutcomeExpired {
				require.False(t, s.exists(s.keys.token()))
				continue
			}
			require.NotNil(t, stored)
			require.LessOrEqual(t, stored.remaining, life)
			require.LessOrEqual(t, stored.remaining, life-max(0, o.elapsed))
			require.LessOrEqual(t, s.ttl(s.keys.token()), stored.remaining)
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
					if v, err := s.read(ctx, "all"); err == nil && v.record != nil && random.IntN(4) == 0 {
						told, err := s.invalidate(ctx, notice{fp: v.record.token.Fingerprint(), nonce: fmt.Sprint(step), remaining: 0})
						require.NoError(t, err)
						if told.out == OutcomeDropped || told.out == OutcomePaced {
							best = time.Time{}
						}
					}
				case 2, 3, 4, 5: // minted just now, its answer on the way
					life := time.Duration(1+random.IntN(7200)) * time.Second
					name := fmt.Sprintf("a%d", step)
					ends[name] = s.t0.Add(life)
					sent = append(sent, offer{token: NewToken(name, "t", life), asked: s.t0, by: "us"})
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
				v, err := s.read(ctx, "all")
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
		wire.Fingerprint("a1", "t1"), wire.Fingerprint("a1", ""), wire.Fingerprint("", "t1"), "", strings.ToUpper(wire.Fingerprint("a1", "t1")),
	}
	sums := []string{"right", "", "0123456789"}
	ttls := []time.Duration{0, time.Minute, 90 * time.Minute, 2 * time.Hour, 3 * time.Hour}
	missing := []string{"", "sealed", "fingerprint", "life", "sum", "fetched_by", "checked_at", "ends_at"}
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		soon := time.Duration(next(t).now().Add(30*time.Minute).UnixMilli()) * time.Millisecond
		ends := []string{wire.Millis(soon), wire.Millis(soon + time.Hour), "1", "", "never", wire.Millis(soon + 24*time.Hour), "9223372036854", "9223372036855", "1e13"}
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
			sealed := s.recordFields(app, tenant, life)[fieldSealed]
			sum := pick(sums)
			if sum == "right" {
				sum = wire.Sum(sealed, fp, life)
			}
			s.put(app, tenant, time.Hour, ttl, "sealed", sealed, "life", life, "fingerprint", fp, "sum", sum)
			if random.IntN(4) == 0 {
				require.NoError(t, s.rdb.HSet(ctx, s.keys.token(), "ends_at", pick(ends)).Err())
			}
			if gone != "" {
				require.NoError(t, s.rdb.HDel(ctx, s.keys.token(), gone).Err())
			}
			v, err := s.read(ctx, "all")
			require.NoError(t, err)
			readable := v.record != nil && v.record.remaining > time.Second
			sound := v.foreign != "" // the script cannot open it, and keeps it unless it is named

			out, _ := s.mustPublish(s.offered(time.Second, 0))
			about := fmt.Sprintf("life %q, tokens %q and %q, fingerprint %q, TTL %v, without %q: %q", life, app, tenant, fp, ttl, gone, v.garbled)
			if readable {
				kept++
			}
			if readable || sound {
				require.Equal(t, OutcomeKept, out, about)
			} else {
				require.Equal(t, OutcomeStored, out, about)
			}
		}
		assert.Greater(t, kept, 20, "both are tried")
		assert.Less(t, kept, 480)
	})
}
