package tokencache_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

func inDatabase(number int, prefix string) option {
	return func(c *replicaConfig) {
		c.cache.Prefix = prefix
		c.redis = append(c.redis, func(o *redis.Options) { o.DB = number })
	}
}

// F34: two fleets in two databases of one Redis, with one credential. Their keys are apart, but
// channels know no databases: with one prefix they hear of each other's tokens, which are good
// for both, and of each other's rejections, which they heed. With two they do not.
func TestF34TwoDatabasesOfOneRedis(t *testing.T) {
	for prefix, hear := range map[string]bool{"onetoken": true, "onetoken-staging": false} {
		t.Run(prefix, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				first, second := f.start(3, inDatabase(0, "onetoken")), f.start(3, inDatabase(1, prefix))
				withinAll(first, time.Second)
				withinAll(second, time.Second)
				f.redis.Each((*redistest.Link).ResetCounts)
				before := f.stats()
				read(f.replicas, time.Second, 24*time.Hour)

				rotations := f.stats().Rotations - before.Rotations
				require.Greater(t, rotations, 12)
				calls := 2 * rotations // one of each fleet
				if hear {
					calls = rotations
				}
				assert.Equal(t, calls, f.stats().Calls-before.Calls)
				for _, r := range f.replicas {
					assert.LessOrEqual(t, r.link.Count()-r.link.Count("PUBLISH"), 6*rotations, "%v", r.link.Counts())
				}

				tok := first[0].mustGet()
				require.True(t, f.issuer.Revoke(tok.AppAccessToken()))
				require.NoError(t, first[0].source.Invalidate(t.Context(), tok))
				time.Sleep(time.Millisecond)
				for _, r := range second {
					_, ok := r.source.Peek()
					assert.Equal(t, !hear, ok, "its own rejection will tell")
				}
				read(first, time.Second, time.Minute)
				if hear {
					read(second, time.Second, time.Minute)
				}
			})
		})
	}
}

// F34: a token is in the database of who asked for it, and nowhere else: who starts in another
// asks.
func TestF34TokensStayInTheirDatabase(t *testing.T) {
	virtual(t, feishutest.Config{MintEveryCall: true}, func(t *testing.T, f *fleet) {
		first := f.replica(inDatabase(0, "")).mustGet()
		second := f.replica(inDatabase(1, "")).mustGet()
		assert.False(t, first.Equal(second))
		assert.Equal(t, 2, f.stats().Calls)
	})
}
