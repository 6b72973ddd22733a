package tokencache_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// The schedule is that of Feishu's documented lives, and the refresh comes when it says.
func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := tokencachetest.New(t)
		issuer := tokencachetest.NewFetcher("cli_test")
		source := cache.Source(issuer)
		_, ok := source.Schedule()
		assert.False(t, ok, "there is no token yet")

		tok, err := source.Get(t.Context())
		require.NoError(t, err)
		plan, ok := source.Schedule()
		require.True(t, ok)
		assert.True(t, plan.Token.Equal(tok))
		assert.InDelta(t, 2*time.Hour, plan.Remaining, float64(time.Second))
		assert.Equal(t, 2*time.Hour, plan.Life)
		assert.Equal(t, 29*time.Minute+30*time.Second, plan.Window)
		assert.Equal(t, 10*time.Second, plan.Margin)
		assert.Greater(t, plan.Refresh, plan.Remaining-plan.Window)

		go func() { _ = cache.Run(t.Context()) }()
		synctest.Wait()
		plan, _ = source.Schedule()
		assert.InDelta(t, plan.Remaining-plan.Window, plan.Refresh, float64(30*time.Second), "a refresher goes first")
		time.Sleep(plan.Refresh - time.Second)
		later, _ := source.Schedule()
		assert.Equal(t, plan.Life, later.Life, "whatever is left of it")
		assert.Equal(t, 1, issuer.Calls())
		time.Sleep(2 * time.Second)
		assert.Equal(t, 2, issuer.Calls())
		next, _ := source.Schedule()
		assert.False(t, next.Token.Equal(tok))

		require.NoError(t, source.Close())
		_, ok = source.Schedule()
		assert.False(t, ok)
	})
}

// What is due says 0, and not less.
func TestScheduleOfWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := tokencachetest.New(t)
		var calls atomic.Int32
		source := cache.Source(tokencache.FetchFunc(tokencachetest.Credential("cli_test", 30*time.Minute), func(context.Context) (tokencache.Token, error) {
			if calls.Add(1) > 1 {
				return tokencache.Token{}, &tokencache.IssuerError{Issuer: "x", Class: tokencache.ClassPermanent}
			}
			return tokencache.NewToken("t", "", 2*time.Hour), nil
		}))
		go func() { _ = cache.Run(t.Context()) }()
		_, err := source.Get(t.Context())
		require.NoError(t, err)
		time.Sleep(110 * time.Minute)
		plan, ok := source.Schedule()
		require.True(t, ok)
		assert.Zero(t, plan.Refresh)
		assert.InDelta(t, 10*time.Minute, plan.Remaining, float64(time.Second))
		assert.Greater(t, calls.Load(), int32(1))
	})
}
