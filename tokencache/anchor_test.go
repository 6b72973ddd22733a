package tokencache

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// F45, F46: an event is of now if Redis' clock is where both of ours have it: behind by a
// delay, ahead by next to nothing, and by no more for an older anchor.
func TestF46EventsAgreeWithTheAnchor(t *testing.T) {
	redis := time.UnixMilli(1_700_000_000_000)
	const s, ms, day = time.Second, time.Millisecond, 24 * time.Hour
	a := anchor{at: at(10*s, 1000*s), redis: redis, epoch: 1}
	for edge, c := range map[string]struct {
		redis      time.Duration // since the anchor
		mono, wall time.Duration
		margin     time.Duration
		want       bool
	}{
		"at once":                          {0, 0, 0, 10 * s, true},
		"days later":                       {3 * day, 3 * day, 3 * day, 10 * s, true},
		"late":                             {3 * s, 5 * s, 5 * s, 10 * s, true},
		"later":                            {3 * s, 5*s + ms, 5*s + ms, 10 * s, false},
		"late, by the wall clock alone":    {3 * s, 3 * s, 5*s + ms, 10 * s, false},
		"late, by the monotonic one alone": {3 * s, 5*s + ms, 3 * s, 10 * s, false},
		"ahead":                            {3*s + 50*ms, 3 * s, 3 * s, 10 * s, true},
		"further ahead":                    {3*s + 51*ms, 3 * s, 3 * s, 10 * s, false},
		"ahead of a clock that stopped":    {3 * s, 2 * s, 3 * s, 10 * s, false},
		"ahead, days later":                {3*day + 51*ms, 3 * day, 3 * day, 10 * s, false},
		"late, and a small margin":         {3 * s, 3*s + 40*ms, 3*s + 40*ms, 80 * ms, true},
		"later, and a small margin":        {3 * s, 3*s + 41*ms, 3*s + 41*ms, 80 * ms, false},
		"ahead, and a small margin":        {3*s + 40*ms, 3 * s, 3 * s, 80 * ms, true},
		"further ahead, a small margin":    {3*s + 41*ms, 3 * s, 3 * s, 80 * ms, false},
		"by a clock that went back":        {-3600 * s, 3 * s, 3 * s, 10 * s, false},
		"in 292 million years":             {math.MaxInt64, 3 * s, 3 * s, 10 * s, false},
		"before all time":                  {math.MinInt64, 3 * s, 3 * s, 10 * s, false},
	} {
		got := a.agrees(redis.Add(c.redis), at(10*s+c.mono, 1000*s+c.wall), c.margin)
		assert.Equal(t, c.want, got, edge)
	}
	assert.False(t, anchor{}.agrees(redis, at(0, 0), 10*s), "no anchor")
}

// F46: Redis' clock was set, another Redis has taken over, or this host was suspended.
func TestF46EpochsBeginWhereClocksJump(t *testing.T) {
	redis := time.UnixMilli(1_700_000_000_000)
	const s, hour = time.Second, time.Hour
	a := anchor{}.next(at(0, 0), redis)
	assert.Equal(t, 1, a.epoch)
	for edge, c := range map[string]struct {
		redis, mono, wall time.Duration
		want              int
	}{
		"an hour later":            {hour, hour, hour, 1},
		"a slow look":              {hour + 2*s, hour, hour, 1},
		"Redis' clock ahead":       {hour + 3*s, hour, hour, 2},
		"Redis' clock behind":      {hour - 3*s, hour, hour, 2},
		"suspended":                {hour, s, hour, 2},
		"our wall clock was set":   {hour, hour, 2 * hour, 2},
		"both, and each the other": {2 * hour, hour, 2 * hour, 2},
	} {
		next := a.next(at(c.mono, c.wall), redis.Add(c.redis))
		assert.Equal(t, c.want, next.epoch, edge)
		assert.Equal(t, redis.Add(c.redis), next.redis)
	}
}

// What is left of a token is counted by that of our clocks that has moved further.
func TestAnchorSince(t *testing.T) {
	redis := time.UnixMilli(1_700_000_000_000)
	a := anchor{at: at(0, 0), redis: redis}
	assert.Equal(t, 5*time.Second, a.since(redis.Add(5*time.Second), at(time.Second, 10*time.Second)))
	assert.Equal(t, -time.Hour, a.since(redis.Add(time.Hour+time.Second), at(time.Second, time.Second)))
}

// F57: a look that a later one has overtaken does not set the anchor back.
func TestAnchorOfALookThatWasOvertaken(t *testing.T) {
	redis := time.UnixMilli(1_700_000_000_000)
	a := anchor{}.next(at(time.Second, time.Second), redis)
	assert.Equal(t, a, a.next(at(0, 0), redis.Add(-time.Second)))
	later := a.next(at(2*time.Second, 2*time.Second), redis.Add(time.Second))
	assert.Equal(t, anchor{at(2*time.Second, 2*time.Second), redis.Add(time.Second), a.epoch}, later)
}

func at(mono, wall time.Duration) instant { return instant{mono: mono, wall: int64(wall)} }
