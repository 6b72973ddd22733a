package doctor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestCheckHasItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		release := make(chan struct{})
		_, ok := inTime(t.Context(), func(context.Context) int { <-release; return 1 })
		assert.False(t, ok)
		assert.Equal(t, checkTime, time.Since(began))
		assert.Equal(t, checkFail, late(t.Context(), "redis").Status)
		close(release)

		got, ok := inTime(t.Context(), func(ctx context.Context) int { <-ctx.Done(); return 2 })
		assert.True(t, ok, "it kept to its context, and knows why")
		assert.Equal(t, 2, got)

		over, cancel := context.WithCancel(t.Context())
		cancel()
		_, ok = inTime(over, func(context.Context) int { return 3 })
		assert.False(t, ok)
		assert.Equal(t, checkSkipped, late(over, "redis").Status)
	})
}
