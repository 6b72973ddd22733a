package tokencache_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F39: a rejection that Redis could not be told is told when it is back, even if
// the replica meanwhile has another token and no reason to look.
func TestF39ToldWhenRedisIsBack(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		cutOff, other := f.replica(), f.replica()
		bad := cutOff.mustGet()
		other.mustGet()
		time.Sleep(time.Second)

		cutOff.link.Down()
		f.issuer.Revoke(bad.AppAccessToken())
		require.ErrorIs(t, cutOff.source.Invalidate(t.Context(), bad), tokencache.ErrRedis)
		cutOff.mustGet() // from the issuer
		time.Sleep(10 * time.Second)
		cutOff.link.Heal()
		time.Sleep(time.Minute)
		assert.Equal(t, 1, cutOff.count(tokencache.EventInvalidate, "dropped"))
		assert.False(t, other.mustGet().Equal(bad))
		assert.LessOrEqual(t, f.stats().Rotations, 3)
	})
}
