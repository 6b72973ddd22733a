package tokencache_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F33: versions differ within a fleet while it is rolled out. What a newer one
// adds is ignored, what an older one leaves out is not needed.
func TestF33OtherVersions(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, f *fleet, admin *redis.Client)
	}{
		{"newer adds a field to the record", func(t *testing.T, f *fleet, admin *redis.Client) {
			require.NoError(t, admin.HSet(t.Context(), f.tokenKey(), "user_access_token", "u-1", "zone", "eu").Err())
		}},
		{"older has no checked_at", func(t *testing.T, f *fleet, admin *redis.Client) {
			require.NoError(t, admin.HDel(t.Context(), f.tokenKey(), "checked_at", "fetched_by", "fetched_at").Err())
		}},
		{"newer sends events of another kind", func(t *testing.T, f *fleet, admin *redis.Client) {
			require.NoError(t, admin.Publish(t.Context(), "onetoken:{"+f.id()+"}:events", "Q what is this").Err())
			require.NoError(t, admin.Publish(t.Context(), "onetoken:{"+f.id()+"}:events", "").Err())
		}},
		{"newer has other keys", func(t *testing.T, f *fleet, admin *redis.Client) {
			require.NoError(t, admin.Set(t.Context(), "onetoken:{"+f.id()+"}:token2", "x", time.Hour).Err())
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				warm := f.replica()
				tok := warm.mustGet()
				time.Sleep(time.Second)
				test.change(t, f, f.redis.Admin())
				cold := f.replica()
				assert.True(t, cold.within(0).Equal(tok))
				read(f.replicas, time.Second, 8*time.Hour)
				stats := f.stats()
				assert.Equal(t, stats.Rotations, stats.Calls)
				assert.Zero(t, f.count(tokencache.EventGarbled, ""))
				assert.Equal(t, 1, warm.count(tokencache.EventWait, ""))
				assert.Equal(t, 1, cold.count(tokencache.EventWait, ""))
			})
		})
	}
}

// F33: a failure of a class that only a newer version knows is an unknown one,
// and holds for as long as it says.
func TestF33FailureOfANewerVersion(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		f.issuer.FailNext(1, feishutest.RateLimited("Retry-After", "20"))
		first, second := f.replica(), f.replica()
		_, err := first.get(context.Background())
		require.Error(t, err)
		failure := f.keyOf("failure")
		require.NoError(t, f.redis.Admin().HSet(t.Context(), failure, "class", "of_a_newer_kind", "color", "red").Err())

		start := time.Now()
		second.mustGet()
		assert.GreaterOrEqual(t, time.Since(start), 20*time.Second)
		assert.LessOrEqual(t, time.Since(start), 25*time.Second)
		assert.Equal(t, 1, f.stats().Calls)
		assert.Equal(t, 1, f.stats().Refused)
	})
}
