package tokencache_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// reachableAgain is how long after the first command without an answer Redis counts as
// reachable, if new connections are sound: that command's time, the first wait, what old
// connections get, and the time over which fills begin.
const reachableAgain = time.Second + 300*time.Millisecond + 250*time.Millisecond + 20*time.Millisecond + 10*time.Millisecond

// F15: a firewall has forgotten all connections of the pool, and each swallows what is
// sent. New ones are sound. The pool heals at once, not at one command per connection.
func TestF15HalfOpenPool(t *testing.T) {
	forEver := func(o *redis.Options) { o.ReadTimeout, o.WriteTimeout = -2, -2 }
	untilRead := func(o *redis.Options) { o.ReadTimeout = -1 }
	for name, c := range map[string]struct {
		connections int
		client      func(*redistest.Bubble) redis.UniversalClient
	}{
		"default":  {20, func(b *redistest.Bubble) redis.UniversalClient { return b.Client("us", atLeisure) }},
		"punctual": {20, func(b *redistest.Bubble) redis.UniversalClient { return b.Client("us", promptly) }},
		"cluster":  {20, func(b *redistest.Bubble) redis.UniversalClient { return clusterOf(b, "us") }},
		"foreign": {20, func(b *redistest.Bubble) redis.UniversalClient {
			return struct{ redis.UniversalClient }{b.Client("us")}
		}},
		"no time-out to read": {20, func(b *redistest.Bubble) redis.UniversalClient { return b.Client("us", atLeisure, untilRead) }},
		"no deadlines":        {20, func(b *redistest.Bubble) redis.UniversalClient { return b.Client("us", promptly, forEver) }},
		"one for ever": {1, func(b *redistest.Bubble) redis.UniversalClient {
			return b.Client("us", atLeisure, untilRead, func(o *redis.Options) { o.PoolSize = 1 })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := redistest.NewBubble(t)
				link, rdb := b.Link("us"), c.client(b)
				cache, _ := cacheOn(t, rdb, true)
				pool(t, rdb, link, c.connections)
				link.Mute()
				took := untilGot(t, cache.Source(app(0)))
				assert.LessOrEqual(t, took, reachableAgain)
				if name != "foreign" {
					time.Sleep(2 * time.Second)
					for range 2 * c.connections {
						require.NoError(t, rdb.Ping(t.Context()).Err(), "no dead connection is left for others")
					}
				}

				require.NoError(t, cache.Close())
				time.Sleep(10 * time.Second)
				assert.Equal(t, int(rdb.PoolStats().TotalConns), link.Open(), "a connection is left")
				assert.NoError(t, rdb.Close())
				time.Sleep(3 * time.Second)
			})
		})
	}
}

// F15, I3: the issuer is asked directly by those who come while Redis is out of reach,
// which ends soon.
func TestF15HalfOpenPoolCostsFewDirectCalls(t *testing.T) {
	for name, option := range map[string]func(*redis.Options){"default": atLeisure, "punctual": promptly} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := redistest.NewBubble(t)
				link, rdb := b.Link("us"), b.Client("us", option)
				cache, direct := cacheOn(t, rdb, false)
				pool(t, rdb, link, 20)
				link.Mute()
				for i := range 100 { // a new credential each second
					_, err := cache.Source(app(i)).Get(t.Context())
					require.NoError(t, err)
					time.Sleep(time.Second)
				}
				assert.LessOrEqual(t, direct(), 2)
				require.NoError(t, cache.Close())
			})
		})
	}
}

// F15, F17: an ACL that forbids the channel answers, too. And a Redis that answers
// nobody is left in peace, and let go of by Close.
func TestF15ProbeIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := redistest.NewBubble(t)
		link, rdb := b.Link("us"), b.Client("us")
		cache, _ := cacheOn(t, rdb, true)
		pool(t, rdb, link, 3)
		defer link.Fail("NOPERM this user has no permissions to access one of the channels", redistest.Commands("SUBSCRIBE"))()
		defer link.Fail("NOPERM this user has no permissions to run the 'time' command", redistest.Commands("TIME"))()
		link.Mute()
		assert.LessOrEqual(t, untilGot(t, cache.Source(app(0))), reachableAgain)
		require.NoError(t, cache.Close())
	})
}

