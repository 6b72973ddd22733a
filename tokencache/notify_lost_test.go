package tokencache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F9: the time of one caller is over while it waits with others for the same
// fill. It returns there and then, with a word on what it waited for; the others
// get their token.
func TestF9OneCallerLeaves(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
		r := f.replica()
		stays := r.getting(t.Context())
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		hurried := r.getting(impatient)
		cause := errors.New("the user went away")
		caused, leave := context.WithCancelCause(t.Context())
		time.AfterFunc(2*time.Second, func() { leave(cause) })
		left := r.getting(caused)

		res := <-hurried
		require.ErrorIs(t, res.err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, res.took)
		res = <-left
		require.ErrorIs(t, res.err, cause)
		assert.Equal(t, 2*time.Second, res.took)
		res = <-stays
		require.NoError(t, res.err)
		assert.Equal(t, 3*time.Second, res.took)
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// F9: everybody has left, even the caller that began. The fill goes on, and its
// token is there for whoever comes next, here and elsewhere.
func TestF9AllCallersLeave(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
		r := f.replica()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range 10 {
			defer r.getting(ctx)
		}
		res := <-r.getting(ctx)
		require.ErrorIs(t, res.err, context.DeadlineExceeded)
		assert.Empty(t, f.tokenKey())
		time.Sleep(2*time.Second + time.Millisecond)
		assert.NotEmpty(t, f.stored())
		r.within(0)
		f.replica().within(0)
		assert.Equal(t, 1, f.stats().Calls)
		f.nothingLeft()
	})
}

// F9: the ctx of a caller is over before it calls. That is nothing to somebody
// with a copy, fresh or in its window; without one it returns at once.
func TestF9CallerWithoutAnyTime(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		over, cancel := context.WithCancel(t.Context())
		cancel()
		r := f.replica()
		res := <-r.getting(over)
		require.ErrorIs(t, res.err, context.Canceled)
		assert.Zero(t, res.took)
		r.within(latency)
		for _, state := range []string{"fresh", "in its window"} {
			res = <-r.getting(over)
			require.NoError(t, res.err, state)
			assert.Zero(t, res.took)
			time.Sleep(f.issuer.Remaining(res.tok.AppAccessToken()) - 24*time.Minute)
		}
	})
}

// F10: events do not arrive, in every way there is. Waiters find the token by
// their timers, and never wait a lease.
func TestF10EventsDoNotArrive(t *testing.T) {
	const slow = 1500 * time.Millisecond
	const poll = 3 * time.Second // 2 s, and up to a half
	for name, deafen := range map[string]func(*fleet, *redistest.Link){
		"half-open":                func(_ *fleet, l *redistest.Link) { l.LoseMessages(true) },
		"subscribing is forbidden": func(_ *fleet, l *redistest.Link) { l.Fail("NOPERM no channel", redistest.Commands("SUBSCRIBE")) },
		"subscribing hangs":        func(_ *fleet, l *redistest.Link) { l.Hold(redistest.Commands("SUBSCRIBE")) },
		"publishing is forbidden": func(f *fleet, _ *redistest.Link) {
			f.redis.FailCommands("NOPERM no channel", redistest.Commands("PUBLISH"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: slow}, func(t *testing.T, f *fleet) {
				replicas := f.start(10)
				for _, r := range replicas {
					deafen(f, r.link)
				}
				withinAll(replicas, slow+poll)
				assert.Equal(t, 1, f.stats().Calls)
				assert.Zero(t, f.count(tokencache.EventTakeover, ""))
				for _, r := range replicas {
					assert.LessOrEqual(t, r.link.Count("EVALSHA", "EVAL"), 10, "polls become rare")
				}
				f.nothingLeft()
			})
		})
	}
}

// F10: the subscription is cut while a replica waits, the token is published
// while nothing is heard, and the subscription comes back. The replica looks
// again then, or at its timer.
func TestF10SubscriptionCutAndRestored(t *testing.T) {
	const slow = 6 * time.Second
	for _, cutAt := range []time.Duration{slow - 900*time.Millisecond, slow - 2*time.Millisecond, slow / 2} { // not as the call ends: a look under way would be cut, too
		t.Run(cutAt.String(), func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: slow}, func(t *testing.T, f *fleet) {
				holder := f.replica()
				holder.getting(t.Context())
				time.Sleep(time.Millisecond)
				waiters := f.start(20)
				time.AfterFunc(cutAt, func() {
					for _, r := range waiters {
						r.link.Cut()
					}
				})
				withinAll(waiters, max(slow, cutAt+1200*time.Millisecond))
				assert.Equal(t, 1, f.stats().Calls)
				time.Sleep(3 * time.Second)
				assert.Equal(t, int64(21), f.redis.Admin().PubSubNumSub(t.Context(), f.channel()).Val()[f.channel()], "all listen again")
			})
		})
	}
}

