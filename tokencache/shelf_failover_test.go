package tokencache_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// F16: the primary dies before its successor has heard of a rejection, so that the
// rejected token is back. Who saw it rejected does not take it.
func TestF16FailoverBringsBackWhatWasRejected(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		ctx := context.Background()
		r := f.replica()
		bad := r.mustGet()
		time.Sleep(time.Minute)
		admin, key := f.redis.Admin(), f.tokenKey()
		fields, ttl := admin.HGetAll(ctx, key).Val(), admin.PTTL(ctx, key).Val()
		f.issuer.Revoke(bad.AppAccessToken())
		require.NoError(t, r.source.Invalidate(ctx, bad))

		require.NoError(t, admin.FlushAll(ctx).Err())
		_, err := admin.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, key, fields)
			p.PExpire(ctx, key, ttl)
			return nil
		})
		require.NoError(t, err)

		tok := r.mustGet()
		assert.False(t, tok.Equal(bad))
		assert.True(t, f.issuer.Valid(tok.AppAccessToken()))
		assert.Equal(t, 2, f.stats().Calls)
	})
}

// F16, F31: a failover brings a rejected token back that ends within a second of its
// successor. The issuer hands the successor out again after its own rejection, rounded
// down: what is stored seems to live longer, but is of no use, so ours is.
func TestF16FailoverBringsBackWhatSeemsToLiveLonger(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		ctx := context.Background()
		r := f.replica()
		bad := r.mustGet()
		admin, key := f.redis.Admin(), f.tokenKey()
		fields, ttl := admin.HGetAll(ctx, key).Val(), admin.PTTL(ctx, key).Val()
		time.Sleep(latency)
		f.issuer.Revoke(bad.AppAccessToken())
		require.NoError(t, r.source.Invalidate(ctx, bad))
		next := r.mustGet()

		require.NoError(t, admin.FlushAll(ctx).Err())
		require.NoError(t, admin.HSet(ctx, key, fields).Err())
		require.NoError(t, admin.PExpire(ctx, key, ttl-2*latency).Err())
		f.issuer.SetKeepRevoked(true)
		f.issuer.Revoke(next.AppAccessToken())
		require.NoError(t, r.source.Invalidate(ctx, next))
		time.Sleep(3 * latency) // the half second that `expire` loses is more than the difference, twice

		tok, err := r.source.Get(ctx)
		require.NoError(t, err)
		assert.True(t, tok.Equal(next))
	})
}

// F16: a failover loses the last writes: the token that was just published, and
// told of, is gone before the others have read it. They ask once more between
// them, and end up with the same one.
func TestF16FailoverLosesThePublish(t *testing.T) {
	for name, config := range map[string]feishutest.Config{
		"issuer repeats itself": {Latency: time.Second},
		"issuer mints":          {Latency: time.Second, MintEveryCall: true},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, config, func(t *testing.T, f *fleet) {
				holder := f.replica()
				first := holder.getting(t.Context())
				time.Sleep(time.Millisecond)
				waiters := f.start(10)
				for _, r := range waiters {
					r.link.Delay(10 * time.Millisecond)
				}
				time.AfterFunc(time.Second, func() { f.admin((*redis.Client).FlushAll) })
				results := all(t.Context(), waiters)
				require.NoError(t, (<-first).err)
				for _, res := range results {
					require.NoError(t, res.err)
					assert.LessOrEqual(t, res.took, 2*time.Second+5*time.Second+takeover)
					assert.True(t, res.tok.Equal(results[0].tok))
				}
				assert.Equal(t, 1, f.stats().Calls, "the event has brought it to all")
				read(slices.Concat(waiters, []*replica{holder}), time.Second, time.Minute)
				assert.Equal(t, 1, f.stats().Calls)
				f.replica().within(latency + time.Second)
				assert.Equal(t, 2, f.stats().Calls, "who comes later finds none")
			})
		})
	}
}

// F16: the record of a rejection is lost. Who saw it does not take the token up
// again.
func TestF16RejectionEvicted(t *testing.T) {
	virtual(t, feishutest.Config{Latency: latency}, func(t *testing.T, f *fleet) {
		replicas := f.start(3)
		withinAll(replicas, latency+50*time.Millisecond)
		bad := replicas[0].mustGet()
		f.issuer.Revoke(bad.AppAccessToken())
		require.NoError(t, replicas[0].source.Invalidate(t.Context(), bad))
		f.admin((*redis.Client).FlushAll)
		withinAll(replicas, latency+50*time.Millisecond)
		for _, r := range replicas {
			assert.False(t, r.within(0).Equal(bad))
		}
		assert.Equal(t, 2, f.stats().Calls)
	})
}
