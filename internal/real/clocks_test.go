package real

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// clocked is a fleet on a Redis whose clock somebody sets.
type clocked struct {
	*redistest.ClockServer
	issuer *issuer
	fleet  []*replica
	key    string // of the token
}

func newClocked(t *testing.T, i *issuer) *clocked {
	c := &clocked{ClockServer: redistest.StartClockServer(t), issuer: i}
	c.fleet = newFleet(t, c.client, c.issuer, patient)
	c.key = "onetoken:{" + c.fleet[0].ID() + "}:token"
	return c
}

func (c *clocked) client(t testing.TB) redis.UniversalClient { return c.Client(t) }

// agree waits until all have the token that is stored.
func (c *clocked) agree(t *testing.T) tokencache.Token {
	t.Helper()
	var tok tokencache.Token
	eventually(t, func() bool {
		stored, _ := c.Exec("HGET", c.key, "fingerprint").(string)
		return soon(c.fleet, func(r *replica) bool {
			tok, _ = r.Peek()
			return tok.Fingerprint() == stored
		})
	}, "all have what is stored")
	c.bounded(t)
	return tok
}

// bounded checks that what is stored lives no longer than the issuer said, nor any copy, but for
// what Redis cuts off a time: whole milliseconds. Not all need have one token: a lost lock makes
// two of them, and who does not listen yet keeps his.
func (c *clocked) bounded(t *testing.T) {
	t.Helper()
	ttl := time.Duration(c.Exec("PTTL", c.key).(int64)) * time.Millisecond
	assert.LessOrEqual(t, ttl, c.issuer.life)
	assert.Positive(t, ttl)
	for _, r := range c.fleet {
		if tok, ok := r.Peek(); ok {
			assert.LessOrEqual(t, tok.Expiry().Sub(c.issuer.end(tok)), 2*time.Millisecond)
		}
	}
}

// well checks that rotations and events go on.
func (c *clocked) well(t *testing.T) {
	t.Helper()
	eventually(t, func() bool {
		tok, _, err := c.fleet[0].Refresh(t.Context())
		return err == nil && soon(c.fleet, func(r *replica) bool { return r.holds(tok) })
	}, "all have what one has got")
	unlocked(t, c.fleet[0])
	c.agree(t)
}

func (c *clocked) joined(t *testing.T) tokencache.Token {
	t.Helper()
	r := newReplica(t, c.Client(t), c.issuer, patient)
	c.fleet = append(c.fleet, r)
	tok, err := r.Get(t.Context())
	require.NoError(t, err)
	assert.True(t, c.issuer.alive(tok))
	return tok
}

// forEachStep runs a test with a clock that is set ahead and one that is set back, and with
// tokens that live longer and shorter than that.
func forEachStep(t *testing.T, f func(t *testing.T, life, by time.Duration)) {
	t.Parallel()
	for _, life := range []time.Duration{2 * time.Hour, 4 * time.Minute} {
		for _, by := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
			t.Run(fmt.Sprintf("%v by %v", life, by), func(t *testing.T) {
				t.Parallel()
				f(t, life, by)
			})
		}
	}
}

// F23: the clock is set after the holder has looked, and before it publishes. Ahead, the lock is
// over at once, and so is a token that lives shorter.
func TestF23RedisClockStepsDuringACall(t *testing.T) {
	forEachStep(t, func(t *testing.T, life, by time.Duration) {
		i := newIssuer("clocks", life)
		i.latency = time.Second
		c := newClocked(t, i)
		got := make(chan error, 1)
		go func() {
			got <- all(c.fleet, func(r *replica) error {
				tok, err := r.Get(t.Context())
				assert.True(t, err != nil || c.issuer.alive(tok))
				return err
			})
		}()
		<-c.issuer.asked
		c.StepClock(by)
		if err := <-got; err != nil {
			// Who waits for a call hears that its token was past its end when it arrived.
			assert.Greater(t, by, life)
			assert.ErrorIs(t, err, tokencache.ErrIssuer)
			require.NoError(t, all(c.fleet, func(r *replica) error { _, err := r.Get(t.Context()); return err }))
		}
		c.bounded(t)
		assert.LessOrEqual(t, c.issuer.calls(), 1+1+1, "one more for the lock, and one for what was past its end")
		c.well(t)
	})
}

