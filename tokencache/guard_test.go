package tokencache

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

func TestF15GuardLeavesSilenceBehind(t *testing.T) {
	commands := map[string]func(context.Context, *guard) error{
		"EvalSha": func(ctx context.Context, g *guard) error { return g.EvalSha(ctx, "x", nil).Err() },
		"Eval":    func(ctx context.Context, g *guard) error { return g.Eval(ctx, "return 1", nil).Err() },
		"Publish": func(ctx context.Context, g *guard) error { return g.Publish(ctx, "c", "m") },
		"PExpire": func(ctx context.Context, g *guard) error { return g.PExpire(ctx, "k", time.Second) },
	}
	for name, run := range commands {
		for fault, cause := range map[string]func(*redistest.Link){
			"dial hangs":   func(l *redistest.Link) { l.BlackHole(true); l.Cut() },
			"set-up hangs": func(l *redistest.Link) { l.Silence(true); l.Cut() },
			"silent":       func(l *redistest.Link) { l.Silence(true) },
			"slow by 2 s":  func(l *redistest.Link) { l.Delay(2 * time.Second) },
			"fell silent":  func(l *redistest.Link) { l.Mute() },
		} {
			for client, option := range map[string]func(*redis.Options){"default": atLeisure, "punctual": promptly} {
				t.Run(name+" "+fault+" "+client, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						b := redistest.NewBubble(t)
						g, breaker := guarded(t, b, option)
						require.Equal(t, client == "punctual", g.punctual)
						require.NoError(t, g.Eval(t.Context(), "return 1", nil).Err())
						cause(b.Link("us"))
						start := time.Now()
						err := run(t.Context(), g)
						require.ErrorIs(t, err, context.DeadlineExceeded)
						assert.Equal(t, TroubleTimeout, redisTrouble(err))
						assert.Equal(t, time.Second, time.Since(start), "not go-redis' own time")
						assert.False(t, breaker.allow())
					})
				})
			}
		}
	}
}

// Nor does it wait for a connection that others do not give back. Go-redis keeps the timers
// of those who do for the whole process, so this is outside of a bubble.
func TestF15GuardWaitsForNoConnection(t *testing.T) {
	server := redistest.StartServer(t)
	for name, option := range map[string]func(*redis.Options){"default": atLeisure, "punctual": promptly} {
		t.Run(name, func(t *testing.T) {
			rdb := server.Client(t, option, func(o *redis.Options) { o.PoolSize, o.PoolTimeout = 1, time.Minute })
			busy := rdb.Conn()
			defer func() { _ = busy.Close() }()
			require.NoError(t, busy.Ping(t.Context()).Err())
			g := newGuard(rdb, 50*time.Millisecond, lonely())
			start := time.Now()
			require.ErrorIs(t, g.Publish(t.Context(), "c", "m"), context.DeadlineExceeded)
			assert.Less(t, time.Since(start), time.Minute)
		})
	}
}

// Which clients end a command in time is a matter of how they were made. Of a Cluster's
// we do not say so: a command may wait for another's question, who has which slots.
func TestPunctual(t *testing.T) {
	for name, c := range map[string]struct {
		client redis.UniversalClient
		want   bool
	}{
		"default":                {redis.NewClient(&redis.Options{}), false},
		"heeds deadlines":        {redis.NewClient(&redis.Options{ContextTimeoutEnabled: true}), true},
		"no deadlines to read":   {redis.NewClient(&redis.Options{ContextTimeoutEnabled: true, ReadTimeout: -2}), true},
		"no deadlines to write":  {redis.NewClient(&redis.Options{ContextTimeoutEnabled: true, WriteTimeout: -2}), true},
		"no time-out of its own": {redis.NewClient(&redis.Options{ContextTimeoutEnabled: true, ReadTimeout: -1}), true},
		"credentials by somebody": {redis.NewClient(&redis.Options{ContextTimeoutEnabled: true, CredentialsProvider: func() (string, string) {
			return "", ""
		}}), false},
		"Sentinel, heeds deadlines": {redis.NewFailoverClient(&redis.FailoverOptions{ContextTimeoutEnabled: true}), true},
		"Cluster, heeds deadlines":  {redis.NewClusterClient(&redis.ClusterOptions{ContextTimeoutEnabled: true}), false},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() { assert.NoError(t, c.client.Close()) }()
			assert.Equal(t, c.want, newGuard(c.client, time.Second, lonely()).punctual)
		})
	}
}

