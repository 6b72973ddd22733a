package tokencache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

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

// What kept a Get away half an hour ago is not why this one has no token yet.
func TestGetThatGivesUpNamesNoOldFailure(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		f.issuer.FailNext(1, feishutest.Status(503))
		_, err := r.get(t.Context())
		require.ErrorIs(t, err, tokencache.ErrIssuer)
		time.Sleep(30 * time.Minute)

		f.issuer.SetLatency(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = r.get(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.NotErrorIs(t, err, tokencache.ErrIssuer)
		assert.NotContains(t, err.Error(), "before that")
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

// F9: the time of one caller is over while it waits with others for the same
// fill. It returns there and then, with a word on what it waited for; the others
// get their token.
func TestF9OneCallerLeaves(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
		r := f.replica()
		stays := r.getting(t.Context())
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		hurried := r.getting(impatient)
		cause := errors.New("the user went away")
		caused, leave := context.WithCancelCause(t.Context())
		time.AfterFunc(2*time.Second, func() { leave(cause) })
		left := r.getting(caused)

		res := <-hurried
		require.ErrorIs(t, res.err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, res.took)
		res = <-left
		require.ErrorIs(t, res.err, cause)
		assert.Equal(t, 2*time.Second, res.took)
		res = <-stays
		require.NoError(t, res.err)
		assert.Equal(t, 3*time.Second, res.took)
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// F9: everybody has left, even the caller that began. The fill goes on, and its
// token is there for whoever comes next, here and elsewhere.
func TestF9AllCallersLeave(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
		r := f.replica()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range 10 {
			defer r.getting(ctx)
		}
		res := <-r.getting(ctx)
		require.ErrorIs(t, res.err, context.DeadlineExceeded)
		assert.Empty(t, f.tokenKey())
		time.Sleep(2*time.Second + time.Millisecond)
		assert.NotEmpty(t, f.stored())
		r.within(0)
		f.replica().within(0)
		assert.Equal(t, 1, f.stats().Calls)
		f.nothingLeft()
	})
}

// F9: the ctx of a caller is over before it calls. That is nothing to somebody
// with a copy, fresh or in its window; without one it returns at once.
func TestF9CallerWithoutAnyTime(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		over, cancel := context.WithCancel(t.Context())
		cancel()
		r := f.replica()
		res := <-r.getting(over)
		require.ErrorIs(t, res.err, context.Canceled)
		assert.Zero(t, res.took)
		r.within(latency)
		for _, state := range []string{"fresh", "in its window"} {
			res = <-r.getting(over)
			require.NoError(t, res.err, state)
			assert.Zero(t, res.took)
			time.Sleep(f.issuer.Remaining(res.tok.AppAccessToken()) - 24*time.Minute)
		}
	})
}

// Peek is a Get that asks nobody.
func TestPeek(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		_, ok := r.source.Peek()
		assert.False(t, ok)
		assert.Zero(t, r.link.Count())
		assert.Regexp(t, "^feishu:cli_test:[0-9a-f]{32}$", r.source.ID())

		want := r.mustGet()
		time.Sleep(time.Second)
		r.link.Down()
		calls := r.link.Count()
		got, ok := r.source.Peek()
		assert.True(t, ok)
		assert.True(t, got.Equal(want))

		f.sleepUntilLeft(want, time.Minute)
		_, ok = r.source.Peek()
		assert.True(t, ok, "in its window")
		time.Sleep(time.Minute)
		_, ok = r.source.Peek()
		assert.False(t, ok, "past its end")
		assert.Equal(t, calls, r.link.Count())
		assert.Equal(t, 1, f.stats().Calls)
	})
}
