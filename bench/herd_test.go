package bench_test

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/meter"
	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// latency is what the issuer takes for an answer.
const latency = 130 * time.Millisecond

// herdTimeout is more than the slowest peer needs for a thousand replicas, if the
// machine does nothing else.
const herdTimeout = 30 * time.Second

// TestColdHerd starts replicas at once on an empty Redis, each way in turn.
func TestColdHerd(t *testing.T) {
	sizes := []int{5}
	if inEarnest() {
		sizes = []int{50, 200, 1000}
	}
	for _, n := range sizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) { coldHerds(t, n) })
	}
}

func coldHerds(t *testing.T, n int) {
	f := newFleet(t, n)
	ways := append(peers.Ways(), peers.Ours())
	out := make([]results.Herd, len(ways))
	for i, way := range ways {
		out[i] = results.Herd{Name: way.Name, Replicas: n}
		f.pair().race(way, latency, nil) // now Redis knows the scripts
	}
	repeat(t, func(int) {
		noLock := time.Duration(0)
		for i, way := range ways {
			r := f.medianOf(way, nil)
			if way.Name == peers.NoLock {
				noLock = r.p99()
			}
			out[i].Calls.Add(float64(r.calls))
			out[i].GaveUp.Add(float64(len(r.errs)))
			out[i].P50.AddTime(r.p50(), time.Millisecond)
			out[i].P99.AddTime(r.p99(), time.Millisecond)
			out[i].Max.AddTime(r.max(), time.Millisecond)
			out[i].TimesNoLock.Add(float64(r.p99()) / float64(noLock))
			out[i].Commands.Add(float64(r.count.Total()) / float64(n))
			out[i].Sent.Add(float64(r.count.Sent) / float64(n))
			out[i].Received.Add(float64(r.count.Received) / float64(n))
		}
	})
	for _, h := range out {
		t.Logf("%4d %-32s %4.0f calls, p50 %6.1f p99 %6.1f max %6.1f ms, %5.2f x no lock; %5.1f commands, %5.0f + %4.0f bytes",
			n, h.Name, h.Calls.Max(), h.P50.Median(), h.P99.Median(), h.Max.Median(), h.TimesNoLock.Median(),
			h.Commands.Median(), h.Sent.Median(), h.Received.Median())
		if h.Name == peers.Onetoken {
			shall(t, h.Calls.Max() == 1, "one call")
			assert.Zero(t, h.GaveUp.Max())
		}
	}
	found.Herds = append(found.Herds, out...)
}

// fleet is clients of one Redis, a replica's each, with connections open.
type fleet struct {
	t       *testing.T
	server  *redistest.Server
	meter   *meter.Meter
	clients []*redis.Client
}

func newFleet(t *testing.T, n int) *fleet {
	f := &fleet{t: t, server: redistest.StartServer(t), meter: &meter.Meter{}}
	for range n {
		c := f.server.Client(t, f.meter.Attach)
		require.NoError(t, c.Ping(t.Context()).Err())
		f.clients = append(f.clients, c)
	}
	return f
}

// pair is two of the fleet.
func (f *fleet) pair() *fleet {
	return &fleet{t: f.t, server: f.server, meter: f.meter, clients: f.clients[:2]}
}

// race is what became of one herd.
type race struct {
	waits []time.Duration // beyond the issuer's time, shortest first
	errs  []error         // of Gets that were to bring a token
	calls int64
	count meter.Count
}

func (r race) p50() time.Duration { return r.waits[len(r.waits)/2] }
func (r race) p99() time.Duration { return r.waits[len(r.waits)*99/100] }
func (r race) max() time.Duration { return r.waits[len(r.waits)-1] }

// medianOf is the race in the middle of three, by its p99. A peer that takes seconds
// has one: what a machine does meanwhile is nothing to it.
func (f *fleet) medianOf(way peers.Way, refusal error) race {
	races := []race{f.race(way, latency, refusal)}
	if !inEarnest() || races[0].p99() > time.Second {
		return races[0]
	}
	for range 2 {
		races = append(races, f.race(way, latency, refusal))
	}
	slices.SortFunc(races, func(a, b race) int { return cmp.Compare(a.p99(), b.p99()) })
	return races[1]
}

// races so far: each is for a credential of its own.
var races atomic.Int64

// race has the whole fleet want a token that there is not. With a refusal every Get has
// to end with it.
func (f *fleet) race(way peers.Way, latency time.Duration, refusal error) race {
	call, calls := issuerThat(latency, refusal)
	credential := fmt.Sprintf("cli_%d", races.Add(1))
	replicas := make([]peers.Replica, len(f.clients))
	for i, c := range f.clients {
		replicas[i] = way.Join(c, credential, call)
		defer replicas[i].Close()
	}
	f.meter.Take()
	waits, errs := atOnce(replicas)
	r := race{waits: waits}
	for _, err := range errs {
		switch {
		case refusal != nil:
			assert.ErrorContains(f.t, err, refusal.Error())
		case err != nil:
			r.errs = append(r.errs, err)
		}
	}
	for i := range r.waits {
		r.waits[i] -= latency
	}
	// What a replica says after its Get has returned counts as well.
	time.Sleep(20 * time.Millisecond)
	r.calls, r.count = calls.Load(), f.meter.Take()
	return r
}

// issuerThat answers after a while, and counts.
func issuerThat(latency time.Duration, refusal error) (peers.Call, *atomic.Int64) {
	var calls atomic.Int64
	return func(context.Context) error {
		calls.Add(1)
		time.Sleep(latency)
		return refusal
	}, &calls
}

// atOnce returns how long each replica's Get took, shortest first, and what came of it.
// All replicas share one heap here, as they do not in earnest: its garbage is collected
// before and not meanwhile.
func atOnce(replicas []peers.Replica) ([]time.Duration, []error) {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	ctx, cancel := context.WithTimeout(context.Background(), herdTimeout)
	defer cancel()
	took := make([]time.Duration, len(replicas))
	errs := make([]error, len(replicas))
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for i, r := range replicas {
		wg.Go(func() {
			<-gate
			start := time.Now()
			errs[i] = r.Get(ctx)
			took[i] = time.Since(start)
		})
	}
	close(gate)
	wg.Wait()
	slices.Sort(took)
	return took, errs
}
