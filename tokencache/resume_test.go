package tokencache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F42: Redis comes back, empty, to 200 replicas that have had to ask for
// themselves. A few put their token back and tell of it; the others look once or
// twice each, spread over seconds.
func TestF42RedisBackAfterAnOutage(t *testing.T) {
	for name, c := range map[string]struct {
		issuer feishutest.Config
		writes int
	}{
		"issuer repeats itself": {usual(), 5},
		"issuer mints":          {feishutest.Config{Latency: latency, MintEveryCall: true}, 20}, // each better than the last: ln 200, and a race
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, c.issuer, func(t *testing.T, f *fleet) {
				f.warmScripts()
				replicas := f.start(200)
				withinAll(replicas, latency+50*time.Millisecond)
				f.redis.Each((*redistest.Link).Down)
				f.admin((*redis.Client).FlushAll)
				f.sleepUntilLeft(replicas[0].mustGet(), time.Minute)
				calls := f.stats().Calls
				read(replicas, 5*time.Second, 30*time.Second) // urgent: each asks
				assert.Equal(t, calls+200, f.stats().Calls)
				assert.Equal(t, 200, f.count(tokencache.EventWait, "")-1, "at the start only")

				f.redis.Each((*redistest.Link).Heal)
				f.redis.Each((*redistest.Link).ResetCounts)
				back := time.Now()
				read(replicas, 5*time.Second, 2*time.Minute)
				stored := f.stored()
				require.NotEmpty(t, stored)
				writes, offers, events, most := 0, 0, 0, 0
				for _, r := range replicas {
					writes += r.count(tokencache.EventPutBack, "stored")
					offers += r.count(tokencache.EventPutBack, "")
					events += r.link.Count("PUBLISH")
					most = max(most, r.link.Count())
				}
				assert.Positive(t, writes)
				assert.LessOrEqual(t, writes, c.writes)
				assert.LessOrEqual(t, offers, c.writes, "whoever finds as good a token offers none")
				assert.Equal(t, writes, events, "one event for each write")
				assert.LessOrEqual(t, most, 10, "I8")
				assert.Equal(t, calls+200, f.stats().Calls, "nobody asks again")
				assert.Less(t, time.Since(back), 3*time.Minute)
				withinAll(f.start(3), 0)
				f.nothingLeft()
			})
		})
	}
}

// F42: nothing was lost, and all have a fresh copy: nothing happens.
func TestF42RedisBackWithEverything(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		replicas := f.start(50)
		withinAll(replicas, latency+50*time.Millisecond)
		time.Sleep(time.Second) // all have subscribed
		f.redis.Each((*redistest.Link).Down)
		read(replicas, time.Second, time.Minute)
		f.redis.Each((*redistest.Link).Heal)
		f.redis.Each((*redistest.Link).ResetCounts)
		read(replicas, 5*time.Second, 2*time.Minute)
		for _, r := range replicas {
			assert.LessOrEqual(t, r.link.Count(), 2, "subscribed again, and no more: %v", r.link.Counts())
		}
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// F42: many Sources of one process wait for a Redis that does not answer for a moment,
// and the breaker lets one of them probe. The others do not come at the same instant,
// to be turned away for another wait.
func TestF42RedisBackForManySources(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica(with(noDirect))
		r.link.Silence(true)
		begin := time.Now()
		var back sync.WaitGroup
		for i := range 20 {
			issuer := tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "test", App: fmt.Sprintf("app%d", i)})
			s := r.cache.Source(tokencache.FetchFunc(issuer, func(context.Context) (tokencache.Token, error) {
				return tokencache.NewToken("a-"+issuer.App(), "", time.Hour), nil
			}))
			back.Go(func() {
				time.Sleep(time.Duration(i) * time.Microsecond)
				_, err := s.Get(t.Context())
				assert.ErrorIs(t, err, tokencache.ErrRedis)
				_, err = s.Get(t.Context())
				assert.NoError(t, err)
				// The time-out, the longest first wait, and the time over which they come.
				assert.LessOrEqual(t, time.Since(begin), time.Second+300*time.Millisecond+20*time.Millisecond+time.Millisecond)
			})
		}
		time.Sleep(1100 * time.Millisecond)
		r.link.Heal()
		back.Wait()
	})
}

// F44: a Fetcher does not heed its ctx, and hangs. It is left behind when the
// time of the call is over; the lock is free then, and another replica asks.
func TestF44FetcherIgnoresItsCtx(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		hang := make(chan struct{})
		var calls atomic.Int32
		bad := f.replica(fetching(tokencache.FetchFunc(f.credential(), func(context.Context) (tokencache.Token, error) {
			calls.Add(1)
			<-hang
			return tokencache.NewToken("a-late", "t-late", 2*time.Hour), nil
		})))
		first := bad.getting(t.Context())
		time.Sleep(time.Millisecond)
		waiters := f.start(3)
		const callOver = 10*time.Second + 100*time.Millisecond
		results := make(chan []result)
		go func() { results <- all(t.Context(), waiters) }()
		res := <-first
		require.ErrorIs(t, res.err, context.DeadlineExceeded)
		assert.Equal(t, callOver, res.took)
		assert.Empty(t, f.lockKeyAfter(), "released")
		for _, res := range <-results { // told of the failure; or they ask
			assert.LessOrEqual(t, res.took, callOver+1200*time.Millisecond+takeover+latency)
		}
		withinAll(waiters, time.Second)
		assert.Equal(t, 1, f.stats().Calls)
		assert.EqualValues(t, 1, calls.Load())

		bad.within(time.Second + takeover)
		start := time.Now()
		bad.stop()
		assert.Zero(t, time.Since(start), "Close does not wait for it")
		close(hang)
		time.Sleep(time.Second)
		assert.Equal(t, f.issuer.Pairs()[0].App, f.stored(), "what comes that late is dropped")
		f.nothingLeft()
	})
}

