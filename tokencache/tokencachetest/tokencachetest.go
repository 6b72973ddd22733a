// Package tokencachetest is for the tests of services that use tokencache: a
// Cache on a Redis of the test's own, in memory, and a Fetcher that can be told
// what to do. Nothing leaves the process, and nothing is left behind.
//
//	cache := tokencachetest.New(t)
//	fetcher := tokencachetest.NewFetcher("cli_test")
//	service := NewService(cache.Source(fetcher))
//
// Everything works inside a testing/synctest bubble too, where a token's two
// hours take no time; see the examples.
package tokencachetest

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/onetoken-go/onetoken/tokencache"
)

// New returns a Cache on a Redis of its own, which nobody else sees. Both close
// when the test ends. At most one Config; without a Logger it is silent.
//
// In a bubble, use the bubble's own t.
func New(t testing.TB, config ...tokencache.Config) *tokencache.Cache {
	t.Helper()
	rdb, _ := NewRedis(t)
	return On(t, rdb, config...)
}

// On returns a Cache on a client of [NewRedis]: several on one are as many
// replicas of a fleet. It closes when the test ends.
func On(t testing.TB, rdb redis.UniversalClient, config ...tokencache.Config) *tokencache.Cache {
	t.Helper()
	var c tokencache.Config
	switch len(config) {
	case 0:
	case 1:
		c = config[0]
	default:
		t.Fatal("tokencachetest: more than one Config")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	cache, err := tokencache.New(rdb, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close() })
	return cache
}

// poolSize is above what a test has at once. A goroutine that waits for a
// connection waits for a mutex, which stops the time of a bubble.
const poolSize = 1000

// NewRedis returns a Redis in memory and a client of it, for tests that look
// into it, break it (SetError, FlushAll) or put several replicas [On] it. Time to
// live follows the clock. Both close when the test ends.
//
// They are connected without a socket: never Start the miniredis in a bubble.
func NewRedis(t testing.TB) (redis.UniversalClient, *miniredis.Miniredis) {
	t.Helper()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	rdb := redis.NewClient(&redis.Options{
		Addr:     "127.0.0.1:6379", // never dialled, but looked up if it were a name
		Dialer:   func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
		PoolSize: poolSize,
		// miniredis knows neither.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() {
		_ = rdb.Close()
		m.Close()
	})
	return rdb, m
}

// What a Fetcher does unless it is told otherwise, as Feishu would.
const (
	window = 30 * time.Minute
	life   = 2 * time.Hour
)
