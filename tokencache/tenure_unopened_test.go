package tokencache_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F47: a record that is sound, but cannot be opened: from another credential, or planted by who
// has not the secret. It is a miss, through the lock, overwritten, counted, and no loop.
func TestF47RecordThatCannotBeOpened(t *testing.T) {
	plants := map[string]func(t *testing.T, f *fleet){
		"another credential's": func(t *testing.T, f *fleet) {
			ctx, admin := t.Context(), f.redis.Admin()
			other := f.replica(func(c *replicaConfig) { c.fetcher = answering("other", 0, 3*time.Hour) })
			_, err := other.source.Get(ctx)
			require.NoError(t, err)
			stolen := admin.HGetAll(ctx, "onetoken:{"+other.source.ID()+"}:token").Val()
			require.NotEmpty(t, stolen)
			key := f.tokenKey()
			require.NoError(t, admin.Del(ctx, key).Err())
			require.NoError(t, admin.HSet(ctx, key, stolen).Err())
			require.NoError(t, admin.PExpire(ctx, key, 2*time.Hour+30*time.Minute).Err())
		},
		"another build's": func(t *testing.T, f *fleet) {
			require.NoError(t, f.redis.Admin().Del(t.Context(), f.tokenKey()).Err())
			other := f.replica(func(c *replicaConfig) {
				c.fetcher = tokencache.FetchFunc(tokencache.OfAnotherBuild(f.credential()), func(context.Context) (tokencache.Token, error) {
					return tokencache.NewToken("a", "t", 2*time.Hour), nil
				})
			})
			_, err := other.source.Get(t.Context())
			require.NoError(t, err)
		},
	}
	for name, plant := range plants {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				holder := f.replica()
				old := holder.mustGet()
				plant(t, f)
				cold := f.start(5)
				withinAll(cold, latency+50*time.Millisecond)
				assert.Equal(t, 2, f.stats().Calls, "one for the fleet, through the lock")
				assert.Equal(t, old.AppAccessToken(), f.stored(), "overwritten")
				assert.Positive(t, f.count(tokencache.EventGarbled, "the seal cannot be opened"))
				late := f.start(5)
				withinAll(late, 0)
				assert.Equal(t, 2, f.stats().Calls)
				assert.True(t, holder.within(0).Equal(old), "who has a copy has noticed nothing")

				status, err := holder.source.Status(t.Context())
				require.NoError(t, err)
				assert.Empty(t, status.Garbled)
			})
		})
	}
}

// F47: somebody plants such a record again and again. Each replica has one make way, keeps its
// copy from then on, and asks no more often than its copy ends.
func TestF47RecordsPlantedForHours(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		ctx, admin := t.Context(), f.redis.Admin()
		replicas := f.start(4)
		withinAll(replicas, latency+50*time.Millisecond)
		other := f.replica(func(c *replicaConfig) { c.fetcher = answering("other", 0, 23*time.Hour) })
		_, err := other.source.Get(ctx)
		require.NoError(t, err)
		stolen := admin.HGetAll(ctx, "onetoken:{"+other.source.ID()+"}:token").Val()
		f.resetCounts()
		const hours = 12
		for begin := time.Now(); time.Since(begin) < hours*time.Hour; time.Sleep(10 * time.Second) {
			require.NoError(t, admin.HSet(ctx, f.tokenKey(), stolen).Err())
			require.NoError(t, admin.PExpire(ctx, f.tokenKey(), 4*time.Hour).Err())
			for _, r := range replicas {
				r.mustGet()
			}
		}
		assert.LessOrEqual(t, f.stats().Calls, hours*len(replicas), "one for each copy's life and replica, with some to spare")
		assert.Zero(t, f.count(tokencache.EventDirectCall, ""))
	})
}

// F58: two builds cannot open each other's records, and have one id. Each asks for its own, once
// a rotation, not in turn.
func TestF58TwoBuildsWithOneID(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		ours := f.start(4)
		theirs := f.start(4, func(c *replicaConfig) {
			through := f.feishu()
			c.fetcher = tokencache.FetchFunc(tokencache.OfAnotherBuild(f.credential()), through.Fetch)
		})
		all := append(append([]*replica{}, ours...), theirs...)
		together(all, func(r *replica) { r.mustGet() })
		assert.Equal(t, 2, f.stats().Calls, "one for each build")
		f.resetCounts()
		const rotations = 8
		for range rotations * 90 * 6 { // a rotation is 90 min
			for _, r := range all {
				r.within(0)
			}
			time.Sleep(10 * time.Second)
		}
		assert.LessOrEqual(t, f.stats().Calls, 3*rotations, "one for each build and rotation, and one to find out")
		assert.GreaterOrEqual(t, f.stats().Rotations, rotations-1)
	})
}