// I6: after faults of every kind, one after the other and at random, the fleet is
// fresh again within a lease, a backoff, a probe and a call, and leaves nothing.
// I1 and I4 hold meanwhile.
func TestI6FreshAgainWhenTheFaultsStop(t *testing.T) {
	for seed := range uint64(3) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			rng := rand.New(rand.NewPCG(seed, 1))
			replicas := f.start(8)
			withinAll(replicas, latency+50*time.Millisecond)
			for range 10 {
				direct := f.count(tokencache.EventDirectCall, "ok")
				undo := f.anyFault(rng)
				calm := time.Duration(rng.Int64N(int64(2 * time.Hour)))
				getAnyway(replicas, 20*time.Second, calm)
				f.redis.Each((*redistest.Link).Heal)
				undo()
				// Lease 5 s, backoff 36 s, probe 6 s, put-back 36 + 2 s, call and polls.
				getAnyway(replicas, 3*time.Second, 90*time.Second)
				for _, r := range replicas {
					r.within(0)
				}
				if f.count(tokencache.EventDirectCall, "ok") > direct {
					assert.NotEmpty(t, f.stored(), "seed %d: not put back", seed)
				}
				cold := f.replica()
				cold.within(latency + 50*time.Millisecond) // redis may be empty: nobody had reason to look
				status, err := cold.source.Status(t.Context())
				require.NoError(t, err)
				assert.Contains(t, []string{"fresh", "due"}, string(status.State), "seed %d", seed)
			}
			time.Sleep(10 * time.Second)
			assert.Empty(t, f.lockKeyAfter())
			f.nothingLeft()
		})
	}
}

// anyFault begins a fault, for some of the replicas or all of them.
func (f *fleet) anyFault(rng *rand.Rand) (undo func()) {
	none := func() {}
	some := func(do func(*redistest.Link)) func() {
		all := rng.IntN(2) == 0
		for _, r := range f.replicas {
			if all || rng.IntN(2) == 0 {
				do(r.link)
			}
		}
		return none
	}
	faults := []func() func(){
		func() func() { return some((*redistest.Link).Down) },
		func() func() { return some(func(l *redistest.Link) { l.BlackHole(true) }) },
		func() func() { return some(func(l *redistest.Link) { l.Silence(true) }) },
		func() func() { return some((*redistest.Link).Mute) },
		func() func() { return some(func(l *redistest.Link) { l.Delay(1500 * time.Millisecond) }) },
		func() func() { return some(func(l *redistest.Link) { l.LoseMessages(true) }) },
		func() func() { return some((*redistest.Link).Cut) },
		func() func() { return some(func(l *redistest.Link) { l.DropReplies(3, nil) }) },
		func() func() {
			return some(func(l *redistest.Link) { l.Fail("OOM no", script("obtain", "publish", "fail")) })
		},
		func() func() { return some(func(l *redistest.Link) { l.Fail("READONLY no", script("publish")) }) },
		func() func() { f.admin((*redis.Client).FlushAll); return none },
		func() func() { f.admin((*redis.Client).ScriptFlush); return none },
		func() func() {
			f.issuer.SetFault(feishutest.Status(503))
			return func() { f.issuer.SetFault(feishutest.Fault{}) }
		},
		func() func() {
			f.issuer.SetFault(feishutest.LostReply())
			return func() { f.issuer.SetFault(feishutest.Fault{}) }
		},
		func() func() {
			f.issuer.SetFault(feishutest.Timeout())
			return func() { f.issuer.SetFault(feishutest.Fault{}) }
		},
		func() func() { f.issuer.SetLatency(12 * time.Second); return func() { f.issuer.SetLatency(latency) } },
	}
	return faults[rng.IntN(len(faults))]()
}

// getAnyway has every replica call Get every so often. It may fail, or wait for
// as long as its ctx lets it; what is handed out is good.
func getAnyway(replicas []*replica, every, during time.Duration) {
	end := time.Now().Add(during)
	together(replicas, func(r *replica) {
		var last tokencache.Token
		for time.Now().Before(end) {
			usable := time.Until(last.Expiry()) > 10*time.Second
			ctx, cancel := context.WithTimeout(context.Background(), every)
			res := <-r.getting(ctx)
			cancel()
			if res.err == nil {
				last = res.tok
			}
			if usable {
				require.NoError(r.fleet.t, res.err, "I4")
				assert.Zero(r.fleet.t, res.took, "I4")
			} else {
				assert.LessOrEqual(r.fleet.t, res.took, every)
			}
			time.Sleep(every)
		}
	})
}

// A proxy in front of Redis hangs up on whoever subscribes. When it was silent for a while,
// commands are answered again afterwards, and that counts.
func TestRedisIsBackThoughItHangsUpOnSubscribers(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		defer r.link.DropReplies(1<<30, redistest.Commands("SUBSCRIBE"))()
		r.mustGet()
		r.link.Silence(true)
		_, _, err := r.source.Refresh(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, r.count(tokencache.EventDirectCall, ""))
		time.Sleep(10 * time.Second)
		r.link.Silence(false)
		time.Sleep(10 * time.Second)
		assert.Equal(t, 1, r.count(tokencache.EventRecovered, ""))
		_, _, err = r.source.Refresh(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, r.count(tokencache.EventDirectCall, ""), "the other was through Redis")
	})
}
