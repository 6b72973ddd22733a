package redistest_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

func TestProxy(t *testing.T) {
	s := redistest.StartServer(t)
	for name, f := range map[string]func(t *testing.T, p *redistest.Proxy, rdb *redis.Client){
		"refuse": func(t *testing.T, p *redistest.Proxy, rdb *redis.Client) {
			p.Refuse(true)
			require.NoError(t, set(rdb, "k"), "the open connection stays")
			p.Down()
			require.ErrorIs(t, set(rdb, "k"), syscall.ECONNREFUSED)
			p.Refuse(false)
			require.NoError(t, set(rdb, "k"))
		},
		"black hole": func(t *testing.T, p *redistest.Proxy, rdb *redis.Client) {
			p.BlackHole(true)
			require.NoError(t, set(rdb, "k"), "the open connection stays")
			p.Cut()
			assert.GreaterOrEqual(t, took(func() { require.Error(t, set(rdb, "k")) }), patience)
			p.BlackHole(false)
			require.NoError(t, set(rdb, "k"))
		},
		"silence in mid-session": func(t *testing.T, p *redistest.Proxy, rdb *redis.Client) {
			p.Silence(true)
			assert.GreaterOrEqual(t, took(func() { require.Error(t, set(rdb, "k")) }), patience)
			assert.GreaterOrEqual(t, took(func() { require.Error(t, set(rdb, "k")) }), patience, "on a new connection")
			p.Silence(false)
			require.NoError(t, set(rdb, "k"))
		},
		"delay": func(t *testing.T, p *redistest.Proxy, rdb *redis.Client) {
			p.Delay(100 * time.Millisecond)
			assert.GreaterOrEqual(t, took(func() { require.NoError(t, set(rdb, "k")) }), 100*time.Millisecond)
		},
		"dropped reply": func(t *testing.T, p *redistest.Proxy, rdb *redis.Client) {
			before := rdb.Incr(t.Context(), "n").Val()
			p.DropReplies(1, nil)
			require.Error(t, rdb.Incr(t.Context(), "n").Err())
			assert.Equal(t, before+2, rdb.Incr(t.Context(), "n").Val())
		},
		"cut reply": func(t *testing.T, p *redistest.Proxy, rdb *redis.Client) {
			p.CutReplies(1, redistest.Commands("GET"))
			got, err := rdb.Get(t.Context(), "k").Result()
			require.Error(t, err)
			assert.Empty(t, got)
			assert.Equal(t, "v", rdb.Get(t.Context(), "k").Val())
		},
		"late reply": func(t *testing.T, p *redistest.Proxy, rdb *redis.Client) {
			before := rdb.Incr(t.Context(), "late").Val()
			p.DelayReplies(1, time.Hour, nil)
			require.Error(t, rdb.Incr(t.Context(), "late").Err())
			assert.Equal(t, before+2, rdb.Incr(t.Context(), "late").Val())
		},
		"sent twice": func(t *testing.T, p *redistest.Proxy, rdb *redis.Client) {
			before := rdb.Incr(t.Context(), "twice").Val()
			p.Repeat(1, nil)
			assert.Equal(t, before+2, rdb.Incr(t.Context(), "twice").Val())
			assert.Equal(t, before+3, rdb.Incr(t.Context(), "twice").Val())
		},
		"failed command": func(t *testing.T, p *redistest.Proxy, rdb *redis.Client) {
			p.Fail("OOM full", nil)
			require.EqualError(t, set(rdb, "k"), "OOM full")
		},
		"lost messages": func(t *testing.T, p *redistest.Proxy, rdb *redis.Client) {
			p.LoseMessages(true)
			sub := rdb.Subscribe(t.Context(), "c")
			defer func() { _ = sub.Close() }()
			_, err := sub.Receive(t.Context())
			require.NoError(t, err)
			assert.Equal(t, int64(1), rdb.Publish(t.Context(), "c", "lost").Val())
			_, err = sub.ReceiveTimeout(t.Context(), 100*time.Millisecond)
			require.Error(t, err)
			p.LoseMessages(false)
			require.NoError(t, rdb.Publish(t.Context(), "c", "heard").Err())
			msg, err := sub.ReceiveMessage(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "heard", msg.Payload)
		},
		"target down": func(t *testing.T, p *redistest.Proxy, _ *redis.Client) {
			s.Kill()
			defer s.Restart()
			require.Error(t, set(p.Client(t, hasty), "k"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := redistest.NewProxy(t, s.Addr())
			rdb := p.Client(t, hasty)
			require.NoError(t, set(rdb, "k"))
			f(t, p, rdb)
		})
	}
}

func TestEachIsTheSameTwice(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		rdb := env.Client("a", hasty)
		require.NoError(t, set(rdb, "k"))
		assert.Equal(t, "v", env.Admin().Get(t.Context(), "k").Val())
		assert.Equal(t, map[string]int{"SET": 1}, env.Link("a").Counts())

		env.Link("a").Down()
		require.ErrorIs(t, set(rdb, "k"), syscall.ECONNREFUSED)
		require.NoError(t, set(env.Client("b"), "k"), "each has a link of its own")
		env.Link("a").Heal()
		require.NoError(t, set(rdb, "k"))

		start := time.Now()
		if env.Virtual() {
			time.Sleep(time.Hour)
			assert.Equal(t, time.Hour, time.Since(start))
		}
	})
}
