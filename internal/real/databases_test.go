package real

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F34: two fleets in two databases of one Redis, with one credential. Each has a token of its
// own, in its own database. With one prefix each hears of the other's tokens and rejections, as
// channels know no databases; with two it does not.
func TestF34DatabasesOfOneRedis(t *testing.T) {
	t.Parallel()
	for name, prefixes := range map[string][2]string{
		"one prefix":   {"onetoken", "onetoken"},
		"two prefixes": {"onetoken", "onetoken-staging"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.StartServer(t)
			i := newIssuer("databases", 2*time.Hour)
			fleetIn := func(number int) []*replica {
				client := func(t testing.TB) redis.UniversalClient {
					return server.Client(t, func(o *redis.Options) { o.DB = number })
				}
				return newFleet(t, client, i, patient, func(c *tokencache.Config) { c.Prefix = prefixes[number-1] })
			}
			first, second := fleetIn(1), fleetIn(2)
			a, b := getAll(t, first), getAll(t, second)
			assert.False(t, a.Equal(b), "each asks for itself")
			assert.Equal(t, 2, i.calls())
			for number, tok := range []tokencache.Token{a, b} {
				unlocked(t, [][]*replica{first, second}[number][0])
				rdb := server.Client(t, func(o *redis.Options) { o.DB = number + 1 })
				key := prefixes[number] + ":{" + first[0].ID() + "}:token"
				assert.Equal(t, tok.Fingerprint(), rdb.HGet(t.Context(), key, "fingerprint").Val())
				assert.Equal(t, int64(1), rdb.DBSize(t.Context()).Val())
			}

			if prefixes[0] == prefixes[1] {
				hearEachOther(t, first, second)
			} else {
				hearThemselves(t, first, second)
			}
		})
	}
}

func hearEachOther(t *testing.T, first, second []*replica) {
	both := slices.Concat(first, second)
	var tok tokencache.Token
	eventually(t, func() (yes bool) { // what is told before all have subscribed reaches nobody
		var err error
		tok, yes, err = first[0].Refresh(t.Context())
		return assert.NoError(t, err) && yes && soon(both, func(r *replica) bool { return r.holds(tok) })
	}, "the other fleet has it too")
	require.NoError(t, second[0].Invalidate(t.Context(), tok))
	assert.True(t, soon(both, func(r *replica) bool { return !r.holds(tok) }), "both have dropped it")
}

func hearThemselves(t *testing.T, first, second []*replica) {
	theirs := getAll(t, second)
	var tok tokencache.Token
	eventually(t, func() (yes bool) {
		var err error
		tok, yes, err = first[0].Refresh(t.Context())
		return assert.NoError(t, err) && yes && soon(first, func(r *replica) bool { return r.holds(tok) })
	}, "its own fleet has it")
	require.NoError(t, first[0].Invalidate(t.Context(), tok))
	assert.True(t, soon(first, func(r *replica) bool { return !r.holds(tok) }))
	for _, r := range second {
		assert.True(t, r.holds(theirs))
	}
}
