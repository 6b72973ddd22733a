package tokencache

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
)

func TestBreakerOpensAtOneSilence(t *testing.T) {
	at := now()
	b := lonely()
	assert.True(t, b.allow())
	assert.Zero(t, b.retryIn(at))
	opened := b.opened()

	assert.True(t, b.failed("k", errClientEnded, at))
	assert.False(t, b.allow())
	assert.Equal(t, "k", b.about())
	assert.Equal(t, 250*time.Millisecond, b.retryIn(at))
	assert.Equal(t, time.Duration(1), b.retryIn(at.add(250*time.Millisecond-1)))
	select {
	case <-opened:
	default:
		assert.Fail(t, "nobody is told")
	}

	assert.Zero(t, b.retryIn(at.add(250*time.Millisecond)))
	assert.False(t, b.allow(), "no fill is a probe")
	b.close()
	assert.True(t, b.allow())
	assert.Zero(t, b.retryIn(at))
}

func TestBreakerCountsAHerdOnce(t *testing.T) {
	at := now()
	b := lonely()
	for i := range 100 {
		assert.Equal(t, i == 0, b.failed("k", errClientEnded, at.add(time.Duration(i)*time.Millisecond)))
	}
	assert.Equal(t, 250*time.Millisecond, b.retryIn(at))
}

func TestBreakerWaitsLongerAfterEachProbe(t *testing.T) {
	at := now()
	b := lonely()
	b.failed("k", errClientEnded, at)
	for _, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		at = at.add(b.retryIn(at) + time.Second)
		b.missed(at, false, nil)
		assert.Equal(t, want, b.retryIn(at))
		b.failed("k", errClientEnded, at.add(time.Millisecond)) // was under way before
		assert.Equal(t, want, b.retryIn(at))
	}
}

func TestBreakerWaitsLittleForThePool(t *testing.T) {
	at := now()
	b := lonely()
	b.failed("k", errClientEnded, at)
	b.missed(at, false, nil)
	b.missed(at, true, nil)
	assert.Equal(t, 250*time.Millisecond, b.retryIn(at))
	assert.False(t, b.allow())
}

// The prober is answered, and commands are not: they are tried ever less often. An
// answer to one begins the row anew.
func TestBreakerWaitsLongerWhereOnlyProbesAreAnswered(t *testing.T) {
	at := now()
	b := lonely()
	for _, want := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		b.failed("k", errClientEnded, at)
		assert.Equal(t, want, b.retryIn(at))
		b.close()
	}
	b.answered()
	b.failed("k", errClientEnded, at)
	assert.Equal(t, 250*time.Millisecond, b.retryIn(at))
}

// A command is answered while the breaker is open: the prober need not wait.
func TestBreakerTellsTheProberOfAnAnswer(t *testing.T) {
	b := lonely()
	b.answered()
	assert.Empty(t, b.answers, "nobody asked")
	b.failed("k", errClientEnded, now())
	b.answered()
	b.answered()
	assert.Len(t, b.answers, 1)
	assert.False(t, b.allow(), "other connections may be dead")
	b.close()
	assert.Empty(t, b.answers, "that was this time")
}

func TestF24BreakerAfterASuspension(t *testing.T) {
	at := now()
	b := lonely()
	b.failed("k", errClientEnded, at)
	assert.Zero(t, b.retryIn(moved(at, 0, time.Hour)), "the monotonic clock stood, yet time has passed")
}

func TestBreakerTakesARefusalForAnAnswer(t *testing.T) {
	var told []bool
	opened := 0
	b := newBreaker(noJitter, func(open bool, _ error) { told = append(told, open) })
	b.onOpen = func() { opened++ }
	b.record(redis.Nil, "k")
	b.record(reply("OOM command not allowed"), "k")
	b.record(nil, "k")
	assert.Empty(t, told)
	b.record(errors.New("EOF"), "k")
	b.record(context.DeadlineExceeded, "k")
	b.record(reply("LOADING Redis is loading the dataset in memory"), "k")
	assert.Equal(t, []bool{true}, told)
	assert.Equal(t, 1, opened)
	b.close()
	assert.Equal(t, []bool{true, false}, told)
}

// Who is turned away is told why: by how the command failed that opened the breaker, or by what
// a probe has met since, which says more than silence does.
func TestF17PausedSaysWhy(t *testing.T) {
	b := lonely()
	b.record(context.DeadlineExceeded, "k")
	assert.EqualError(t, b.paused("a"), "redis paused: since redis timeout: context deadline exceeded: check the load of redis and the network in between")
	b.missed(now(), false, reply("ERR max number of clients reached"))
	assert.EqualError(t, b.paused("a"), "redis paused: since redis MAXCLIENTS: max number of clients reached: raise maxclients")
	b.missed(now(), true, nil)
	assert.ErrorContains(t, b.paused("a"), "MAXCLIENTS", "only the pool is in the way still")
	e := b.paused("a")
	assert.ErrorIs(t, e, ErrRedis)
	assert.NotErrorIs(t, e, context.DeadlineExceeded, "that was another's")
	assert.Equal(t, "a", e.ID)
}
