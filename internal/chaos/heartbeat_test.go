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

func TestHeartbeatIsSilentInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop, told := make(chan struct{}), 0
		go heartbeat(stop, time.Now, func(time.Time, time.Time, time.Duration) { told++ })
		time.Sleep(time.Minute)
		close(stop)
		synctest.Wait()
		assert.Zero(t, told, "in a bubble there are no stalls")
	})
}

func TestHeartbeatTellsOfAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, stalled := time.Now(), time.Duration(0)
		now := func() time.Time {
			if time.Since(began) == s {
				stalled = 300 * ms
			}
			return time.Now().Add(stalled)
		}
		var told []stall
		stop, out := make(chan struct{}), &recorder{began: began}
		go heartbeat(stop, now, func(from, to time.Time, late time.Duration) {
			told = append(told, stall{period{out.at(from), out.at(to)}, late})
		})
		time.Sleep(time.Minute)
		close(stop)
		synctest.Wait()
		assert.Equal(t, []stall{{period{s - beat, s + 300*ms}, 300 * ms}}, told)
	})
}
