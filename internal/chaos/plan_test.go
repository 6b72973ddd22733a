package chaos

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEveryKindComesInEveryRound(t *testing.T) {
	p := newPlan(1, 20)
	for range 20 {
		var round []kind
		for range kinds {
			round = append(round, p.next().Kind)
		}
		assert.ElementsMatch(t, kinds, round)
	}
}

func TestSeedDecides(t *testing.T) {
	a, b, other := newPlan(7, 20), newPlan(7, 20), newPlan(8, 20)
	differ := 0
	for range 100 {
		action := a.next()
		assert.Equal(t, action, b.next())
		if other.next().Kind != action.Kind {
			differ++
		}
	}
	assert.Positive(t, differ)
}

// Each kind does what its name says.
func TestActions(t *testing.T) {
	p := newPlan(1, 20)
	for range 1000 {
		a := p.next()
		assert.Less(t, a.Delay, latency, "the call is still under way")
		for _, place := range a.Places {
			assert.Less(t, place, 20)
		}
		switch a.Kind {
		case killHolder:
			assert.True(t, a.MidCall)
		case stopHolder:
			assert.True(t, a.MidCall)
			assert.Greater(t, a.Hold, lease)
		case stopHolderLong:
			assert.True(t, a.MidCall)
			assert.Greater(t, a.Hold, fresh, "its copy has ended by then")
			assert.Greater(t, a.Hold, life-fresh+latency, "and there is a third token")
		case killBystanders, stopBystander, blackHole:
			assert.NotEmpty(t, a.Places)
			assert.Less(t, len(a.Places), 20)
		case restartRedis, blackHoleForAll, slowRedis, halfOpen:
			assert.Len(t, a.Places, 20)
			if a.Kind == halfOpen {
				assert.Greater(t, a.Hold, a.Latency, "the token is there by then")
			}
		case slowIssuer:
			assert.Greater(t, a.Latency, lease)
			assert.Less(t, a.Latency, window-fresh+latency-300*ms, "when the next is asked for, the issuer has one, on a slow machine too")
		case failingIssuer:
			assert.Contains(t, failures, a.Failure)
			assert.Less(t, pause(a.Times), fresh, "the copies outlast it")
		case killClients:
			assert.Positive(t, a.Times)
		}
	}
}
