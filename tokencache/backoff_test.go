package tokencache

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBackoffOfClasses(t *testing.T) {
	for _, test := range []struct {
		name       string
		class      Class
		retryAfter time.Duration
		want       []time.Duration // after 1, 2, ... attempts
	}{
		{"transient", ClassTransient, 0, []time.Duration{
			250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second,
			4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second,
		}},
		{"transient, told", ClassTransient, 3 * time.Second, []time.Duration{3 * time.Second, 3 * time.Second}},
		{"unknown", ClassUnknown, 0, []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute}},
		{"permanent, told less", ClassPermanent, time.Second, []time.Duration{time.Minute, 2 * time.Minute}},
		{"permanent", ClassPermanent, 0, []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute}},
		{"quota", ClassQuota, 0, []time.Duration{5 * time.Minute, 5 * time.Minute}},
		{"quota, told less than nothing", ClassQuota, -time.Second, []time.Duration{5 * time.Minute}},
		{"quota, told less", ClassQuota, time.Minute, []time.Duration{time.Minute, time.Minute}},
		{"quota, told a month", ClassQuota, 30 * 24 * time.Hour, []time.Duration{5 * time.Minute}},
		{"F29: rate limit, not told", ClassRateLimited, 0, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}},
		{"F29: rate limit, told", ClassRateLimited, 17 * time.Second, []time.Duration{17 * time.Second, 17 * time.Second, 17 * time.Second}},
		{"F29: rate limit, told a fraction", ClassRateLimited, 1500 * time.Millisecond, []time.Duration{1500 * time.Millisecond}},
		{"F29: rate limit, told 1 ns", ClassRateLimited, 1, []time.Duration{250 * time.Millisecond}},
		{"F29: rate limit, told less than nothing", ClassRateLimited, -time.Second, []time.Duration{time.Second, 2 * time.Second}},
		{"F29: rate limit, told an epoch", ClassRateLimited, math.MaxInt64, []time.Duration{5 * time.Minute}},
		{"a class of a later version", Class(200), 0, []time.Duration{250 * time.Millisecond}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := backoffOf(&IssuerError{Class: test.class, RetryAfter: test.retryAfter})
			for i, want := range test.want {
				assert.Equal(t, want, b.after(i+1, 0), "attempt %d", i+1)
			}
		})
	}
}

func TestBackoffHasBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 20_000 {
		e := &IssuerError{Class: Class(random.IntN(5)), RetryAfter: max(0, time.Duration(random.Uint64()))}
		b := backoffOf(e)
		attempts, draw := random.IntN(math.MaxInt), random.Float64()
		if random.IntN(2) == 0 {
			attempts %= 40
		}
		wait := b.after(attempts, draw)
		require.GreaterOrEqual(t, wait, minHold, "%+v, attempt %d", e, attempts)
		require.Less(t, wait, maxHold+maxHold/5, "%+v, attempt %d", e, attempts)
		require.LessOrEqual(t, b.after(attempts, 0), wait, "the draw only adds")
		require.LessOrEqual(t, wait, b.after(attempts, 0)*6/5+1, "a fifth at most")
		require.GreaterOrEqual(t, b.after(min(attempts, math.MaxInt-1)+1, draw), wait, "never shorter than before")
	}
}

func TestBackoffBeforeTheFirstAttempt(t *testing.T) {
	for _, attempts := range []int{1, 0, -1, -1_000_000} {
		assert.Equal(t, time.Second, backoff{time.Second, time.Minute}.after(attempts, 0))
	}
}