// F23: the clock is set while all have copies. They serve. Who has none asks once more if the
// record is gone, or has more life left than the issuer gave it.
func TestF23RedisClockStepsInMidLife(t *testing.T) {
	forEachStep(t, func(t *testing.T, life, by time.Duration) {
		c := newClocked(t, newIssuer("clocks", life))
		getAll(t, c.fleet)
		stop := reading(t, c.fleet, c.issuer)
		c.StepClock(by)
		c.joined(t)
		c.bounded(t)
		assert.LessOrEqual(t, c.issuer.calls(), 1+1, "the first, and one for the record")
		c.well(t)
		stop()
	})
}

// F23: what is left of a life is what it was, but for as much as the clock was set. Copies do not
// follow.
func TestF23RemainingLivesShift(t *testing.T) {
	t.Parallel()
	c := newClocked(t, newIssuer("clocks", 2*time.Hour))
	tok := getAll(t, c.fleet)
	c.StepClock(time.Hour)
	assert.LessOrEqual(t, time.Until(c.joined(t).Expiry()), time.Hour)
	c.StepClock(-10 * time.Minute)
	left := time.Until(c.joined(t).Expiry())
	assert.LessOrEqual(t, left, time.Hour+10*time.Minute)
	assert.Greater(t, left, time.Hour)
	c.bounded(t)
	for _, r := range c.fleet[:size] {
		old, err := r.Get(t.Context())
		require.NoError(t, err)
		assert.True(t, old.Equal(tok))
		assert.Greater(t, time.Until(old.Expiry()), 2*time.Hour-patience)
	}
	assert.Equal(t, 1, c.issuer.calls())
	c.well(t)
}

// F23: the clock is set while a failure holds the fleet back. Set back, it would hold for as much
// longer, and holds nobody.
func TestF23RedisClockStepsDuringAPause(t *testing.T) {
	forEachStep(t, func(t *testing.T, life, by time.Duration) {
		c := newClocked(t, newIssuer("clocks", life))
		c.issuer.fail(&tokencache.IssuerError{Issuer: "test", Class: tokencache.ClassRateLimited, RetryAfter: time.Minute})
		_, err := c.fleet[0].Get(t.Context())
		_, refused := errors.AsType[*tokencache.IssuerError](err)
		require.True(t, refused, "%v", err)
		c.issuer.fail(nil)
		c.StepClock(by)
		cold := c.fleet[1:] // the first knows of the pause by its own clock
		require.NoError(t, all(cold, func(r *replica) error { _, err := r.Get(t.Context()); return err }))
		assert.Equal(t, 1, c.issuer.calls())
		assert.Equal(t, 1, c.issuer.failures())
		eventually(t, func() bool { _, err := c.fleet[0].Get(t.Context()); return err == nil }, "the first takes it, too")
		c.agree(t)
		assert.Equal(t, 1, c.issuer.calls())
		c.well(t)
	})
}

// F23: the clock is set back while the lock is somebody's who has died. It would be his for as
// much longer, and is so for one lease.
func TestF23RedisClockStepsBackUnderALock(t *testing.T) {
	t.Parallel()
	c := newClocked(t, newIssuer("clocks", 2*time.Hour))
	lock := strings.TrimSuffix(c.key, "token") + "lock"
	c.Exec("SET", lock, "of somebody who has died", "PX", 4000)
	c.StepClock(-10 * time.Minute)
	require.Greater(t, c.Exec("PTTL", lock), (10 * time.Minute).Milliseconds())
	getAll(t, c.fleet)
	assert.Equal(t, 1, c.issuer.calls())
	c.well(t)
}

// F23: tokens of 12 s go on being replaced, whenever the clock is set.
func TestF23RedisClockStepsBetweenRotations(t *testing.T) {
	t.Parallel()
	i := newIssuer("clocks", 12*time.Second)
	i.window, i.latency = 9*time.Second, 300*time.Millisecond
	c := newClocked(t, i)
	getAll(t, c.fleet)
	stop := reading(t, c.fleet, c.issuer)
	steps := []time.Duration{10 * time.Minute, -20 * time.Minute, 10 * time.Minute, -10 * time.Minute}
	for _, by := range steps {
		for len(c.issuer.asked) > 0 {
			<-c.issuer.asked
		}
		select {
		case <-c.issuer.asked: // in mid-call
		case <-time.After(patience):
			require.Fail(t, "nobody has asked")
		}
		c.StepClock(by)
	}
	calls := c.issuer.calls()
	eventually(t, func() bool { return c.issuer.calls() >= calls+2 })
	c.agree(t)
	stop()
	t.Logf("%d calls, and %v steps", c.issuer.calls(), len(steps))
	assert.False(t, slices.ContainsFunc(c.fleet, func(r *replica) bool { return r.count(tokencache.EventDirectCall) > 0 }))
}