// A pipelining client returns a command before it has been sent, and waits when
// asked for the result.
func TestF15GuardLeavesAPromiseBehind(t *testing.T) {
	server := redistest.StartServer(t)
	proxy := redistest.NewProxy(t, server.Addr())
	promising, err := proxy.Client(t).AsyncAutoPipeline()
	require.NoError(t, err)
	defer promising.Close()
	breaker := lonely()
	g := newGuard(promising, 50*time.Millisecond, breaker)
	proxy.Silence(true)

	ended := make(chan error)
	go func() { ended <- g.Eval(context.Background(), "return 1", nil).Err() }()
	select {
	case err := <-ended:
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	case <-time.After(3 * time.Second): // the client's own
		assert.Fail(t, "waits for the client")
	}
	proxy.Heal() // or the client would wait to close
}

func TestGuardPassesAnswersOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := redistest.NewBubble(t)
		g, breaker := guarded(t, b)
		ctx := t.Context()
		got, err := g.Eval(ctx, "return ARGV[1]", nil, "x").Result()
		require.NoError(t, err)
		assert.Equal(t, "x", got)
		err = g.EvalSha(ctx, "0123456789012345678901234567890123456789", nil).Err()
		assert.True(t, redis.HasErrorPrefix(err, "NOSCRIPT"), "%v", err)
		require.NoError(t, g.Publish(ctx, "c", "m"))
		require.NoError(t, b.Admin().Set(ctx, "k", "v", 0).Err())
		require.NoError(t, g.PExpire(ctx, "k", time.Minute))
		assert.Equal(t, time.Minute, b.Admin().PTTL(ctx, "k").Val())
		assert.True(t, breaker.allow(), "a refusal is an answer")

		b.Link("us").Down()
		assert.False(t, answered(g.Publish(ctx, "c", "m")))
		assert.False(t, breaker.allow())
		b.Link("us").Heal()
		require.NoError(t, g.Publish(ctx, "c", "m"), "what has begun is still tried")
		assert.Len(t, breaker.answers, 1)
	})
}

// A caller who leaves says nothing about Redis.
func TestGuardDoesNotBlameRedisForItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := redistest.NewBubble(t)
		g, breaker := guarded(t, b)
		b.Link("us").Delay(500 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, g.Publish(ctx, "c", "m"), context.DeadlineExceeded)
		assert.Equal(t, 100*time.Millisecond, time.Since(start))
		assert.True(t, breaker.allow())
	})
}

// The result of a command left behind must not be written while its caller reads
// its own; the race detector watches.
func TestGuardKeepsResultsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := redistest.NewBubble(t)
		g, _ := guarded(t, b)
		require.NoError(t, g.Publish(t.Context(), "c", "m"))
		for i := range 20 {
			b.Link("us").Delay(time.Second + time.Duration(i-10)*time.Nanosecond)
			cmd := g.Eval(t.Context(), "return 1", nil)
			n, err := cmd.Int()
			if err == nil {
				assert.Equal(t, 1, n)
			}
		}
		b.Link("us").Heal()
	})
}

// A client whose dialer never ends is the worst there is: go-redis waits for it
// whatever the ctx.
func TestGuardSurvivesADialerThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var dials atomic.Int32
		rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, Dialer: func(context.Context, string, string) (net.Conn, error) {
			dials.Add(1)
			<-hang
			return nil, errors.New("gave up")
		}})
		g := newGuard(rdb, time.Second, lonely())
		start := time.Now()
		require.ErrorIs(t, g.Publish(t.Context(), "c", "m"), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))
		assert.Positive(t, dials.Load())
		close(hang)
		require.NoError(t, rdb.Close())
		time.Sleep(time.Minute) // go-redis dials in the background for a while
	})
}

// F22: a primary of a Cluster is dead, and go-redis would dial it for a minute to come,
// whoever has its slots by then.
func TestF22ClusterIsAskedForTheSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		rdb := redis.NewClusterClient(&redis.ClusterOptions{
			ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
				asked.Add(1)
				return []redis.ClusterSlot{{End: 16383, Nodes: []redis.ClusterNode{{Addr: "127.0.0.1:1"}}}}, nil
			},
			Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("dead") },
		})
		defer rdb.Close()
		g := newGuard(rdb, time.Second, lonely())
		rest := func() int32 { // until go-redis has cooled down
			time.Sleep(time.Second)
			synctest.Wait()
			return asked.Swap(0)
		}
		require.Error(t, rdb.Ping(t.Context()).Err(), "now it believes to know")
		rest()
		require.Error(t, g.Publish(t.Context(), "channel", "message"))
		assert.Equal(t, int32(1), rest(), "after a command without an answer")

		n := &notifier{rdb: rdb, timeout: time.Second, jitter: noJitter, spawn: func(f func()) bool { go f(); return true }, channels: map[string]*channel{"c": {confirmed: make(chan struct{})}}}
		n.mu.Lock()
		n.work()
		n.mu.Unlock()
		time.Sleep(900 * time.Millisecond)
		assert.Positive(t, rest(), "after a subscription that did not come about")
		n.close()
		rest()
	})
}
