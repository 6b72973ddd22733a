package tokencache

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hasUnpublished gives the Source a token that Redis does not know.
func hasUnpublished(t *testing.T, s *Source) {
	t.Helper()
	require.True(t, s.state.adopt(adoption{token: NewToken("direct", "", time.Hour), remaining: time.Hour, at: now(), asked: s.state.nextNumber(), own: true, unpublished: true}))
}

func deliver(s *Source) {
	s.courier.deliver()
	synctest.Wait()
}

// F42: after a delivery the process hears of the next token, though nobody has called Get.
func TestF42DeliverySubscribes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, b := bubbleCache(t, noToken)
		hasUnpublished(t, s)
		deliver(s)
		time.Sleep(time.Second)
		assert.Equal(t, map[string]int64{s.store.keys.channel(): 1}, b.Admin().PubSubNumSub(t.Context(), s.store.keys.channel()).Val())
		assert.NotEmpty(t, b.Server().Keys(), "and the token is there")
	})
}

// F42: a delivery ends the hold that trouble with Redis has left, as that is over; but no hold that
// another has left since.
func TestF42DeliveryEndsTheHoldOfTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook, _ := bubbleCache(t, noToken)
		hasUnpublished(t, s)
		trouble := &RedisError{Trouble: TroubleTimeout, Err: context.DeadlineExceeded}
		s.state.holdFor(time.Minute, trouble)
		deliver(s)
		assert.Zero(t, holdOf(s).rest(now()))

		hasUnpublished(t, s)
		s.state.holdFor(time.Minute, trouble)
		time.Sleep(time.Second)
		hook.afterNext(readScript, func() { s.state.holdFor(10*time.Minute, &IssuerError{Class: ClassPermanent}) })
		deliver(s)
		assert.Equal(t, 10*time.Minute, holdOf(s).rest(now()))
	})
}

// I7: a fill that has begun while a delivery was on its way, and sleeps, looks at what that has
// brought.
func TestI7DeliveryWakesAFill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook, _ := bubbleCache(t, noToken)
		hasUnpublished(t, s)
		changed := s.state.changes()
		hook.afterNext(readScript, func() { assert.False(t, isClosed(changed)) })
		woken := false
		hook.atNext(publishScript, func() { woken = isClosed(changed) }) // later it hears events, which wakes it too
		deliver(s)
		assert.True(t, woken)
	})
}

// F42: a hook of the client's ends the goroutine that tells Redis of a rejection, or brings it a
// token. That is done later, though nobody calls any more.
func TestF42CutShortAndMadeGood(t *testing.T) {
	for edge, end := range map[string]func(){"panic": func() { panic("for the test") }, "Goexit": runtime.Goexit} {
		t.Run("rejection, "+edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int32
				s, hook, b := bubbleCache(t, func(context.Context) (Token, error) {
					return NewToken(fmt.Sprint("t", calls.Add(1)), "", time.Hour), nil
				})
				tok, err := s.Get(t.Context())
				require.NoError(t, err)
				hook.atNext(invalidateScript, end)
				err = s.Invalidate(t.Context(), tok)
				require.ErrorIs(t, err, ErrRedis)
				assert.NotContains(t, err.Error(), "fill")
				time.Sleep(10 * time.Second)
				assert.False(t, b.Server().Exists(s.store.keys.token()), "dropped")
			})
		})
		t.Run("token, "+edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, hook, b := bubbleCache(t, noToken)
				hasUnpublished(t, s)
				hook.atNext(publishScript, end)
				deliver(s)
				time.Sleep(10 * time.Second)
				assert.True(t, b.Server().Exists(s.store.keys.token()))
			})
		})
	}
}
