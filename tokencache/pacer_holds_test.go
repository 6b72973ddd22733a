package tokencache_test

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// A fill leaves a hold, and no other starts before it is over (pacer.go). What
// ends one early is the news that matter, and no more: I8.

// I8: the issuer is down, and Redis does not take the failures, so each replica
// has a backoff of its own. Each that tries leaves the lock and says so; the
// others, who are held by the error of their own try, do not look at every such
// event.
func TestI8FreeLockDoesNotEndAnErrorsHold(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		replicas := f.start(20)
		withinAll(replicas, latency+50*time.Millisecond)
		f.sleepUntilDue()
		f.issuer.SetFault(feishutest.Status(503))
		f.redis.FailCommands("ERR no", script("fail"))
		f.redis.Each((*redistest.Link).ResetCounts)
		read(replicas, 100*time.Millisecond, 10*time.Minute)

		for _, r := range replicas {
			tries := r.count(tokencache.EventCall, "transient")
			require.Greater(t, tries, 20, "250 ms doubling to 30 s")
			// A try is read, obtain, read, fail, release, PUBLISH. At first they try
			// one after the other, and who loses the lock to 19 of them looks again.
			assert.LessOrEqual(t, r.link.Count(), 6*tries+19*7, "%d tries: %v", tries, r.link.Counts())
		}
	})
}

// I8: news of a token ends the hold of one that could not get it itself, which
// would have lasted for half a minute.
func TestI8TokenEndsAHold(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		lonely, other := f.lonely(), f.replica()
		old := lonely.heldInTheWindow(other)
		tok, changed, err := other.source.Refresh(t.Context())
		require.NoError(t, err)
		require.True(t, changed)
		stored := time.Now()
		for lonely.within(0).Equal(old) {
			require.Less(t, time.Since(stored), 5*time.Second+100*time.Millisecond, "spread, not more")
			time.Sleep(100 * time.Millisecond)
		}
		assert.True(t, lonely.within(0).Equal(tok))
	})
}

// I8: the same for one without a copy, which returns an error from memory until
// its hold is over. It has reason to look at once.
func TestI8TokenEndsAHoldWithoutACopy(t *testing.T) {
	virtual(t, feishutest.Config{Latency: time.Second}, func(t *testing.T, f *fleet) {
		f.issuer.FailNext(1, feishutest.WrongSecret())
		holder, waiter := f.replica(), f.replica()
		for _, res := range all(t.Context(), []*replica{holder, waiter}) {
			require.Error(t, res.err)
		}
		res := <-waiter.getting(t.Context())
		require.Error(t, res.err)
		require.Zero(t, res.took, "from memory")

		tok, _, err := holder.source.Refresh(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Millisecond)
		assert.True(t, waiter.within(0).Equal(tok))
	})
}

// I8: news of a free lock ends the hold of those who lost it, if its holder left
// nothing that would. Else they would wait for the end of its lease.
func TestI8FreeLockEndsAHold(t *testing.T) {
	virtual(t, feishutest.Config{Latency: time.Second}, func(t *testing.T, f *fleet) {
		holder, next := f.replica(), f.replica()
		withinAll(f.replicas, time.Second)
		f.sleepUntilDue()
		f.issuer.FailNext(1, feishutest.Status(500))
		holder.link.Fail("ERR no", script("fail"))
		holder.within(0)
		time.Sleep(time.Millisecond)
		read([]*replica{next}, 10*time.Millisecond, 3*time.Second)

		calls := f.issuer.Calls()
		require.Len(t, calls, 3)
		require.False(t, calls[1].Granted())
		assert.LessOrEqual(t, calls[2].Arrived.Sub(calls[1].Answered), 15*time.Millisecond)
	})
}

// I8: news of a rejection ends the hold of one that had a copy until then. It
// waits for what the others get, and is not told the error of its own last try.
func TestI8RejectionEndsAHold(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		lonely, other := f.lonely(), f.replica()
		bad := lonely.heldInTheWindow(other)
		f.issuer.SetLatency(time.Second)
		f.issuer.Revoke(bad.AppAccessToken())
		require.NoError(t, other.source.Invalidate(t.Context(), bad))
		got := other.getting(t.Context())
		time.Sleep(time.Millisecond)

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		res := <-lonely.getting(ctx)
		require.NoError(t, res.err)
		assert.LessOrEqual(t, res.took, time.Second)
		assert.True(t, res.tok.Equal((<-got).tok))
	})
}

// A hold that a fill left to a process with a copy ends with the copy: without one it
// looks whether somebody else has a token, though the hold was for minutes and no
// event tells.
func TestHoldEndsWithTheCopy(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		replicas := f.start(2)
		withinAll(replicas, latency+50*time.Millisecond)
		cut, other := replicas[0], replicas[1]
		f.sleepUntilLeft(cut.mustGet(), 50*time.Second)
		cut.link.Down()
		f.issuer.SetFault(feishutest.WrongSecret())
		cut.within(0) // urgent: it asks by itself, and is to wait for a minute
		time.Sleep(5 * time.Second)
		require.Equal(t, 1, cut.count(tokencache.EventDirectCall, "permanent"))

		f.issuer.SetFault(feishutest.Fault{})
		other.within(0)
		cut.link.Heal()
		cut.link.Fail("NOPERM no channel", redistest.Commands("SUBSCRIBE"))
		time.Sleep(36 * time.Second)
		_, has := cut.source.Peek()
		require.False(t, has)
		assert.True(t, cut.within(7*time.Second).Equal(other.mustGet()))
	})
}

