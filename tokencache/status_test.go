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

// Status tells what Redis knows, through the life of a token, by one command
// that changes nothing.
func TestStatusThroughALife(t *testing.T) {
	virtual(t, feishutest.Config{Latency: time.Second}, func(t *testing.T, f *fleet) {
		r, watcher := f.replica(), f.replica()
		look := func() tokencache.Status {
			t.Helper()
			before := watcher.link.Count("EVALSHA")
			status, err := watcher.source.Status(context.Background())
			require.NoError(t, err)
			require.Equal(t, 1, watcher.link.Count("EVALSHA")-before)
			assert.Equal(t, "cli_test", status.App)
			assert.Regexp(t, "^feishu:cli_test:[0-9a-f]{32}$", status.ID)
			return status
		}
		assert.Equal(t, tokencache.Status{App: "cli_test", ID: look().ID, IssuerURL: "https://open.feishu.cn", State: "absent"}, look())

		go r.mustGet()
		time.Sleep(500 * time.Millisecond)
		calling := look()
		assert.Equal(t, "absent", string(calling.State))
		assert.InDelta(t, 4.5, calling.Locked.Seconds(), 0.1)
		time.Sleep(time.Second)

		asked := time.Now()
		for _, test := range []struct {
			state string
			after time.Duration
		}{
			{"fresh", 0},
			{"fresh", 90 * time.Minute},
			{"due", 91 * time.Minute},
			{"urgent", 118*time.Minute + time.Second},
			{"absent", 120*time.Minute - 9*time.Second},
		} {
			time.Sleep(test.after - time.Since(asked))
			status := look()
			assert.Equal(t, test.state, string(status.State), "after %v", test.after)
			assert.Equal(t, 2*time.Hour, status.Life)
			assert.InDelta(t, (2*time.Hour - test.after).Seconds(), status.Remaining.Seconds(), 2)
			assert.Equal(t, "r0", status.FetchedBy)
			assert.WithinDuration(t, asked, status.FetchedAt, time.Second)
			assert.Zero(t, status.Locked)
			assert.Nil(t, status.Failure)
		}
		time.Sleep(10 * time.Second)
		assert.Equal(t, tokencache.Status{App: "cli_test", ID: look().ID, IssuerURL: "https://open.feishu.cn", State: "absent"}, look())
		assert.Zero(t, watcher.count(tokencache.EventAdopt, ""))
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// Status shows what is wrong: a failure, a garbled record, a lock for ever.
func TestStatusOfTrouble(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		ctx := context.Background()
		r := f.replica()
		f.issuer.FailNext(1, feishutest.WrongSecret())
		_, err := r.get(ctx)
		want, ok := errors.AsType[*tokencache.IssuerError](err)
		require.True(t, ok)
		time.Sleep(10 * time.Second)

		status, err := r.source.Status(ctx)
		require.NoError(t, err)
		require.NotNil(t, status.Failure)
		assert.Equal(t, want.Error(), status.Failure.Error())
		assert.Equal(t, want.LogID, status.Failure.LogID)
		assert.Equal(t, "r0", status.FailedBy)
		assert.Equal(t, 1, status.Attempts)
		assert.InDelta(t, 56, status.RetryIn.Seconds(), 6)

		time.Sleep(2 * time.Minute)
		status, err = r.source.Status(ctx)
		require.NoError(t, err)
		assert.Zero(t, status.RetryIn, "over, but remembered")
		assert.NotNil(t, status.Failure)

		r.mustGet()
		status, err = r.source.Status(ctx)
		require.NoError(t, err)
		assert.Nil(t, status.Failure)

		admin := f.redis.Admin()
		require.NoError(t, admin.HSet(ctx, f.tokenKey(), "fingerprint", "0000").Err())
		require.NoError(t, admin.Set(ctx, "onetoken:{"+status.ID+"}:lock", "x", 0).Err())
		status, err = r.source.Status(ctx)
		require.NoError(t, err)
		assert.Equal(t, "absent", string(status.State))
		assert.Equal(t, "checksum does not match", status.Garbled)
		assert.EqualValues(t, -1, status.Locked)

		r.link.Down()
		_, err = r.source.Status(ctx)
		assert.ErrorIs(t, err, tokencache.ErrRedis)
	})
}

// F9: who asks Redis for a person gives up, and is told so, not that Redis were in trouble.
func TestF9WhoGivesUpDoesNotBlameRedis(t *testing.T) {
	why := errors.New("the page was left")
	for _, client := range []func(*redis.Options){atLeisure, promptly} {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			r := f.replica(func(c *replicaConfig) { c.redis = append(c.redis, client) })
			tok := r.mustGet()
			for name, ask := range map[string]func(context.Context) error{
				"Status": func(ctx context.Context) error { _, err := r.source.Status(ctx); return err },
				"Stored": func(ctx context.Context) error { _, err := r.source.Stored(ctx); return err },
				"Survey": func(ctx context.Context) error { _, err := r.cache.Survey(ctx); return err },
			} {
				before, cancel := context.WithCancelCause(t.Context())
				cancel(why)
				err := ask(before)
				require.ErrorIs(t, err, context.Canceled, name)
				require.ErrorIs(t, err, why, name)
				require.NotErrorIs(t, err, tokencache.ErrRedis, name)
			}
			r.link.Silence(true)
			for name, ask := range map[string]func(context.Context) error{
				"Status":     func(ctx context.Context) error { _, err := r.source.Status(ctx); return err },
				"Stored":     func(ctx context.Context) error { _, err := r.source.Stored(ctx); return err },
				"Survey":     func(ctx context.Context) error { _, err := r.cache.Survey(ctx); return err },
				"Invalidate": func(ctx context.Context) error { return r.source.Invalidate(ctx, tok) },
			} {
				during, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, why)
				err := ask(during)
				cancel()
				require.ErrorIs(t, err, context.DeadlineExceeded, name)
				require.ErrorIs(t, err, why, name)
				require.NotErrorIs(t, err, tokencache.ErrRedis, name)
			}
			r.link.Heal()
			time.Sleep(40 * time.Second)
		})
	}
}

// Stored is what Redis has, whatever this process has.
func TestStored(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		ctx := context.Background()
		r, watcher := f.replica(), f.replica()
		none, err := watcher.source.Stored(ctx)
		require.NoError(t, err)
		assert.True(t, none.IsZero())

		want := r.mustGet()
		time.Sleep(time.Hour)
		got, err := watcher.source.Stored(ctx)
		require.NoError(t, err)
		assert.True(t, got.Equal(want))
		assert.WithinDuration(t, want.Expiry(), got.Expiry(), time.Second)
		_, ok := watcher.source.Peek()
		assert.False(t, ok, "not adopted")
		assert.Equal(t, 1, f.stats().Calls)

		watcher.link.Down()
		_, err = watcher.source.Stored(ctx)
		assert.ErrorIs(t, err, tokencache.ErrRedis)
		watcher.stop()
		_, err = watcher.source.Stored(ctx)
		assert.ErrorIs(t, err, tokencache.ErrClosed)
	})
}
