package tokencache_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F1: the holder of the lock is killed during its call. Somebody takes over when
// the lease is over, and who has a copy notices nothing.
func TestF1HolderKilledDuringItsCall(t *testing.T) {
	const lease = 5 * time.Second
	t.Run("cold fleet", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			victim := f.victim()
			victim.getting(t.Context())
			time.Sleep(latency / 2)
			victim.kill()
			others := f.start(20)
			withinAll(others, lease+takeover+latency)

			assert.Equal(t, 2, f.stats().Calls, "the dead one's and one more")
			assert.Equal(t, 1, f.count(tokencache.EventTakeover, ""))
			assert.Equal(t, 1, f.stats().Rotations)
			assert.Empty(t, f.lockKeyAfter())
		})
	})
	t.Run("in the window", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			victim := f.victim()
			others := f.start(20)
			withinAll(f.replicas, latency+time.Second)
			f.sleepUntilDue()
			first := victim.mustGet()
			victim.within(0)
			time.Sleep(latency / 2)
			victim.kill()

			start := time.Now()
			read(others, 50*time.Millisecond, lease+takeover+latency+6*time.Second)
			assert.Less(t, time.Since(start), lease+takeover+latency+7*time.Second)
			for _, r := range others {
				assert.Equal(t, 1, r.count(tokencache.EventWait, ""), "at the start only")
				tok := r.within(0)
				assert.False(t, tok.Equal(first), "%s has not heard of the new token", r.name)
			}
			assert.Equal(t, 1, f.count(tokencache.EventTakeover, ""))
			assert.Equal(t, 3, f.stats().Calls)
			assert.Equal(t, 2, f.stats().Rotations)
		})
	})
}

// F2: the holder is stopped until its lease is over and a successor has
// published; then it wakes, and offers what it was given long ago. The better
// one stays, and both use it.
func TestF2StoppedHolderWakesAfterItsSuccessor(t *testing.T) {
	virtual(t, feishutest.Config{Latency: latency, MintEveryCall: true}, func(t *testing.T, f *fleet) {
		holder, stall := f.stoppable()
		successor := f.replica()
		got := holder.getting(t.Context())
		time.Sleep(time.Second)
		newer := successor.within(5*time.Second + takeover + latency)
		assert.Equal(t, newer.AppAccessToken(), f.stored())
		pttl := f.redis.Admin().PTTL(t.Context(), f.tokenKey()).Val()

		stall.let()
		res := <-got
		require.NoError(t, res.err)
		assert.True(t, res.tok.Equal(newer), "the stopped one adopts what is stored")
		assert.Equal(t, newer.AppAccessToken(), f.stored())
		assert.Equal(t, pttl, f.redis.Admin().PTTL(t.Context(), f.tokenKey()).Val(), "I2")
		assert.Equal(t, []string{"lease_lost", "publish kept"}, holder.only(tokencache.EventLeaseLost, tokencache.EventPublish))
		assert.Equal(t, []string{"takeover", "publish stored"}, successor.only(tokencache.EventTakeover, tokencache.EventPublish))
		assert.Equal(t, 2, f.stats().Calls)
	})
}

// F3: the holder is stopped for longer than the token it was given lives. It is
// not stored, not handed out, and the fleet hears of a failure.
func TestF3HolderStoppedBeyondTheTokensLife(t *testing.T) {
	virtual(t, feishutest.Config{Life: 8 * time.Second, Latency: latency}, func(t *testing.T, f *fleet) {
		holder, stall := f.stoppable()
		got := holder.getting(t.Context())
		time.Sleep(9 * time.Second)
		stall.let()
		res := <-got
		require.ErrorIs(t, res.err, tokencache.ErrExpired)
		assert.Equal(t, 9*time.Second, res.took)
		assert.Empty(t, f.tokenKey(), "nothing stored")
		assert.Empty(t, f.lockKeyAfter())
		assert.Equal(t, []string{"publish expired"}, holder.only(tokencache.EventPublish, tokencache.EventAdopt))

		holder.within(time.Second)
		assert.Equal(t, 2, f.stats().Calls)
	})
}

