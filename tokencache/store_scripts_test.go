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

// A script whose reply is lost is sent again. The second run has to leave what
// the first left, and to give an answer that is as good.
func TestF21ScriptsReplayed(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		publish := func(o func(s *stage) offer) func(s *stage) (any, error) {
			return func(s *stage) (any, error) {
				out, stored, err := s.publish(t.Context(), o(s))
				if stored == nil {
					return out, err
				}
				return fmt.Sprintf("%s %v %v", out, stored.token, stored.token.life()), err
			}
		}
		usual := func(s *stage) offer { return s.offered(2*time.Hour, time.Hour) }
		tests := map[string]struct {
			setup func(s *stage)
			run   func(s *stage) (any, error)
		}{
			"publish":                 {nil, publish(usual)},
			"publish, kept":           {func(s *stage) { s.put("a1", "t1", 2*time.Hour, 2*time.Hour) }, publish(usual)},
			"publish, over another":   {func(s *stage) { s.put("a1", "t1", 2*time.Hour, time.Minute); s.failed() }, publish(usual)},
			"publish, renewed":        {func(s *stage) { s.put("a2", "t2", 2*time.Hour, time.Minute, "x", "y") }, publish(usual)},
			"publish, garbled":        {func(s *stage) { s.put("a1", "t1", 2*time.Hour, 0, "x", "y") }, publish(usual)},
			"publish, rejected":       {func(s *stage) { s.bury("a2", "t2", s.t0) }, publish(usual)},
			"publish, expired":        {nil, publish(func(s *stage) offer { return s.offered(time.Hour, time.Hour) })},
			"publish, a shorter word": {func(s *stage) { s.put("a2", "t2", 2*time.Hour, 2*time.Hour) }, publish(usual)},
			"publish, a shorter word put back": {
				func(s *stage) { s.put("a2", "t2", 2*time.Hour, 2*time.Hour) },
				publish(func(s *stage) offer { o := usual(s); o.putBack = true; return o }),
			},
			"publish, as a put-back": {nil, publish(func(s *stage) offer { o := usual(s); o.putBack = true; return o })},
			"fail": {func(s *stage) { s.lock("ours") }, func(s *stage) (any, error) {
				hold, err := s.fail(t.Context(), "ours", &IssuerError{Class: ClassPermanent}, 0, replica{"us", "us"})
				return hold.Round(time.Second), err
			}},
			"fail, not held": {func(s *stage) { s.lock("theirs") }, func(s *stage) (any, error) {
				return s.fail(t.Context(), "ours", &IssuerError{Class: ClassPermanent}, 0, replica{"us", "us"})
			}},
			"invalidate": {func(s *stage) { s.put("a1", "t1", 2*time.Hour, time.Hour) }, func(s *stage) (any, error) {
				return s.invalidate(t.Context(), notice{fp: wire.Fingerprint("a1", "t1"), nonce: "n", remaining: time.Hour})
			}},
			"invalidate, other": {func(s *stage) { s.put("a2", "t2", 2*time.Hour, time.Hour) }, func(s *stage) (any, error) {
				return s.invalidate(t.Context(), notice{fp: wire.Fingerprint("a1", "t1"), nonce: "n", remaining: time.Hour})
			}},
			"invalidate, alone": {
				func(s *stage) {
					s.mustReject("a3", "m", "us")
					at := fmt.Sprint(s.now().UnixMilli())
					s.put("a1", "t1", 2*time.Hour, time.Hour, "fetched_at", at, "checked_at", at)
				},
				func(s *stage) (any, error) {
					v, err := s.invalidate(t.Context(), notice{fp: wire.Fingerprint("a1", "t1"), nonce: "n", by: replica{"us", "us"}})
					assert.Equal(t, OutcomeAlone, v.out)
					return v.row, err
				},
			},
			"invalidate, cool-down": {
				func(s *stage) { s.put("a1", "t1", 2*time.Hour, time.Hour); s.buried(time.Second, 1, time.Hour) },
				func(s *stage) (any, error) {
					return s.invalidate(t.Context(), notice{fp: wire.Fingerprint("a1", "t1"), nonce: "n", remaining: time.Hour})
				},
			},
		}
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				s := next(t)
				if test.setup != nil {
					test.setup(s)
				}
				first, err := test.run(s)
				require.NoError(t, err)
				state := s.dump()
				again, err := test.run(s)
				require.NoError(t, err)
				assert.Equal(t, first, again)
				if s.m != nil { // else the clock runs, and shows
					assert.Equal(t, state, s.dump())
				}
			})
		}
	})
}