// F47, F58: a record that cannot be opened stands again when a copy, for which one has made way
// before, is in its window. A process that is alone does not sit there until its copy is dead:
// nobody waits, and there is time to ask again.
func TestF47PlantedRecordsLeaveTimeToAsk(t *testing.T) {
	for name, with := range map[string]func(f *fleet) tokencache.Credential{
		"another build's":      func(f *fleet) tokencache.Credential { return tokencache.OfAnotherBuild(f.credential()) },
		"another credential's": func(*fleet) tokencache.Credential { return answering("other", 0, time.Hour).Credential() },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				ctx, admin, key := t.Context(), f.redis.Admin(), "onetoken:{"+f.credential().ID()+"}:token"
				plant := func() {
					fields := tokencache.Sealed(with(f), tokencache.NewToken("planted", "", 20*time.Hour))
					fields["ends_at"] = strconv.FormatInt(time.Now().Add(20*time.Hour).UnixMilli(), 10)
					require.NoError(t, admin.HSet(ctx, key, fields).Err())
					require.NoError(t, admin.PExpire(ctx, key, 20*time.Hour).Err())
				}
				plant()
				alone := f.replica()
				alone.within(latency + 50*time.Millisecond)
				for lives := 1; lives <= 4; lives++ {
					plant() // once a life is enough
					for f.stats().Rotations == lives {
						alone.within(0)
						time.Sleep(time.Second)
					}
				}
				for _, call := range f.issuer.Calls()[1:] {
					assert.Greater(t, call.Remaining, time.Minute)
				}
				assert.Equal(t, 5, f.stats().Calls)
			})
		})
	}
}

// A record makes way only for who holds the lock, and only that record: nobody can push out a
// better one that has come since.
func TestF47OnlyTheNamedRecordMakesWay(t *testing.T) {
	for name, c := range map[string]struct {
		lock, sum string // of what the holder names; "" for the right one
		gone      bool
	}{
		"named, with the lock":       {"", "", true},
		"named, the lock another's":  {"another's", "", false},
		"another named":              {"", strings.Repeat("0", 40), false},
		"nothing named":              {"", "none", false},
		"named, no lock of anyone's": {"none", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			redistest.Each(t, func(t *testing.T, env redistest.Env) {
				ctx, admin := t.Context(), env.Admin()
				better := tokencache.Sealed(answering("a", 0, time.Hour).Credential(), tokencache.NewToken("longer", "", 3*time.Hour))
				at, err := admin.Time(ctx).Result()
				require.NoError(t, err)
				better["ends_at"], better["checked_at"] = strconv.FormatInt(at.Add(3*time.Hour).UnixMilli(), 10), "1"
				key := "onetoken:{" + answering("a", 0, time.Hour).Credential().ID() + "}:"
				require.NoError(t, admin.HSet(ctx, key+"token", better).Err())
				require.NoError(t, admin.PExpire(ctx, key+"token", 3*time.Hour).Err())
				require.NoError(t, admin.Set(ctx, key+"lock", "ours", time.Minute).Err())
				lock, sum := "ours", better["sum"]
				if c.lock != "" {
					lock = c.lock
				}
				if c.lock == "none" {
					require.NoError(t, admin.Del(ctx, key+"lock").Err())
				}
				switch c.sum {
				case "":
				case "none":
					sum = ""
				default:
					sum = c.sum
				}
				out := tokencache.PublishInstead(t, env.Client("us"), answering("a", 0, time.Hour).Credential(), lock, sum, at)
				stored := admin.HGet(ctx, key+"token", "fingerprint").Val()
				if c.gone {
					assert.Equal(t, "stored", out)
					assert.NotEqual(t, better["fingerprint"], stored)
				} else {
					assert.Equal(t, "kept", out)
					assert.Equal(t, better["fingerprint"], stored)
				}
			})
		})
	}
}
