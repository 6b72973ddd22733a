package tokencachetest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

func mustFetch(t *testing.T, f *tokencachetest.Fetcher) tokencache.Token {
	t.Helper()
	tok, err := f.Fetch(t.Context())
	require.NoError(t, err)
	return tok
}

func TestFetcherKeepsItsTokenUntilTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := tokencachetest.NewFetcher("cli")
		assert.True(t, f.Current().IsZero())
		assert.Zero(t, f.Calls())

		first := mustFetch(t, f)
		assert.Equal(t, "cli-app-1", first.AppAccessToken())
		assert.Equal(t, "cli-tenant-1", first.TenantAccessToken())
		ends := time.Now().Add(2 * time.Hour)
		assert.Equal(t, ends, first.Expiry())

		time.Sleep(90 * time.Minute)
		again := mustFetch(t, f)
		assert.True(t, again.Equal(first), "30 min left")
		assert.Equal(t, ends, again.Expiry(), "the same end")

		time.Sleep(time.Nanosecond)
		second := mustFetch(t, f)
		assert.Equal(t, "cli-app-2", second.AppAccessToken(), "30 min - 1 ns left")
		assert.True(t, f.Current().Equal(second))
		assert.Equal(t, 3, f.Calls())
	})
}

func TestFetcherRotates(t *testing.T) {
	f := tokencachetest.NewFetcher("cli")
	first := mustFetch(t, f)
	f.Rotate()
	f.Rotate()
	assert.True(t, f.Current().Equal(first), "at the next call")
	assert.Equal(t, "cli-app-2", mustFetch(t, f).AppAccessToken())
	assert.Equal(t, "cli-app-2", mustFetch(t, f).AppAccessToken(), "once")
}

func TestFetcherFailsAndHeals(t *testing.T) {
	f := tokencachetest.NewFetcher("cli")
	f.Fail(errors.New("down"))
	_, err := f.Fetch(t.Context())
	require.EqualError(t, err, "down")
	f.Heal()
	mustFetch(t, f)
	assert.Equal(t, 2, f.Calls())
}

func TestFetcherTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := tokencachetest.NewFetcher("cli")
		start := time.Now()
		mustFetch(t, f)
		assert.Zero(t, time.Since(start))

		f.SetLatency(time.Second)
		mustFetch(t, f)
		assert.Equal(t, time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := f.Fetch(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 1100*time.Millisecond, time.Since(start))
	})
}

func TestFetcherOfShortLives(t *testing.T) {
	f := tokencachetest.NewFetcher("cli")
	f.SetLife(20 * time.Second)
	first := mustFetch(t, f)
	assert.WithinDuration(t, time.Now().Add(20*time.Second), first.Expiry(), 10*time.Second)
	assert.False(t, mustFetch(t, f).Equal(first))
}

func TestFleetOfCaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rdb, m := tokencachetest.NewRedis(t)
		f := tokencachetest.NewFetcher("cli")
		f.SetLatency(130 * time.Millisecond)
		var all sync.WaitGroup
		for range 20 {
			source := tokencachetest.On(t, rdb).Source(f)
			all.Go(func() {
				for range 24 * 6 {
					tok, err := source.Get(t.Context())
					assert.NoError(t, err)
					assert.True(t, time.Now().Before(tok.Expiry()))
					time.Sleep(10 * time.Minute)
				}
			})
		}
		all.Wait()
		assert.InDelta(t, 24*60/95, f.Calls(), 2, "one in a rotation")
		assert.NotEmpty(t, m.Keys())
	})
}

func TestCacheOutsideOfABubble(t *testing.T) {
	var heard sync.Map
	cache := tokencachetest.New(t, tokencache.Config{Prefix: "mine", Observe: func(e tokencache.Event) { heard.Store(e.Kind, true) }})
	f := tokencachetest.NewFetcher("cli")
	tok, err := cache.Source(f).Get(t.Context())
	require.NoError(t, err)
	assert.True(t, tok.Equal(f.Current()))
	_, ok := heard.Load(tokencache.EventCall)
	assert.True(t, ok, "the Config is used")
}

func TestCachesAreApart(t *testing.T) {
	f := tokencachetest.NewFetcher("cli")
	for range 2 {
		_, err := tokencachetest.New(t).Source(f).Get(t.Context())
		require.NoError(t, err)
	}
	assert.Equal(t, 2, f.Calls(), "each has a Redis of its own")
}

func TestBrokenRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rdb, m := tokencachetest.NewRedis(t)
		source := tokencachetest.On(t, rdb, tokencache.Config{NoDirect: true}).Source(tokencachetest.NewFetcher("cli"))
		m.SetError("LOADING Redis is loading the dataset in memory")
		_, err := source.Get(t.Context())
		require.ErrorIs(t, err, tokencache.ErrRedis)
		m.SetError("")
		time.Sleep(10 * time.Second)
		_, err = source.Get(t.Context())
		require.NoError(t, err)
	})
}

// fatal is a testing.TB that records a Fatal instead of ending the test.
type fatal struct {
	testing.TB
	said []any
}

func (f *fatal) Fatal(args ...any) {
	f.said = args
	panic(f)
}

func TestBadConfigIsFatal(t *testing.T) {
	for name, configs := range map[string][]tokencache.Config{
		"Prefix":               {{Prefix: "{}"}},
		"more than one Config": {{}, {}},
	} {
		tb := &fatal{TB: t}
		assert.Panics(t, func() { tokencachetest.New(tb, configs...) })
		assert.Contains(t, fmt.Sprint(tb.said...), name)
	}
}