func TestF18ForeignTypes(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		ctx := t.Context()
		fp := wire.Fingerprint("a2", "t2")
		for _, test := range []struct {
			name  string
			key   func(keys) string
			named bool // the error names the key
			run   func(*stage) error
		}{
			{"read token", func(k keys) string { return k.token() }, true, func(s *stage) error { _, err := s.read(ctx); return err }},
			{"read failure", func(k keys) string { return k.failure() }, true, func(s *stage) error { _, err := s.read(ctx); return err }},
			{"publish token", func(k keys) string { return k.token() }, true, func(s *stage) error {
				_, _, err := s.publish(ctx, s.offered(time.Hour, 0))
				return err
			}},
			{"publish tombstone", func(k keys) string { return k.rejected(fp) }, false, func(s *stage) error {
				_, _, err := s.publish(ctx, s.offered(time.Hour, 0))
				return err
			}},
			{"fail lock", func(k keys) string { return k.lock() }, false, func(s *stage) error {
				_, err := s.fail(ctx, "ours", &IssuerError{}, 0, replica{"us", "us"})
				return err
			}},
			{"fail failure", func(k keys) string { return k.failure() }, true, func(s *stage) error {
				s.lock("ours")
				_, err := s.fail(ctx, "ours", &IssuerError{}, 0, replica{"us", "us"})
				return err
			}},
			{"invalidate token", func(k keys) string { return k.token() }, true, func(s *stage) error {
				_, err := s.invalidate(ctx, notice{fp: fp, nonce: "n", remaining: 0})
				return err
			}},
			{"invalidate tombstone", func(k keys) string { return k.rejected(fp) }, false, func(s *stage) error {
				s.put("a2", "t2", time.Hour, time.Hour)
				_, err := s.invalidate(ctx, notice{fp: fp, nonce: "n", remaining: 0})
				return err
			}},
		} {
			t.Run(test.name, func(t *testing.T) {
				s := next(t)
				key := test.key(s.keys)
				s.somethingElse(key)
				err := test.run(s)
				var trouble *RedisError
				require.ErrorAs(t, err, &trouble)
				assert.Equal(t, "WRONGTYPE", string(trouble.Trouble))
				assert.Equal(t, s.keys.id, trouble.ID)
				if test.named {
					assert.ErrorContains(t, err, key)
				}
				theirs, err := s.rdb.LRange(ctx, key, 0, -1).Result()
				require.NoError(t, err)
				assert.Equal(t, []string{"theirs"}, theirs)
				assert.Equal(t, noTTL, s.ttl(key))
				if strings.HasPrefix(test.name, "invalidate tomb") {
					assert.Equal(t, "a2", s.holds(), "nothing is half done")
				}
			})
		}
	})
}

func TestF18PublishPassesAForeignFailureBy(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		for _, stored := range []string{"", "a1"} {
			s := next(t)
			s.somethingElse(s.keys.failure())
			if stored != "" {
				s.put(stored, "t1", 2*time.Hour, 2*time.Hour)
			}
			s.mustPublish(s.offered(time.Hour, 0))
			assert.True(t, s.exists(s.keys.failure()), "nothing of theirs is deleted")
		}
	})
}

func TestF16ScriptsForgotten(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		s := next(t)
		ctx := t.Context()
		for _, step := range []func() error{
			func() error { _, err := s.read(ctx); return err },
			func() error { _, _, err := s.publish(ctx, s.offered(time.Hour, 0)); return err },
			func() error { _, err := s.fail(ctx, "ours", &IssuerError{}, 0, replica{"us", "us"}); return err },
			func() error {
				_, err := s.invalidate(ctx, notice{fp: wire.Fingerprint("a2", "t2"), nonce: "n", remaining: 0})
				return err
			},
		} {
			for range 2 {
				require.NoError(t, step())
				require.NoError(t, s.rdb.ScriptFlush(ctx).Err())
			}
		}
	})
}
