package tokencache_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F7: the Fetcher breaks down instead of returning. The lock is released, those
// who wait are told, here and elsewhere, and the next Get works.
func TestF7FetcherBreaksDown(t *testing.T) {
	const secret = "s3cr3t-in-a-panic"
	for name, breakDown := range map[string]func(){
		"panics":         func() { panic(secret) },
		"panics with it": func() { panic(errors.New(secret)) },
		"ends":           runtime.Goexit,
		"panics itself":  func() { _ = []string{}[len(secret)] },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				var log bytes.Buffer
				waiter := f.replica()
				good := f.replica()
				bad := f.replica(
					fetching(tokencache.FetchFunc(f.credential(), func(context.Context) (tokencache.Token, error) {
						time.Sleep(latency)
						breakDown()
						return tokencache.Token{}, nil
					})),
					with(func(c *tokencache.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) }),
				)
				here := bad.getting(t.Context())
				time.Sleep(latency / 2)
				there := waiter.getting(t.Context())
				for _, res := range []result{<-here, <-there} {
					refused, ok := errors.AsType[*tokencache.IssuerError](res.err)
					require.True(t, ok, "%v", res.err)
					assert.Equal(t, tokencache.ClassTransient, refused.Class)
					assert.NotContains(t, res.err.Error(), secret)
					assert.LessOrEqual(t, res.took, latency)
				}
				assert.NotContains(t, log.String(), secret)
				assert.Empty(t, f.lockKeyAfter())

				good.within(time.Second)
				bad.within(time.Second)
				f.nothingLeft()
			})
		})
	}
}

// credential is the credential that the fleet's replicas share.
func (f *fleet) credential() tokencache.Credential {
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: f.issuer.AppID(), AppSecret: tokencache.NewSecret(f.issuer.AppSecret())})
	require.NoError(f.t, err)
	return feishu.Credential()
}

// F8: a replica is asked to end while it holds the lock. Close lets the call
// finish, publishes and releases; who waits is told at once.
func TestF8CloseWhileHolding(t *testing.T) {
	t.Run("issuer answers", func(t *testing.T) {
		virtual(t, feishutest.Config{Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
			r, other := f.replica(), f.replica()
			got := r.getting(t.Context())
			time.Sleep(time.Second)
			waiting := other.getting(t.Context())
			start := time.Now()
			require.NoError(t, r.cache.Close())
			assert.Equal(t, 2*time.Second, time.Since(start))
			assert.Empty(t, f.lockKeyAfter())
			assert.NotEmpty(t, f.stored())
			require.ErrorIs(t, (<-got).err, tokencache.ErrClosed)
			require.NoError(t, (<-waiting).err)
			assert.Equal(t, 1, f.stats().Calls)
		})
	})
	t.Run("issuer does not", func(t *testing.T) {
		virtual(t, feishutest.Config{Latency: time.Hour}, func(t *testing.T, f *fleet) {
			r := f.replica()
			got := r.getting(t.Context())
			time.Sleep(time.Second)
			start := time.Now()
			require.NoError(t, r.cache.Close())
			assert.Equal(t, 9*time.Second, time.Since(start))
			require.Error(t, (<-got).err)
			assert.Empty(t, f.lockKeyAfter())
		})
	})
	t.Run("neither does redis", func(t *testing.T) {
		virtual(t, feishutest.Config{Latency: time.Hour}, func(t *testing.T, f *fleet) {
			r := f.replica()
			r.getting(t.Context())
			time.Sleep(time.Second)
			r.link.Silence(true)
			start := time.Now()
			require.NoError(t, r.cache.Close())
			assert.Less(t, time.Since(start), 14*time.Second)
			time.Sleep(5 * time.Second)
			assert.Empty(t, f.lockKeyAfter(), "the lease is over")
		})
	})
}
