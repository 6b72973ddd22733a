package redistest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

func TestClockServerSteps(t *testing.T) {
	t.Parallel()
	s := redistest.StartClockServer(t)
	rdb := s.Client(t)
	ahead := func() time.Duration {
		sent := time.Now()
		told, err := rdb.Time(t.Context()).Result()
		require.NoError(t, err)
		return told.Sub(sent)
	}
	for _, step := range []struct{ by, sum time.Duration }{
		{0, 0},
		{10 * time.Minute, 10 * time.Minute},
		{-20 * time.Minute, -10 * time.Minute},
		{10 * time.Minute, 0},
	} {
		s.StepClock(step.by)
		assert.InDelta(t, step.sum, ahead(), float64(lateness), "of whole minutes")
	}

	require.NoError(t, rdb.Set(t.Context(), "k", "v", time.Hour).Err())
	s.StepClock(-10 * time.Minute)
	assert.Greater(t, rdb.PTTL(t.Context(), "k").Val(), time.Hour)
	s.StepClock(80 * time.Minute)
	assert.Zero(t, rdb.Exists(t.Context(), "k").Val())
	s.Restart()
	assert.InDelta(t, 70*time.Minute, ahead(), float64(lateness), "its clock stays")
}
