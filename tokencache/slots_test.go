package tokencache

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

var aLook = []string{"p:{x}:token", "p:{x}:lock", "p:{x}:failure"}

// F59: more commands at once than the client has connections. Each has its time from when
// it has one, and what keeps or ends a lease goes first.
func TestF59CommandsQueueOutsideTheirTime(t *testing.T) {
	for client, option := range map[string]func(*redis.Options){"default": atLeisure, "punctual": promptly} {
		t.Run(client, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := redistest.NewBubble(t)
				g, breaker := narrow(t, b, 2, option)
				require.NoError(t, g.Eval(t.Context(), "return 1", nil).Err())
				b.Link("us").Delay(300 * time.Millisecond)
				begin := time.Now()
				looks := make(chan error, 40)
				for range 40 {
					go func() { looks <- g.Eval(t.Context(), "return 1", aLook).Err() }()
				}
				synctest.Wait()
				require.NoError(t, g.Eval(t.Context(), "return 1", []string{"p:{x}:lock"}).Err(), "an extension, a release")
				assert.LessOrEqual(t, time.Since(begin), 1300*time.Millisecond, "it does not wait for 40 looks")
				for range 40 {
					require.NoError(t, <-looks)
				}
				assert.Greater(t, time.Since(begin), 6*time.Second)
				assert.True(t, breaker.allow())
			})
		})
	}
}

// F15: those who queue are turned away as soon as Redis is found silent, or when their ctx
// ends, which says nothing about Redis.
func TestF15NobodyQueuesForASilentRedis(t *testing.T) {
	for client, option := range map[string]func(*redis.Options){"default": atLeisure, "punctual": promptly} {
		t.Run(client, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := redistest.NewBubble(t)
				g, breaker := narrow(t, b, 1, option)
				require.NoError(t, g.Publish(t.Context(), "c", "m"))
				b.Link("us").Mute()
				begin := time.Now()
				first := make(chan error, 1)
				go func() { first <- g.Publish(t.Context(), "c", "m") }()
				synctest.Wait()

				short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				require.ErrorIs(t, g.Publish(short, "c", "m"), context.DeadlineExceeded)
				assert.Equal(t, 100*time.Millisecond, time.Since(begin))
				assert.True(t, breaker.allow())

				err := g.Publish(t.Context(), "c", "m")
				require.ErrorContains(t, err, "redis paused: since redis timeout: context deadline exceeded: check")
				assert.Equal(t, time.Second, time.Since(begin))
				require.ErrorIs(t, <-first, context.DeadlineExceeded)
				assert.False(t, breaker.allow())
				assert.Equal(t, TroublePaused, redisErrorOf(err, "k").Trouble)
				assert.Equal(t, "k", redisErrorOf(err, "k").ID)
				require.NotErrorIs(t, err, context.DeadlineExceeded, "nobody was asked in vain")
				time.Sleep(10 * time.Second)
			})
		})
	}
}

// F59: the user's own commands have all connections, and the pool says so in time. That is
// no silence of Redis. Outside of a bubble: see TestF15GuardWaitsForNoConnection.
func TestF59PoolInUseIsNoSilence(t *testing.T) {
	server := redistest.StartServer(t)
	for name, c := range map[string]struct {
		option func(*redis.Options)
		cause  error
	}{
		"all in use": {func(o *redis.Options) { o.PoolSize, o.PoolTimeout = 1, time.Millisecond }, redis.ErrPoolTimeout},
		"no more":    {func(o *redis.Options) { o.PoolSize, o.MaxActiveConns = 2, 1 }, redis.ErrPoolExhausted},
	} {
		t.Run(name, func(t *testing.T) {
			rdb := server.Client(t, c.option, func(o *redis.Options) { o.MaxRetries = -1 })
			busy := rdb.Conn()
			defer func() { _ = busy.Close() }()
			require.NoError(t, busy.Ping(t.Context()).Err())
			b := lonely()
			err := newGuard(rdb, 10*time.Second, b).Publish(t.Context(), "c", "m")
			require.ErrorIs(t, err, c.cause)
			assert.True(t, b.allow())
			e := redisErrorOf(err, "k")
			assert.Equal(t, TroublePool, e.Trouble)
			assert.Contains(t, e.Error(), "raise PoolSize")
		})
	}
}

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1)
		require.NoError(t, s.take(t.Context(), behind, nil))
		assert.False(t, s.takeFree())
		var order []string
		come := func(name string, r turn) {
			go func() {
				if s.take(t.Context(), r, nil) == nil {
					order = append(order, name)
					s.give()
				}
			}()
			synctest.Wait()
		}
		come("look 1", behind)
		come("look 2", behind)
		come("release", ahead)
		left, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("left"))
		require.ErrorIs(t, s.take(left, ahead, nil), context.Canceled)
		s.give()
		synctest.Wait()
		assert.Equal(t, []string{"release", "look 1", "look 2"}, order)
		assert.True(t, s.takeFree())
	})
}

func TestConnectionsOf(t *testing.T) {
	for name, c := range map[string]struct {
		client redis.UniversalClient
		want   int
	}{
		"pool":           {redis.NewClient(&redis.Options{PoolSize: 7}), 7},
		"no more at all": {redis.NewClient(&redis.Options{PoolSize: 7, MaxActiveConns: 3}), 3},
		"wrapped":        {struct{ *redis.Client }{redis.NewClient(&redis.Options{PoolSize: 7})}, 7},
		"one node's":     {redis.NewClusterClient(&redis.ClusterOptions{PoolSize: 5}), 5},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() { assert.NoError(t, c.client.Close()) }()
			assert.Equal(t, c.want, connectionsOf(c.client))
		})
	}
}

// narrow is a guard whose client has so many connections.
func narrow(t *testing.T, b *redistest.Bubble, n int, mods ...func(*redis.Options)) (*guard, *breaker) {
	return guarded(t, b, append(mods, func(o *redis.Options) { o.PoolSize = n })...)
}
