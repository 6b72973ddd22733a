package tokencache_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F45, F57, I1: who may publish sends an event of a rejection of long ago again, of the token that
// the issuer has handed out since. It takes nothing from what this process has rejected itself.
func TestF45OldRejectionsAreNotOnesOwn(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r, other := f.replica(), f.replica()
		bad := r.mustGet()
		other.mustGet()
		time.Sleep(time.Second)
		old := tokencache.RejectionHint(f.credential(), bad.Fingerprint(), time.Now().Add(-time.Hour))
		time.Sleep(10 * time.Minute)

		r.link.Fail("READONLY no", script("invalidate"))
		f.issuer.Rotate()
		require.ErrorIs(t, r.source.Invalidate(t.Context(), bad), tokencache.ErrRedis)
		f.send(old)
		for range 100 {
			time.Sleep(10 * time.Millisecond)
			tok, err := r.source.Get(t.Context())
			require.NoError(t, err)
			require.False(t, tok.Equal(bad), "as it has rejected that")
		}
		r.link.Heal()
		time.Sleep(time.Minute)
		assert.Equal(t, 1, r.count(tokencache.EventInvalidate, "dropped"), "Redis has heard of it")
		assert.False(t, other.mustGet().Equal(bad))
	})
}

// F45: the same event does not keep a process from rejecting the token, which it would for up to
// half an hour if it were taken for one rejection after the other.
func TestF45OldRejectionsDoNotCoolDown(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		tok := r.mustGet()
		time.Sleep(10 * time.Minute)
		for ago := range 10 {
			f.send(tokencache.RejectionHint(f.credential(), tok.Fingerprint(), time.Now().Add(-time.Hour*time.Duration(ago+1))))
			r.mustGet()
			time.Sleep(2 * time.Minute)
		}
		f.issuer.Rotate()
		require.NoError(t, r.source.Invalidate(t.Context(), tok))
		assert.False(t, r.mustGet().Equal(tok))
	})
}

// F45, I8: a flood of old rejections of the token at hand costs a look for each that this process
// has not heard, however often it comes, and in whatever order.
func TestF45OldRejectionsAreHeardOnce(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		replicas := f.start(5)
		withinAll(replicas, latency+100*time.Millisecond)
		time.Sleep(time.Minute)
		require.NoError(t, replicas[0].source.Invalidate(t.Context(), replicas[0].mustGet()))
		f.issuer.SetKeepRevoked(true)
		withinAll(replicas, 2*latency+100*time.Millisecond)
		tok := replicas[0].mustGet()
		time.Sleep(10 * time.Minute)
		calls := f.stats().Calls
		f.redis.Each((*redistest.Link).ResetCounts)
		var events []string
		for ago := range 4 {
			events = append(events, tokencache.RejectionHint(f.credential(), tok.Fingerprint(), time.Now().Add(-time.Hour*time.Duration(ago+1))))
		}
		for range 100 {
			for _, e := range events {
				f.send(e)
				withinAll(replicas, 100*time.Millisecond)
			}
		}
		for _, r := range replicas {
			assert.LessOrEqual(t, f.looks(r), len(events), r.name)
			assert.True(t, r.within(0).Equal(tok))
		}
		assert.Equal(t, calls, f.stats().Calls)
	})
}

// F16, F57, I1: a late event of an earlier rejection does not make the last one an earlier one, as
// which a failover that forgets it would bring the token back.
func TestF57LateEventOfAnEarlierRejection(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		bad := r.mustGet()
		time.Sleep(10 * time.Minute)
		forget := f.remembering()
		early := tokencache.RejectionHint(f.credential(), bad.Fingerprint(), time.Now().Add(-time.Hour))
		require.NoError(t, r.source.Invalidate(t.Context(), bad))
		time.Sleep(2 * time.Minute) // longer than it cools
		f.send(early)
		f.issuer.Rotate()
		f.admin((*redis.Client).FlushAll)
		forget()
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			tok, err := r.source.Get(t.Context())
			require.NoError(t, err)
			require.False(t, tok.Equal(bad), "as it has rejected that")
		}
	})
}
