package larksdk

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
)

// The SDK has one cache in a process: what one Cache has stored of itself, the next has, too.
func TestMemoryOfTheProcess(t *testing.T) {
	caches := make([]*Cache, 2)
	for i := range caches {
		var err error
		caches[i], _, err = New(Config{Apps: []App{{ID: "cli_a", Source: noSource{}, Hosts: []string{"open.feishu.cn"}}}})
		require.NoError(t, err)
	}
	key := "app_ticket-cli_" + t.Name()
	require.NoError(t, caches[0].Set(t.Context(), key, "ticket", time.Hour))
	got, err := caches[1].Get(t.Context(), key)
	require.NoError(t, err)
	assert.Equal(t, "ticket", got)
}

type noSource struct{ bearer.Source }

func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		get := func(key string) string {
			value, err := m.Get(t.Context(), key)
			require.NoError(t, err)
			return value
		}
		require.NoError(t, m.Set(t.Context(), "app_ticket-cli_a", "ticket", time.Hour))
		time.Sleep(time.Hour - 1)
		assert.Equal(t, "ticket", get("app_ticket-cli_a"))
		time.Sleep(time.Nanosecond)
		assert.Empty(t, get("app_ticket-cli_a"))
		assert.Empty(t, get("another"))

		require.NoError(t, m.Set(t.Context(), "x", "1", time.Hour))
		require.NoError(t, m.Set(t.Context(), "x", "2", -time.Minute))
		assert.Empty(t, get("x"), "a life that is over before it begins")

		for i := range 10 * minSweep {
			require.NoError(t, m.Set(t.Context(), fmt.Sprint(i), "v", time.Second))
			time.Sleep(100 * time.Millisecond)
		}
		assert.LessOrEqual(t, len(m.entries), minSweep, "what has ended is dropped")
	})
}
