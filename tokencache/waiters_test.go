package tokencache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	for _, cutAt := range []time.Duration{slow - 900*time.Millisecond, slow - time.Millisecond, slow / 2} {
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

// F12: the holder's call fails and the lock is free again. All who waited for
// it get that very error within a round trip, and nobody asks in turn; who comes
// back waits out the shared backoff, and one asks.
func TestF12ReleasedWithoutToken(t *testing.T) {
	virtual(t, feishutest.Config{Latency: time.Second}, func(t *testing.T, f *fleet) {
		f.issuer.FailNext(1, feishutest.Status(503))
		replicas := f.start(20)
		for i, res := range all(t.Context(), replicas) {
			refused, ok := errors.AsType[*tokencache.IssuerError](res.err)
			require.True(t, ok, "%s: %v", replicas[i].name, res.err)
			assert.Equal(t, 503, refused.Status)
			assert.LessOrEqual(t, res.took, time.Second+time.Millisecond)
		}
		assert.Equal(t, feishutest.Stats{Refused: 1}, f.stats())
		assert.Empty(t, f.lockKey())

		withinAll(replicas, 300*time.Millisecond+takeover+time.Second)
		assert.Equal(t, feishutest.Stats{Refused: 1, Calls: 1, Rotations: 1}, f.stats())
	})
}

// F12: the issuer is down for two minutes and 20 replicas without a copy call
// Get in a loop. The fleet asks on one schedule, each time later, and is well as
// soon as that allows.
func TestF12IssuerDownForAColdFleet(t *testing.T) {
	const outage = 2 * time.Minute
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.issuer.SetFault(feishutest.Status(500))
		time.AfterFunc(outage, func() { f.issuer.SetFault(feishutest.Fault{}) })
		start := time.Now()
		together(f.start(20), func(r *replica) {
			for {
				ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
				res := <-r.getting(ctx)
				cancel()
				if res.err == nil {
					return
				}
				require.LessOrEqual(t, res.took, 3*time.Second)
				time.Sleep(100 * time.Millisecond)
			}
		})
		assert.Less(t, time.Since(start), outage+36*time.Second+takeover+latency, "I6: a running backoff and a call")
		f.assertBackoff(250*time.Millisecond, 30*time.Second)
		assert.LessOrEqual(t, f.stats().Refused, 11)
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// assertBackoff checks that each failed call was followed by a pause of at least
// the backoff (I3).
func (f *fleet) assertBackoff(base, limit time.Duration) {
	f.t.Helper()
	calls, wait := f.issuer.Calls(), base
	for i := 1; i < len(calls) && !calls[i-1].Granted(); i++ {
		assert.GreaterOrEqual(f.t, calls[i].Arrived.Sub(calls[i-1].Answered), wait, "call %d", i)
		wait = min(limit, 2*wait)
	}
}

// F12: a holder that can tell nobody of its failure still says that the lock is
// free, and somebody else asks at once instead of when the lease is over.
func TestF12LeavesNeitherTokenNorFailure(t *testing.T) {
	virtual(t, feishutest.Config{Latency: time.Second}, func(t *testing.T, f *fleet) {
		holder, waiter := f.replica(), f.replica()
		f.issuer.FailNext(1, feishutest.Status(500))
		holder.link.Fail("ERR no", script("fail"))
		first := holder.getting(t.Context())
		time.Sleep(time.Millisecond)
		holder.link.Delay(time.Millisecond) // what it says and what it does are apart
		second := waiter.getting(t.Context())
		require.Error(t, (<-first).err)
		res := <-second
		require.NoError(t, res.err)
		assert.LessOrEqual(t, res.took, 2*time.Second+10*time.Millisecond)
		assert.Equal(t, feishutest.Stats{Refused: 1, Calls: 1, Rotations: 1}, f.stats())
	})
}

// F13: a whole fleet starts at once, or a whole process's worth of goroutines.
// One call, and nobody waits for anything but the issuer.
func TestF13ColdHerd(t *testing.T) {
	t.Run("200 replicas", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			f.replica().mustGet() // the scripts are known
			require.NoError(t, f.redis.Admin().FlushDB(t.Context()).Err())
			replicas := f.start(200)
			for _, r := range replicas {
				r.link.Delay(5 * time.Millisecond)
			}
			withinAll(replicas, time.Second)
			require.Equal(t, 2, f.stats().Calls, "the warm-up's and one more")
			assert.LessOrEqual(t, time.Since(f.issuer.Calls()[1].Answered), 4*5*time.Millisecond, "I7")
			holders := 0
			for _, r := range replicas {
				// read, obtain, SUBSCRIBE, read, [a poll], read; or: read,
				// obtain, read, publish, PUBLISH, release, SUBSCRIBE
				assert.LessOrEqual(t, r.link.Count(), 7, "I8: %v", r.link.Counts())
				holders += r.link.Count("PUBLISH")
			}
			assert.Equal(t, 1, holders, "one event")
			time.Sleep(3 * time.Second)
			for _, r := range replicas {
				assert.Equal(t, 1, r.link.Count("SUBSCRIBE"), "%s connected once", r.name)
			}
		})
	})
	t.Run("1000 goroutines", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			r := f.replica()
			var wg sync.WaitGroup
			for i := range 1000 {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * time.Nanosecond)
					r.within(latency)
				})
			}
			wg.Wait()
			assert.Equal(t, 1, f.stats().Calls)
			assert.Equal(t, 1000, r.count(tokencache.EventWait, ""))
			assert.Equal(t, 1, r.count(tokencache.EventFill, ""))
			time.Sleep(time.Second)
			assert.LessOrEqual(t, r.link.Count(), 7+4, "I8, and a first time for four scripts: %v", r.link.Counts())
		})
	})
	t.Run("1000 goroutines of a waiter", func(t *testing.T) {
		virtual(t, feishutest.Config{Latency: time.Second}, func(t *testing.T, f *fleet) {
			f.replica().getting(t.Context())
			time.Sleep(time.Millisecond)
			r := f.replica()
			var wg sync.WaitGroup
			for range 1000 {
				wg.Go(func() { r.within(time.Second) })
			}
			wg.Wait()
			assert.Equal(t, 1, f.stats().Calls)
			assert.LessOrEqual(t, r.link.Count(), 9, "%v", r.link.Counts())
		})
	})
}

