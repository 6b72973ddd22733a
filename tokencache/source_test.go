package tokencache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// A Get may join a fill that was not begun for a Get, and what that comes to is not
// the Get's answer.

// A Refresh fails on the spot, so that who asked for it knows; a Get that joined it
// waits the failure out, as any Get does.
func TestGetJoinsARefresh(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		f.issuer.FailNext(1, feishutest.Status(500))
		refreshed := make(chan error)
		go func() {
			_, _, err := r.source.Refresh(t.Context())
			refreshed <- err
		}()
		time.Sleep(latency / 2)
		got := r.getting(t.Context())
		assert.Error(t, <-refreshed)
		assert.NoError(t, (<-got).err)
		assert.Equal(t, 2, len(f.issuer.Calls()))
	})
}

// A put-back that Redis does not take is no reason to fail a Get without a copy:
// the issuer is asked directly.
func TestGetJoinsAPutBack(t *testing.T) {
	for after := time.Duration(0); after < 3*time.Second; after += 100 * time.Millisecond { // before, during, between attempts
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			r := f.replica()
			bad := r.mustGet()
			time.Sleep(time.Minute)
			f.issuer.Revoke(bad.AppAccessToken())
			r.link.Silence(true)
			require.ErrorIs(t, r.source.Invalidate(context.Background(), bad), tokencache.ErrRedis)
			time.Sleep(after)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := r.get(ctx)
			assert.NoError(t, err, "after %v", after)
			assert.Equal(t, 1, r.count(tokencache.EventDirectCall, "ok"))
		})
	}
}

// What is put back may be a rejection alone. Nobody wants a token then, so none is
// asked for.
func TestPutBackOfARejectionAsksNobody(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		bad := r.mustGet()
		time.Sleep(time.Minute)
		r.link.Down()
		require.ErrorIs(t, r.source.Invalidate(context.Background(), bad), tokencache.ErrRedis)
		r.link.Heal()
		time.Sleep(time.Minute)
		assert.Equal(t, 1, r.count(tokencache.EventInvalidate, "dropped"), "Redis has been told")
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// The first Get without a copy, which began the fill, has its error as soon as it is
// clear that its time will not do, like those who come later.
func TestGetLeavesWhenTheHoldIsTooLong(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		other := f.replica()
		f.issuer.FailNext(1, feishutest.RateLimited("Retry-After", "20"))
		_, err := other.get(t.Context())
		require.Error(t, err)

		r := f.replica()
		for range 2 {
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			_, err = r.get(ctx)
			cancel()
			refused, ok := errors.AsType[*tokencache.IssuerError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, tokencache.ClassRateLimited, refused.Class)
			assert.NotErrorIs(t, err, context.DeadlineExceeded)
			assert.Less(t, time.Since(start), 100*time.Millisecond)
		}
		assert.NoError(t, (<-r.getting(t.Context())).err, "who has the time waits it out")
	})
}

// Who gives up can ask for ctx's error, whatever cause came with it.
func TestGetNamesTheEndOfCtxAndItsCause(t *testing.T) {
	virtual(t, feishutest.Config{Latency: time.Minute}, func(t *testing.T, f *fleet) {
		why := errors.New("the user went away")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		_, err := f.replica().get(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorIs(t, err, why)
	})
}

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

// Each caller decides by its own time whether a failure can be waited out: not by that of
// the fill it shares with others, nor once for all failures that the fill meets.
func TestEachCallerHasItsOwnTime(t *testing.T) {
	second := func(of float64) option {
		return func(c *replicaConfig) { c.cache.Jitter = func() float64 { return of } }
	}
	t.Run("the second pause is beyond one of them", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			other, shared := f.replica(second(0)), f.replica(second(0.99))
			f.issuer.FailNext(1, feishutest.RateLimited("Retry-After", "5"))
			_, err := other.get(t.Context())
			require.Error(t, err)
			short, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			hasty, patient := shared.getting(short), shared.getting(t.Context())
			time.Sleep(5*time.Second + 20*time.Millisecond)
			f.issuer.FailNext(1, feishutest.RateLimited("Retry-After", "20"))
			_, err = other.get(t.Context())
			require.Error(t, err)

			res := <-hasty
			assert.ErrorAs(t, res.err, new(*tokencache.IssuerError))
			assert.Less(t, res.took, 6*time.Second, "20 s are more than it has left")
			res = <-patient
			assert.NoError(t, res.err)
			assert.Less(t, res.took, 27*time.Second)
		})
	})
	t.Run("the minute of the fill is nobody's", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			other, shared := f.replica(second(0)), f.replica(second(0.99))
			var got <-chan result
			for _, pause := range []string{"25", "25", "20"} { // other asks again as soon as each is over
				f.issuer.FailNext(1, feishutest.RateLimited("Retry-After", pause))
				_, err := other.get(t.Context())
				require.ErrorAs(t, err, new(*tokencache.IssuerError))
				if got == nil {
					got = shared.getting(t.Context())
				}
				time.Sleep(6 * time.Second) // it repeats an error from memory for 5 s
			}
			res := <-got
			assert.NoError(t, res.err)
			assert.Greater(t, res.took, time.Minute)
		})
	})
}
