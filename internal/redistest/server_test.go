package redistest_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// patience is long enough for a busy machine, as time is real here.
const patience = time.Second

// hasty makes a client that gives up after patience.
func hasty(o *redis.Options) {
	once(o)
	o.DialTimeout, o.ReadTimeout = patience, patience
}

func TestServerTakesArguments(t *testing.T) {
	s := redistest.StartServer(t, "--maxmemory", "1mb")
	assert.Equal(t, map[any]any{"maxmemory": "1048576"}, s.Exec("CONFIG", "GET", "maxmemory"))
	options, err := redis.ParseURL(s.URL())
	require.NoError(t, err)
	assert.Equal(t, s.Addr(), options.Addr)
	require.NoError(t, set(s.Client(t), "k"))
	assert.Equal(t, int64(1), s.Exec("DBSIZE"))
	info, err := os.Stat(s.Socket())
	require.NoError(t, err)
	assert.Equal(t, os.ModeSocket, info.Mode().Type())
}

func TestServerKillAndRestartEmpty(t *testing.T) {
	s := redistest.StartServer(t)
	rdb, addr := s.Client(t, hasty), s.Addr()
	require.NoError(t, set(rdb, "k"))
	s.Kill()
	require.ErrorIs(t, set(rdb, "k"), syscall.ECONNREFUSED)
	s.Restart()
	assert.Equal(t, addr, s.Addr())
	assert.Zero(t, rdb.Exists(t.Context(), "k").Val())
	s.Restart()
	require.NoError(t, set(rdb, "k"), "of one that runs")
}

func TestServerPauseAndContinue(t *testing.T) {
	s := redistest.StartServer(t)
	rdb := s.Client(t, hasty)
	require.NoError(t, set(rdb, "k"))
	s.Pause()
	require.Error(t, set(rdb, "k"))
	s.Continue()
	require.NoError(t, set(rdb, "k"))
}

func TestServersSideBySide(t *testing.T) {
	a, b := redistest.StartServer(t), redistest.StartServer(t)
	require.NotEqual(t, a.Addr(), b.Addr())
	a.Kill()
	require.NoError(t, set(b.Client(t), "k"))
}