// channel is where the fleet's events are sent.
func (f *fleet) channel() string { return f.keyName("events") }

// F10: the subscription of a replica with a copy is half-open for good. It
// refreshes when its own time comes, by reading, and asks nobody.
func TestF10HalfOpenForADay(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		replicas := f.start(5)
		withinAll(replicas, latency+50*time.Millisecond)
		replicas[0].link.LoseMessages(true)
		read(replicas, 10*time.Second, 24*time.Hour)
		assert.Equal(t, f.stats().Rotations, f.stats().Calls)
		assert.Equal(t, 5, f.count(tokencache.EventWait, ""))
	})
}

// F10: the event cannot be sent. The holder's own callers have their token all
// the same, at once; and it does not take its own event for news.
func TestF10EventIsNotSent(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		release := r.link.Hold(redistest.Commands("PUBLISH"))
		r.within(latency)
		time.Sleep(5 * time.Second)
		release()
		r.within(0)
		f.nothingLeft()
	})
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		r.within(latency)
		f.sleepUntilDue()
		r.within(0)
		time.Sleep(time.Second)
		r.within(0)
		reads := r.link.Count("EVALSHA")
		time.Sleep(10 * time.Second)
		r.within(0)
		assert.Equal(t, reads, r.link.Count("EVALSHA"))
		assert.Equal(t, 2, r.count(tokencache.EventFill, ""))
	})
}

// F11: the token is published at every moment of a waiter's way from its first
// look to its sleep: after a look and before the subscription, between that and
// the next look, after it. No wake-up is lost, so nobody waits for a timer.
func TestF11PublishedBetweenTheReadAndTheWait(t *testing.T) {
	const half = 10 * time.Millisecond // a round trip
	late := 0
	for begin := time.Duration(0); begin <= 12*half; begin += half / 5 {
		virtual(t, feishutest.Config{Latency: 6 * half}, func(t *testing.T, f *fleet) {
			warm := f.replica() // the scripts are known
			warm.mustGet()
			require.NoError(t, f.redis.Admin().FlushDB(t.Context()).Err())
			holder, waiter := f.replica(), f.replica()
			waiter.link.Delay(half)
			holder.link.Delay(half)
			first := holder.getting(t.Context())
			time.Sleep(begin + time.Nanosecond)
			second := waiter.getting(t.Context())
			one, two := <-first, <-second
			require.NoError(t, one.err)
			require.NoError(t, two.err)

			over := max(0, two.took-max(0, one.took-begin))
			assert.LessOrEqual(t, over, 6*half, "a waiter that began %v after the holder", begin)
			if waiter.link.Count("SUBSCRIBE") > 0 && over > half {
				late++
			}
			assert.Equal(t, 2, f.stats().Calls, "the warm-up's and one more")
		})
	}
	t.Logf("%d waiters subscribed and were late", late)
}

// F11: the same with the look that decides held back in the network until the
// token is out: its answer is old news, and the event came before it.
func TestF11PublishedWhileTheLookIsUnderWay(t *testing.T) {
	virtual(t, feishutest.Config{Latency: time.Second}, func(t *testing.T, f *fleet) {
		holder, waiter := f.replica(), f.replica()
		first := holder.getting(t.Context())
		time.Sleep(time.Millisecond)
		release := waiter.link.Hold(redistest.Commands("SUBSCRIBE"))
		second := waiter.getting(t.Context())
		time.Sleep(900 * time.Millisecond)
		waiter.link.Delay(200 * time.Millisecond) // the look's answer leaves before the token and arrives after it
		release()
		require.NoError(t, (<-first).err)
		res := <-second
		require.NoError(t, res.err)
		assert.LessOrEqual(t, res.took, 1500*time.Millisecond)
		assert.Equal(t, 1, f.stats().Calls)
	})
}
