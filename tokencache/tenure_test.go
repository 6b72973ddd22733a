package tokencache

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// I3: whoever is kept from asking while it takes the lock does not ask with the lock either.
func TestI3KeptFromAskingUnderTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		s, hook, b := bubbleCache(t, func(context.Context) (Token, error) {
			return NewToken(fmt.Sprint("t", calls.Add(1)), "", time.Hour), nil
		})
		_, err := s.Get(t.Context())
		require.NoError(t, err)
		time.Sleep(50 * time.Minute)
		var locked atomic.Bool
		hook.atNext(readScript, func() {
			hook.atNext(readScript, func() { // the second look
				locked.Store(b.Server().Exists(s.store.keys.lock()))
				s.state.do(func() { s.state.pacer.keepOff(time.Minute, &IssuerError{Err: ErrRejected}, now()) })
			})
		})
		_, err = s.Get(t.Context())
		require.NoError(t, err)
		time.Sleep(5 * time.Second)
		assert.True(t, locked.Load())
		assert.EqualValues(t, 1, calls.Load())
		assert.False(t, b.Server().Exists(s.store.keys.lock()))
	})
}
