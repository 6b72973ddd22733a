package tokencache_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F21: the reply to a script is lost, and a default client runs it once more.
// What comes of it is the same as without: nothing is counted, given or taken
// twice.
func TestF21ReplyLostAndReplayed(t *testing.T) {
	for _, lost := range []string{"look", "read", "obtain", "extend", "publish", "release"} {
		t.Run(lost, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
				f.warmScripts()
				holder := f.replica()
				if lost == "read" || lost == "obtain" {
					holder.failedLongAgo()
				}
				holder.link.DropReplies(1, script(lost))
				got := holder.getting(t.Context())
				time.Sleep(500 * time.Millisecond) // the client's own pause, too
				withinAll(f.start(5), 3*time.Second+100*time.Millisecond)
				require.NoError(t, (<-got).err)
				assert.Equal(t, 2, f.stats().Calls, "the warm-up's and one more")
				assert.Equal(t, []string{"publish stored"}, holder.only(tokencache.EventPublish, tokencache.EventLeaseLost))
				assert.Zero(t, f.count(tokencache.EventTakeover, ""))
				assert.Zero(t, f.count(tokencache.EventDegraded, ""))
				time.Sleep(time.Second)
				assert.Empty(t, f.lockKeyAfter())
				f.nothingLeft()
			})
		})
	}
}

// F21: the same with a failure: its attempts are counted once, and the hold is
// that of the first.
func TestF21LostReplyOfAFailure(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.warmFailure()
		r := f.replica()
		r.link.DropReplies(1, script("fail"))
		f.issuer.FailNext(1, feishutest.Status(500))
		_, err := r.get(t.Context())
		require.Error(t, err)
		status, err := r.source.Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, status.Attempts)
		assert.LessOrEqual(t, status.RetryIn, 300*time.Millisecond)
		r.within(300*time.Millisecond + latency)
	})
}

// F21: and with a rejection: it is told once, though Redis hears it twice.
func TestF21LostReplyOfARejection(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.warmScripts()
		r := f.replica()
		bad := r.mustGet()
		f.issuer.Revoke(bad.AppAccessToken())
		r.link.DropReplies(1, script("invalidate"))
		require.NoError(t, r.source.Invalidate(t.Context(), bad))
		assert.Equal(t, []string{"invalidate dropped"}, r.only(tokencache.EventInvalidate))
		assert.Equal(t, 1, r.link.Count("PUBLISH")-1, "one event of it")
		tombstone := f.redis.Admin().Get(t.Context(), f.keyOf("rejected")).Val()
		assert.Regexp(t, `^\d+ 1 `, tombstone, "counted once")
		assert.False(t, r.within(latency).Equal(bad))
	})
}

// F43: the lock was taken, and the reply lost on a client that does not try
// again. Nobody holds it, so it is released at once, and nobody waits for it.
func TestF43LockReplyLost(t *testing.T) {
	for name, fault := range map[string]struct {
		lose   func(*redistest.Link)
		within time.Duration
		failed bool // long ago: the lock is tried for in a step of its own
	}{
		"connection cut":                  {func(l *redistest.Link) { l.DropReplies(1, script("look")) }, 0, false},
		"connection cut, after a failure": {func(l *redistest.Link) { l.DropReplies(1, script("obtain")) }, 0, true},
		"reply too late":                  {func(l *redistest.Link) { l.Delay(1200 * time.Millisecond) }, 3 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				f.warmScripts()
				r, other := f.replica(oneTry, with(noDirect)), f.replica()
				if fault.failed {
					r.failedLongAgo()
				}
				release := func() {}
				if fault.within == 0 {
					fault.lose(r.link)
				} else {
					require.NoError(t, f.redis.Admin().Ping(t.Context()).Err())
					_, err := r.source.Status(t.Context()) // connected
					require.NoError(t, err)
					hold := r.link.Hold(script("look"))
					release = func() {
						fault.lose(r.link)
						hold()
						time.AfterFunc(time.Millisecond, r.link.Heal)
					}
				}
				got := r.getting(t.Context())
				time.Sleep(time.Millisecond)
				release()
				require.ErrorIs(t, (<-got).err, tokencache.ErrRedis)
				other.within(fault.within + latency)
				assert.Equal(t, 2, f.stats().Calls, "the warm-up's and one more")
				r.link.Heal()
				time.Sleep(3 * time.Second)
				r.within(0)
				f.nothingLeft()
			})
		})
	}
}

// failedLongAgo leaves a failure that holds nobody. Whoever finds one looks and tries
// for the lock in two steps instead of one.
func (r *replica) failedLongAgo() {
	r.fleet.t.Helper()
	ctx, admin, key := context.Background(), r.fleet.redis.Admin(), "onetoken:{"+r.source.ID()+"}:failure"
	require.NoError(r.fleet.t, admin.HSet(ctx, key, "attempts", 1, "until", 1).Err())
	require.NoError(r.fleet.t, admin.PExpire(ctx, key, time.Minute).Err())
}

func (f *fleet) warmFailure() {
	f.t.Helper()
	f.issuer.FailNext(1, feishutest.Status(500))
	_, err := f.replica().get(context.Background())
	require.Error(f.t, err)
	require.NoError(f.t, f.redis.Admin().FlushDB(context.Background()).Err())
}
