package meter

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// What is said to a real Redis: the set-up does not count.
func TestMeter(t *testing.T) {
	var m Meter
	rdb := redistest.StartServer(t).Client(t, m.Attach)
	ctx := t.Context()
	require.NoError(t, rdb.Ping(ctx).Err())
	assert.Equal(t, Count{Commands: map[string]int{}, Connections: 1}, m.Take())

	require.NoError(t, rdb.Set(ctx, "k", "v", 0).Err())
	count := m.Take()
	assert.Equal(t, map[string]int{"SET": 1}, count.Commands)
	assert.Equal(t, len("*3\r\n$3\r\nset\r\n$1\r\nk\r\n$1\r\nv\r\n"), count.Sent)
	assert.Equal(t, len("+OK\r\n"), count.Received)

	script := "return 1 -- and more"
	require.NoError(t, rdb.Eval(ctx, script, nil).Err())
	count = m.Take()
	assert.Equal(t, 1, count.Total())
	assert.Equal(t, len(fmt.Sprintf("*3\r\n$4\r\neval\r\n$%d\r\n%s\r\n$1\r\n0\r\n", len(script), script)), count.Sent, "rockscache sends the text each time")

	require.NoError(t, rdb.Ping(ctx).Err())
	assert.Equal(t, map[string]int{"PING": 1}, m.Take().Commands, "on a connection in use")

	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Get(ctx, "k")
		p.Del(ctx, "k")
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"GET": 1, "DEL": 1}, m.Take().Commands)
}
