package tokencache

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
)

func noJitter() float64 { return 0 }

func TestBreakerOpensAtOneSilence(t *testing.T) {
	at := now()
	b := &breaker{jitter: noJitter}
	assert.True(t, b.allow(at))
	assert.Zero(t, b.retryIn(at))

	changed, open := b.count(false, at)
	assert.True(t, changed)
	assert.True(t, open)
	assert.False(t, b.allow(at))
	assert.Equal(t, 250*time.Millisecond, b.retryIn(at))
	assert.False(t, b.allow(at.add(250*time.Millisecond-1)))
	assert.Equal(t, time.Duration(1), b.retryIn(at.add(250*time.Millisecond-1)))

	at = at.add(250 * time.Millisecond)
	assert.Zero(t, b.retryIn(at))
	assert.True(t, b.allow(at), "the probe")
	assert.False(t, b.allow(at), "one is enough")

	changed, open = b.count(true, at)
	assert.True(t, changed)
	assert.False(t, open)
	assert.True(t, b.allow(at))
	changed, _ = b.count(true, at)
	assert.False(t, changed, "told once")
}

func TestBreakerCountsAHerdOnce(t *testing.T) {
	at := now()
	b := &breaker{jitter: noJitter}
	for i := range 100 {
		changed, _ := b.count(false, at.add(time.Duration(i)*time.Millisecond))
		assert.Equal(t, i == 0, changed)
	}
	assert.Equal(t, 250*time.Millisecond, b.retryIn(at))
}

func TestBreakerWaitsLongerForASlowSilence(t *testing.T) {
	at := now()
	b := &breaker{jitter: noJitter}
	for _, want := range []time.Duration{
		250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second,
	} {
		assert.True(t, b.allow(at))
		at = at.add(time.Second) // until the probe is given up
		b.count(false, at)
		assert.Equal(t, want, b.retryIn(at))
		at = at.add(want)
	}
	b.count(true, at)
	b.count(false, at)
	assert.Equal(t, 250*time.Millisecond, b.retryIn(at), "from the start again")
}

func TestF24BreakerAfterASuspension(t *testing.T) {
	at := now()
	b := &breaker{jitter: noJitter}
	b.count(false, at)
	assert.True(t, b.allow(moved(at, 0, time.Hour)), "the monotonic clock stood, yet time has passed")
}

func TestBreakerTakesARefusalForAnAnswer(t *testing.T) {
	var told []bool
	b := &breaker{jitter: noJitter, onChange: func(open bool, _ error) { told = append(told, open) }}
	b.record(redis.Nil)
	b.record(reply("OOM command not allowed"))
	b.record(nil)
	assert.Empty(t, told)
	b.record(errors.New("EOF"))
	b.record(context.DeadlineExceeded)
	b.record(reply("LOADING Redis is loading the dataset in memory"))
	assert.Equal(t, []bool{true, false}, told)
}

func TestBreakerLetsOneOfManyProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker{jitter: noJitter, onChange: func(bool, error) {}}
		b.record(errors.New("EOF"))
		time.Sleep(time.Second)
		allowed := make(chan bool)
		for range 50 {
			go func() { allowed <- b.allow(now()) }()
		}
		probes := 0
		for range 50 {
			if <-allowed {
				probes++
			}
		}
		assert.Equal(t, 1, probes)
	})
}