// F4: the lease is lost during the call and nobody takes over. The token is good
// all the same, and stored.
func TestF4LeaseLostWithoutASuccessor(t *testing.T) {
	for name, lose := range map[string]func(*fleet, *replica){
		"key evicted": func(f *fleet, _ *replica) {
			require.NoError(f.t, f.redis.Admin().Del(context.Background(), f.lockKey()).Err())
		},
		"never extended": func(_ *fleet, r *replica) { r.link.Fail("ERR no", script("extend")) },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: 6 * time.Second}, func(t *testing.T, f *fleet) {
				r := f.replica()
				got := r.getting(t.Context())
				time.Sleep(time.Millisecond)
				lose(f, r)
				res := <-got
				require.NoError(t, res.err)
				assert.Equal(t, 6*time.Second, res.took, "the call is not interrupted")
				assert.Equal(t, res.tok.AppAccessToken(), f.stored())
				assert.Equal(t, []string{"lease_lost", "publish stored"}, r.only(tokencache.EventLeaseLost, tokencache.EventPublish))

				f.replica().within(0)
				assert.Equal(t, 1, f.stats().Calls)
				f.nothingLeft()
			})
		})
	}
}

// F4: the call of one that lost its lease fails when somebody else has stored a
// token long since: it must not hold back a fleet that has no trouble.
func TestF4FailureOfAnExHolderHoldsNobody(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		holder, stall := f.stoppable()
		got := holder.getting(t.Context())
		f.issuer.FailNext(1, feishutest.WrongSecret())
		time.Sleep(time.Second)
		tok := f.replica().within(5*time.Second + takeover + latency)
		stall.let()
		res := <-got
		require.NoError(t, res.err, "its own trouble, with a token at hand")
		assert.True(t, res.tok.Equal(tok))
		assert.Empty(t, key("failure")(f))
		f.replica().within(0)
	})
}

// F5: the issuer is slower than the lease. It is extended, and nobody else asks.
func TestF5IssuerSlowerThanTheLease(t *testing.T) {
	t.Run("cold fleet", func(t *testing.T) {
		const slow = 9 * time.Second
		virtual(t, feishutest.Config{Latency: slow}, func(t *testing.T, f *fleet) {
			withinAll(f.start(20), slow+50*time.Millisecond)
			assert.Equal(t, 1, f.stats().Calls)
			assert.Zero(t, f.count(tokencache.EventLeaseLost, ""))
			assert.Zero(t, f.count(tokencache.EventTakeover, ""))
		})
	})
	t.Run("lease of a short-lived token", func(t *testing.T) {
		virtual(t, feishutest.Config{Life: 40 * time.Second, Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
			replicas := f.start(5)
			read(replicas, 100*time.Millisecond, 10*time.Minute)
			assert.Equal(t, f.stats().Rotations, f.stats().Calls)
			assert.Zero(t, f.count(tokencache.EventLeaseLost, ""))
			assert.Equal(t, 5, f.count(tokencache.EventWait, ""), "at the start only")
		})
	})
	t.Run("up to the timeout of the call", func(t *testing.T) {
		virtual(t, feishutest.Config{Latency: time.Minute}, func(t *testing.T, f *fleet) {
			r := f.replica()
			got := r.getting(t.Context())
			time.Sleep(10*time.Second - time.Millisecond)
			assert.NotEmpty(t, f.lockKey(), "extended to the end")
			res := <-got
			require.ErrorIs(t, res.err, context.DeadlineExceeded)
			_, ok := errors.AsType[*tokencache.IssuerError](res.err)
			assert.True(t, ok)
			assert.Equal(t, 10*time.Second, res.took)
			assert.Empty(t, f.lockKeyAfter(), "released at once")
		})
	})
}