func TestF15ProberEndsWithTheCache(t *testing.T) {
	for name, silence := range silences {
		for when, wait := range map[string]time.Duration{"while it waits": 10 * time.Second, "while it asks": 400 * time.Millisecond} {
			t.Run(name+" "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := redistest.NewBubble(t)
					link, rdb := b.Link("us"), b.Client("us")
					cache, _ := cacheOn(t, rdb, true)
					pool(t, rdb, link, 3)
					silence(link)
					_, err := cache.Source(app(0)).Get(t.Context())
					require.Error(t, err)
					time.Sleep(wait / 2)
					before := link.Dials()
					time.Sleep(wait / 2)
					dials := link.Dials() - before
					begin := time.Now()
					require.NoError(t, cache.Close())
					assert.LessOrEqual(t, time.Since(begin), 2*time.Second)
					assert.LessOrEqual(t, dials, 20, "left in peace, but for what go-redis goes on with")
					require.NoError(t, rdb.Close())
					link.Heal()
					time.Sleep(40 * time.Second) // the client's own time-outs are over
					assert.Zero(t, link.Open())
				})
			})
		}
	}
}

// F15: the same with sockets.
func TestF15HalfOpenPoolOfSockets(t *testing.T) {
	server := redistest.StartServer(t)
	proxy := redistest.NewProxy(t, server.Addr())
	for name, option := range map[string]func(*redis.Options){"default": atLeisure, "punctual": promptly} {
		t.Run(name, func(t *testing.T) {
			rdb := proxy.Client(t, option)
			cache, _ := cacheOn(t, rdb, true)
			defer cache.Close()
			pool(t, rdb, proxy.Link, 20)
			proxy.Mute()
			_, err := cache.Source(app(0)).Get(t.Context())
			require.ErrorIs(t, err, tokencache.ErrRedis)
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second) // 78 s it would take, one by one
			defer cancel()
			for err != nil && ctx.Err() == nil {
				_, err = cache.Source(app(0)).Get(ctx)
			}
			require.NoError(t, err)
		})
	}
}

// pool has a client open so many connections.
func pool(t *testing.T, rdb redis.UniversalClient, link *redistest.Link, n int) {
	t.Helper()
	require.NoError(t, rdb.Ping(t.Context()).Err()) // what a ClusterClient asks first, it asks under a mutex
	link.Delay(10 * time.Millisecond)
	var open sync.WaitGroup
	for range n {
		open.Go(func() { assert.NoError(t, rdb.Ping(t.Context()).Err()) })
	}
	open.Wait()
	link.Delay(0)
	require.Equal(t, n, int(rdb.PoolStats().IdleConns))
}

// app is a credential whose issuer always has a token.
func app(i int) tokencache.Fetcher {
	issuer := tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "test", App: fmt.Sprintf("app%d", i)})
	return tokencache.FetchFunc(issuer, func(context.Context) (tokencache.Token, error) {
		return tokencache.NewToken("a-"+issuer.App(), "", time.Hour), nil
	})
}

// cacheOn counts direct calls.
func cacheOn(t *testing.T, rdb redis.UniversalClient, noDirect bool) (c *tokencache.Cache, direct func() int) {
	t.Helper()
	var mu sync.Mutex
	calls := 0
	c, err := tokencache.New(rdb, tokencache.Config{
		NoDirect: noDirect, Logger: slog.New(slog.DiscardHandler),
		Observe: func(e tokencache.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Kind == tokencache.EventDirectCall {
				calls++
			}
		},
	})
	require.NoError(t, err)
	return c, func() int {
		mu.Lock()
		defer mu.Unlock()
		return calls
	}
}

// untilGot is how long it takes until a Get that needs Redis succeeds.
func untilGot(t *testing.T, s *tokencache.Source) time.Duration {
	t.Helper()
	begin := time.Now()
	for time.Since(begin) < 5*time.Minute {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err := s.Get(ctx)
		cancel()
		if err == nil {
			return time.Since(begin)
		}
		require.ErrorIs(t, err, tokencache.ErrRedis)
	}
	require.Fail(t, "Redis is never reachable again")
	return 0
}

// clusterOf is a client of a Cluster with one node: the Redis of the bubble.
func clusterOf(b *redistest.Bubble, name string, mods ...func(*redis.ClusterOptions)) *redis.ClusterClient {
	o := &redis.ClusterOptions{
		PoolSize: 100, DisableIdentity: true,
		ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
			return []redis.ClusterSlot{{End: 16383, Nodes: []redis.ClusterNode{{Addr: "127.0.0.1:6379"}}}}, nil
		},
		Dialer: b.Client(name).Options().Dialer,
	}
	for _, mod := range mods {
		mod(o)
	}
	return redis.NewClusterClient(o)
}