// I3: a token of a direct call that has ended before it arrives keeps this process from asking like any
// other failure.
func TestI3DirectCallInVainLeavesAHold(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		r.link.Down()
		var calls atomic.Int32
		s := r.cache.Source(tokencache.FetchFunc(tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "slow", App: "app"}),
			func(context.Context) (tokencache.Token, error) {
				calls.Add(1)
				time.Sleep(1100 * time.Millisecond)
				return tokencache.NewToken("a", "", time.Second), nil
			}))
		for end := time.Now().Add(time.Minute); time.Now().Before(end); {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			_, err := s.Get(ctx)
			cancel()
			assert.Error(t, err)
			time.Sleep(100 * time.Millisecond)
		}
		assert.Greater(t, calls.Load(), int32(2))
		assert.LessOrEqual(t, calls.Load(), int32(12), "a backoff from 250 ms to 30 s")
	})
}

// F37: in the window, with the lock in other hands that do nothing, 20 replicas
// call Get in a tight loop for 2 s. What reaches Redis does not depend on how
// often they call.
func TestF37TightLoopInTheWindow(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		replicas := f.start(20)
		together(replicas, func(r *replica) { r.mustGet() })
		time.Sleep(96 * time.Minute) // everybody is in the window
		lock := "onetoken:{" + f.id() + "}:lock"
		require.NoError(t, f.redis.Admin().Set(t.Context(), lock, "somebody", 5*time.Second).Err())

		f.resetCounts()
		end := time.Now().Add(2 * time.Second)
		together(replicas, func(r *replica) {
			for time.Now().Before(end) {
				r.within(0)
				time.Sleep(time.Millisecond)
			}
		})
		for _, r := range replicas {
			assert.LessOrEqual(t, r.link.Count(), 2, "%s: %v", r.name, r.link.Counts())
			assert.LessOrEqual(t, r.count(tokencache.EventFill, ""), 2)
		}
		assert.Equal(t, 1, f.stats().Calls)

		f.readAtOnce(replicas, 100*time.Millisecond, 10*time.Second) // the lock runs out: one takes over
		assert.Equal(t, 2, f.stats().Calls)
		assert.Equal(t, 1, f.count(tokencache.EventTakeover, ""))
	})
}

// F26: an issuer whose window opens later than believed answers with the token
// that everybody has. The fleet asks again every minute, all of it together, and
// nobody notices.
func TestF26SameTokenReturned(t *testing.T) {
	virtual(t, feishutest.Config{Window: 15 * time.Minute}, func(t *testing.T, f *fleet) {
		replicas := f.start(20)
		together(replicas, func(r *replica) { r.mustGet() })
		time.Sleep(90 * time.Minute)
		f.resetCounts()
		read(replicas, time.Second, 30*time.Minute)

		calls := f.issuer.Calls()[1:]
		require.NotEmpty(t, calls)
		for i, call := range calls {
			assert.Equal(t, i == len(calls)-1, call.Minted, "call %d", i)
			if i > 0 {
				assert.GreaterOrEqual(t, call.Arrived.Sub(calls[i-1].Arrived), 59*time.Second, "call %d", i)
			}
		}
		assert.GreaterOrEqual(t, len(calls), 8, "about once a minute from 26 min to 15 min before the end")
		assert.LessOrEqual(t, len(calls), 14)
		for _, r := range replicas {
			assert.Equal(t, 1, r.count(tokencache.EventWait, ""))
			assert.LessOrEqual(t, r.link.Count(), 8*len(calls), "%s: %v", r.name, r.link.Counts())
		}
		assert.Equal(t, 2, f.stats().Rotations)
	})
}

// lonely is a replica that does not reach the issuer once it is cut off.
type lonely struct {
	*replica
	cutOff atomic.Bool
	tried  atomic.Int32
}

func (f *fleet) lonely() *lonely {
	l := &lonely{}
	l.replica = f.replica(via(roundTrip(func(req *http.Request) (*http.Response, error) {
		if !l.cutOff.Load() {
			return f.issuer.RoundTripper().RoundTrip(req)
		}
		l.tried.Add(1)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errForTest}
	})))
	return l
}

// heldInTheWindow cuts it off, with a copy in its window, until it has just
// failed and will leave the issuer alone for half a minute. The failure holds
// nobody else any more.
func (l *lonely) heldInTheWindow(others ...*replica) tokencache.Token {
	f := l.fleet
	f.t.Helper()
	withinAll(append(others, l.replica), latency+50*time.Millisecond)
	f.sleepUntilDue()
	l.cutOff.Store(true)
	for range 9 { // 250 ms doubles to 30 s with the eighth
		for tried := l.tried.Load(); l.tried.Load() == tried; time.Sleep(100 * time.Millisecond) {
			l.within(0)
		}
	}
	time.Sleep(2 * time.Second)
	return l.within(0)
}
