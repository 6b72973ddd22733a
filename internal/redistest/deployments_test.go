package redistest_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// lateness is how long a successor may take, on a busy machine.
const lateness = 20 * time.Second

func TestClusterFailsOver(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	rdb := c.Client(t)
	spread := map[*redistest.Server]int{}
	for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
		require.NoError(t, rdb.Set(t.Context(), key, key, 0).Err())
		spread[c.Owner(key)]++
		assert.Equal(t, int64(1), c.Owner(key).Exec("EXISTS", key))
	}
	assert.Len(t, spread, len(c.Primaries()))

	c.Owner("a").Kill()
	require.Eventually(t, func() bool {
		rdb.ReloadState(t.Context()) // by itself it looks once a minute
		return rdb.Set(t.Context(), "a", "after", 0).Err() == nil
	}, lateness, 50*time.Millisecond)
	assert.Equal(t, int64(1), c.Heir("a").Exec("EXISTS", "a"))
}

func TestClusterMovesASlot(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	rdb, ctx := c.Client(t), t.Context()
	a, b := "{slot}a", "{slot}b"
	require.NoError(t, rdb.MSet(ctx, a, "1", b, "2").Err())
	from := c.Owner(a)

	slot := c.Move(a)
	require.NotSame(t, from, slot.To())
	assert.Equal(t, "1", rdb.Get(ctx, a).Val(), "where it was")
	assert.ErrorContains(t, from.Client(t).Get(ctx, "{slot}none").Err(), "ASK ")
	slot.Migrate(a)
	slot.Migrate(a)
	assert.Equal(t, "1", rdb.Get(ctx, a).Val(), "where it is asked for")
	assert.Equal(t, "2", rdb.Get(ctx, b).Val())
	assert.ErrorContains(t, from.Client(t).MGet(ctx, a, b).Err(), "TRYAGAIN ")

	slot.Finish()
	assert.ErrorContains(t, from.Client(t).Get(ctx, a).Err(), "MOVED ")
	assert.Equal(t, []any{"1", "2"}, rdb.MGet(ctx, a, b).Val())
	assert.Equal(t, int64(2), slot.To().Exec("DBSIZE"))
}

func TestSentinelFailsOver(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]func(s *redistest.Sentinel){
		"told to": func(s *redistest.Sentinel) { s.Failover() },
		"killed":  func(s *redistest.Sentinel) { s.Primary().Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.StartSentinel(t)
			rdb := s.Client(t)
			require.NoError(t, rdb.Set(t.Context(), "k", "before", 0).Err())
			cause(s)
			require.Eventually(t, func() bool {
				return rdb.Set(t.Context(), "k", "after", 0).Err() == nil && s.Replica().Exec("GET", "k") == "after"
			}, lateness, 50*time.Millisecond)
		})
	}
}

func TestSentinelsFallSilent(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t)
	client := func() *redis.Client {
		return s.Client(t, func(o *redis.FailoverOptions) { o.DialTimeout, o.ReadTimeout, o.MaxRetries = patience, patience, -1 })
	}
	s.Sentinels()[0].Pause()
	require.NoError(t, set(client(), "k"), "the others tell")
	for _, watch := range s.Sentinels()[1:] {
		watch.Pause()
	}
	assert.ErrorContains(t, set(client(), "k"), "all sentinels")
}

func TestTLSServerWantsACertificate(t *testing.T) {
	s := redistest.StartTLSServer(t)
	require.NoError(t, set(s.Client(t), "k"))
	require.Error(t, set(s.Server.Client(t, hasty), "k"), "no TLS")
	stranger := func(o *redis.Options) { o.TLSConfig = s.Stranger() }
	require.Error(t, set(s.Client(t, hasty, stranger), "k"))
	open := redistest.StartTLSServer(t, "--tls-auth-clients", "no")
	require.NoError(t, set(open.Client(t, func(o *redis.Options) { o.TLSConfig = open.Stranger() }), "k"))
}
