package chaos

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLate(t *testing.T) {
	before := time.Now().Round(0) // without the monotonic clock
	assert.Zero(t, late(before, before.Add(beat)))
	assert.Equal(t, 5*s, late(before, before.Add(beat+5*s)))
	assert.Equal(t, 5*s-beat, late(before, before.Add(-5*s)), "stepped back")
}

func TestHeartbeatTellsOfStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop, told := make(chan struct{}), 0
		go heartbeat(stop, func(time.Time, time.Time, time.Duration) { told++ })
		time.Sleep(time.Minute)
		close(stop)
		synctest.Wait()
		assert.Zero(t, told, "in a bubble there are none")
	})
}
