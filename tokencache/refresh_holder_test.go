package tokencache

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Refresh that finds the lock in other hands passes a permanent failure when the lock is free.
func TestRefreshPassesAFailureBehindAHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := true
		s, _, b := bubbleCache(t, func(context.Context) (Token, error) {
			if wrong {
				return Token{}, &IssuerError{Class: ClassPermanent, Err: errors.New("for the test")}
			}
			return NewToken("t", "", time.Hour), nil
		})
		_, err := s.Get(t.Context())
		require.Error(t, err)
		wrong = false
		require.NoError(t, b.Admin().Set(t.Context(), s.store.keys.lock(), "another", 2*time.Second).Err())
		begin := time.Now()
		time.AfterFunc(time.Second, func() {
			s.state.do(func() { assert.True(t, s.state.pacer.mayOverride(now()), "it has not passed yet") })
		})
		tok, _, err := s.Refresh(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "t", tok.AppAccessToken())
		assert.GreaterOrEqual(t, time.Since(begin), 2*time.Second)
	})
}
