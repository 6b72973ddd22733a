package larksdk

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
