package tokencache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := miniredis.NewMiniRedis()
		defer m.Close()
		m.ClockTTL(true)
		n := 0
		f := tokencache.FetchFunc(tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "x", App: "a", Window: 30 * time.Minute}), func(ctx context.Context) (tokencache.Token, error) {
			n++
			time.Sleep(130 * time.Millisecond)
			return tokencache.NewToken(fmt.Sprint("a", n), fmt.Sprint("t", n), 2*time.Hour), nil
		})
		done := make(chan time.Duration)
		const N = 20
		for i := range N {
			go func() {
				time.Sleep(time.Duration(i) * time.Microsecond)
				rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", PoolSize: 100, Dialer: func(context.Context, string, string) (net.Conn, error) { return m.Dial() }})
				defer rdb.Close()
				waits := 0
				c, err := tokencache.New(rdb, tokencache.Config{Observe: func(e tokencache.Event) {
					if i == 0 && e.Kind != tokencache.EventFill {
						t.Log(time.Now().Format("15:04:05.000"), e.Kind, e.Outcome, e.Err, e.Remaining, e.Duration)
					}
					if e.Kind == tokencache.EventWait {
						waits++
					}
				}})
				require.NoError(t, err)
				s := c.Source(f)
				start := time.Now()
				_, err = s.Get(t.Context())
				require.NoError(t, err)
				first := time.Since(start)
				for range 6 * 24 * 60 {
					_, err = s.Get(t.Context())
					require.NoError(t, err)
					time.Sleep(10 * time.Second)
				}
				require.Equal(t, 1, waits)
				c.Close()
				done <- first
			}()
		}
		for range N {
			t.Log(<-done)
		}
		t.Log("calls", n)
		t.Log(m.Dump())
	})
}

func TestWeekOfAFleet(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		replicas := f.start(20)
		read(replicas, 10*time.Second, 7*24*time.Hour)

		for _, r := range replicas {
			assert.Equal(t, 1, r.count(tokencache.EventWait, ""), "only the first wave waits")
		}
		stats := f.stats()
		assert.Equal(t, stats.Rotations, stats.Calls)
		assert.Zero(t, stats.Refused)
		assert.Greater(t, stats.Calls, 7*24/2)
		for i, call := range f.issuer.Calls() {
			if i == 0 {
				continue
			}
			assert.Less(t, call.Remaining, 30*time.Minute, "call %d", i)
			assert.Greater(t, call.Remaining, 24*time.Minute, "call %d", i)
		}
		t.Logf("%d calls, %d rotations; commands of one replica a day: %d", stats.Calls, stats.Rotations, replicas[0].link.Count()/7)
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
