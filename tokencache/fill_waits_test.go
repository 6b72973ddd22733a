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

// I7: without faults whoever waits has the token, or the error, within 4 round
// trips of the issuer's answer; and the answer is asked for at once.
func TestI7WaitersTimeWithoutFaults(t *testing.T) {
	const trip, latency = 5 * time.Millisecond, 130 * time.Millisecond
	for _, test := range []struct {
		name     string
		replicas int
		fault    feishutest.Fault
	}{
		{"alone", 1, feishutest.Fault{}},
		{"20 replicas", 20, feishutest.Fault{}},
		{"200 replicas", 200, feishutest.Fault{}},
		{"alone, refused", 1, feishutest.WrongSecret()},
		{"20 replicas, refused", 20, feishutest.WrongSecret()},
		{"20 replicas, 500", 20, feishutest.Status(500)},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: latency}, func(t *testing.T, f *fleet) {
				f.loadScripts()
				f.issuer.FailNext(1, test.fault)
				f.start(test.replicas)
				together(f.replicas, func(r *replica) { // connect, as a running process is
					_, err := r.source.Status(context.Background())
					require.NoError(t, err)
				})
				f.redis.Each(func(l *redistest.Link) { l.Delay(trip) })
				start := time.Now()
				ended := make([]time.Time, test.replicas)
				together(f.replicas, func(r *replica) {
					_, err := r.get(context.Background())
					assert.Equal(t, test.fault.String() == "", err == nil, "%v", err)
					for i := range f.replicas {
						if f.replicas[i] == r {
							ended[i] = time.Now()
						}
					}
				})
				calls := f.issuer.Calls()
				require.Len(t, calls, 1)
				assert.LessOrEqual(t, calls[0].Arrived.Sub(start), 3*trip+time.Microsecond, "read, lock, read")
				for i, at := range ended {
					assert.LessOrEqual(t, at.Sub(calls[0].Answered), 4*trip, "r%d", i)
				}
			})
		})
	}
}

// I7: and one that starts while the call runs, or after it, waits no longer.
func TestI7LateWaiters(t *testing.T) {
	const trip, latency = 5 * time.Millisecond, 130 * time.Millisecond
	for _, test := range []struct {
		name string
		late time.Duration
		most time.Duration
	}{
		{"as the call begins", 30 * time.Millisecond, latency + 4*trip},
		{"as it ends", 140 * time.Millisecond, 8 * trip},
		{"after it", time.Second, trip},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: latency}, func(t *testing.T, f *fleet) {
				f.loadScripts()
				first, late := f.replica(), f.replica()
				for _, r := range f.replicas {
					_, err := r.source.Status(context.Background())
					require.NoError(t, err)
				}
				f.redis.Each(func(l *redistest.Link) { l.Delay(trip) })
				done := make(chan struct{})
				go func() {
					first.mustGet()
					close(done)
				}()
				time.Sleep(test.late)
				late.within(test.most)
				<-done
				assert.Equal(t, 1, f.stats().Calls)
				assert.Equal(t, 1, late.count(tokencache.EventWait, ""))
			})
		})
	}
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