// F6: a holder releases its lock after the lease, when a successor has it. The
// successor's stays.
func TestF6ReleaseLeavesTheSuccessorsLock(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 3 * time.Second, MintEveryCall: true}, func(t *testing.T, f *fleet) {
		holder, stall := f.stoppable()
		first := holder.getting(t.Context())
		time.Sleep(time.Second)
		second := f.replica().getting(t.Context())
		time.Sleep(5 * time.Second)
		value := f.redis.Admin().Get(t.Context(), f.lockKey()).Val()
		stall.let()
		res := <-first
		require.NoError(t, res.err)

		require.NotEmpty(t, f.lockKey())
		assert.Equal(t, value, f.redis.Admin().Get(t.Context(), f.lockKey()).Val())
		assert.Equal(t, []string{"publish stored"}, holder.only(tokencache.EventPublish), "good, and the first")
		require.NoError(t, (<-second).err)
		time.Sleep(4 * time.Second) // it has the first one's token, and its call goes on
		assert.Empty(t, f.lockKeyAfter())
		assert.Equal(t, 2, f.stats().Calls)
	})
}

// F6: a replica does not hear that it was too late for the lock, and releases
// what it may have got. It is the holder's, and stays.
func TestF6UnsureReleaseLeavesTheHoldersLock(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
		f.warmScripts()
		holder, unsure := f.replica(), f.replica(oneTry, with(noDirect))
		late := unsure.link.Hold(script("look"))
		second := unsure.getting(t.Context())
		time.Sleep(time.Millisecond)
		first := holder.getting(t.Context())
		time.Sleep(time.Millisecond)
		value := f.redis.Admin().Get(t.Context(), f.lockKey()).Val()
		unsure.link.Delay(1200 * time.Millisecond) // beyond its time-out
		late()
		time.AfterFunc(time.Millisecond, unsure.link.Heal)
		require.ErrorIs(t, (<-second).err, tokencache.ErrRedis)
		time.Sleep(time.Second)
		require.NotEmpty(t, f.lockKey())
		assert.Equal(t, value, f.redis.Admin().Get(t.Context(), f.lockKey()).Val())
		require.NoError(t, (<-first).err)
		assert.Zero(t, holder.count(tokencache.EventLeaseLost, ""))
		assert.Equal(t, 2, f.stats().Calls, "the warm-up's and one more")
		assert.Empty(t, f.lockKeyAfter())
	})
}

// victim is a replica that can be killed: nothing reaches it any more, and nobody
// hears of it.
type victim struct {
	*replica
	stall *stall
}

func (f *fleet) victim() *victim {
	s := f.stall()
	return &victim{f.replica(via(s)), s}
}

func (v *victim) kill() {
	v.stall.begin()
	v.link.Silence(true)
}

// stoppable is a replica that hears nothing of the issuer and cannot extend its
// lock until its stall ends: as good as stopped in the middle of its call.
func (f *fleet) stoppable(options ...option) (*replica, *stall) {
	s := f.stall()
	s.begin()
	r := f.replica(append(options, via(s))...)
	r.link.Fail("ERR stopped", script("extend"))
	return r, s
}

// stall is a transport whose answers can be kept back: a process that is stopped
// between asking the issuer and hearing of it, or killed there.
type stall struct {
	http.RoundTripper

	mu   sync.Mutex // guards gate
	gate chan struct{}
}

func (f *fleet) stall() *stall { return &stall{RoundTripper: f.issuer.RoundTripper()} }

// begin keeps answers back from now on; let gives them.
func (s *stall) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
}

func (s *stall) let() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.gate)
	s.gate = nil
}

// RoundTrip asks at once; the answer has to wait.
func (s *stall) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(r)
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate == nil {
		return resp, err
	}
	select {
	case <-gate:
		return resp, err
	case <-r.Context().Done():
		if err == nil {
			_ = resp.Body.Close()
		}
		return nil, r.Context().Err()
	}
}