// F14: a replica starts during the fill of the others, and right after it.
func TestF14StartsDuringAndAfterTheFill(t *testing.T) {
	for _, at := range []time.Duration{time.Nanosecond, latency / 2, latency - time.Nanosecond, latency, latency + time.Nanosecond, time.Second} {
		t.Run(at.String(), func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				first := f.replica().getting(t.Context())
				time.Sleep(at)
				late := f.replica()
				late.within(max(0, latency-at))
				require.NoError(t, (<-first).err)
				assert.Equal(t, 1, f.stats().Calls)
			})
		})
	}
}

// F14: a replica starts around the moments at which the stored token ceases to
// be handed out, and at which it ends, and nobody has refreshed it. It is handed
// a good one, for one call.
func TestF14StartsAtTheExpiry(t *testing.T) {
	for _, before := range []time.Duration{
		11 * time.Second, 10*time.Second + time.Millisecond, 10 * time.Second, 10*time.Second - time.Millisecond,
		time.Millisecond, 1, 0, -1, -time.Millisecond,
	} {
		t.Run(fmt.Sprint(before), func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				old := f.replica().mustGet()
				time.Sleep(f.issuer.Remaining(old.AppAccessToken()) - before)
				late := f.start(3)
				if before > 10*time.Second+500*time.Millisecond {
					for _, r := range late {
						r.within(0)
					}
				} else {
					withinAll(late, latency+50*time.Millisecond)
					assert.False(t, late[0].within(0).Equal(old), "handed out at its end")
				}
				time.Sleep(6 * time.Second)
				for _, r := range f.replicas {
					assert.False(t, r.within(0).Equal(old), r.name)
				}
				assert.Equal(t, 2, f.stats().Calls)
				assert.Equal(t, 2, f.stats().Rotations)
			})
		})
	}
}
