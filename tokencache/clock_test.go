package tokencache

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSinceTakesTheLargerClock(t *testing.T) {
	for _, test := range []struct {
		name             string
		mono, wall, want time.Duration
	}{
		{"both agree", time.Minute, time.Minute, time.Minute},
		{"F23: wall clock stepped back", time.Minute, -10 * time.Hour, time.Minute},
		{"F23: wall clock stepped forward", time.Minute, 10 * time.Hour, 10 * time.Hour},
		{"F24: suspended, the monotonic clock stood", 0, time.Hour, time.Hour},
		{"F24: suspended, and the wall clock put right", time.Second, time.Hour + time.Second, time.Hour + time.Second},
		{"1 ns apart", time.Minute, time.Minute + 1, time.Minute + 1},
		{"no time", 0, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			from := now()
			assert.Equal(t, test.want, moved(from, test.mono, test.wall).since(from))
		})
	}
}

func TestSinceNeverFallsShortOfEitherClock(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	day := int64(24 * time.Hour)
	for range 10_000 {
		from := now()
		mono, wall := time.Duration(random.Int64N(day)), time.Duration(random.Int64N(2*day)-day)
		since := moved(from, mono, wall).since(from)
		require.GreaterOrEqual(t, since, mono)
		require.GreaterOrEqual(t, since, wall)
	}
}

func TestNowFollowsTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := now()
		assert.Equal(t, time.Now().UnixNano(), from.time().UnixNano())
		time.Sleep(time.Hour)
		assert.Equal(t, time.Hour, now().since(from))
		assert.Equal(t, now(), from.add(time.Hour))
	})
}
