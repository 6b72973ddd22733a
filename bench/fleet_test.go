package bench_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
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
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// latency is what the issuer takes for an answer.
const latency = 130 * time.Millisecond

// herdTimeout is more than the slowest peer needs for a thousand replicas, if the
// machine does nothing else.
const herdTimeout = 30 * time.Second

// fleet is clients of one Redis, a replica's each, with connections open.
type fleet struct {
	t       *testing.T
	server  *redistest.Server
	meter   *meter.Meter
	auditor *auditor
	clients []*redis.Client
	all     []*redis.Client // of this server, if clients are some of them
}

func newFleet(t *testing.T, n int) *fleet {
	f := &fleet{t: t, server: redistest.StartServer(t), meter: &meter.Meter{}}
	f.auditor = newAuditor(t, f.server)
	for range n {
		c := f.server.Client(t, f.meter.Attach, heedsDeadlines)
		require.NoError(t, c.Ping(t.Context()).Err())
		f.clients = append(f.clients, c)
	}
	f.all = f.clients
	f.auditor.rest()
	return f
}

// heedsDeadlines has a client end a command when its ctx says so, as the README
// recommends. The peers' commands have no deadline, and are none the slower.
func heedsDeadlines(o *redis.Options) { o.ContextTimeoutEnabled = true }

// teach has Redis know the scripts of a way before anything is measured.
func (f *fleet) teach(way peers.Way, refusal error) {
	few := *f
	few.clients = f.clients[:2]
	few.herd(way, refusal)
}

// outcome is what became of one herd.
type outcome struct {
	waits []time.Duration // beyond the issuer's time, shortest first
	errs  []error         // of Gets that were to bring a token
	calls int
	count meter.Count // as clients count
	bill  bill        // as the server does
}

func (o outcome) p50() time.Duration { return o.waits[len(o.waits)/2] }
func (o outcome) p99() time.Duration { return o.waits[len(o.waits)*99/100] }
func (o outcome) max() time.Duration { return o.waits[len(o.waits)-1] }

// outcomes are those of one way in one run.
type outcomes []outcome

// middle is the one whose p99 is.
func (all outcomes) middle() outcome {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b outcome) int { return cmp.Compare(a.p99(), b.p99()) })
	return sorted[len(sorted)/2]
}

// most is the largest count of any: what must not happen must not happen once.
func (all outcomes) most(count func(outcome) int) float64 {
	n := 0
	for _, o := range all {
		n = max(n, count(o))
	}
	return float64(n)
}

func (o outcome) asked() int   { return o.calls }
func (o outcome) gaveUp() int  { return len(o.errs) }
func (o outcome) said() int    { return o.count.Total() }
func (o outcome) scripts() int { return o.bill.scripts }

// slow is a way that takes so long that one herd a run has to do, and a few runs: what
// the machine does meanwhile is nothing to it.
const (
	slow     = time.Second
	slowRuns = 3
)

// inTurn starts three herds of each kind, one of each, round after round. A kind that
// is nil has none.
func inTurn(herds ...func() outcome) []outcomes {
	out := make([]outcomes, len(herds))
	for round := range sized(3, 1) {
		for i, herd := range herds {
			if herd != nil && (round == 0 || out[i][0].p99() <= slow) {
				out[i] = append(out[i], herd())
			}
		}
	}
	return out
}

// herdsSoFar tells them apart: each wants a credential of its own.
var herdsSoFar atomic.Int64

// herd has the whole fleet want a token that there is not. With a refusal every Get has
// to end with it.
func (f *fleet) herd(way peers.Way, refusal error) outcome {
	return f.want(way, &issuer{latency: latency, refusal: refusal}, 0)
}

// renewal has each replica of a fleet want a token that there is not, at a moment of its own
// within a while, of an issuer that answers at once.
func (f *fleet) renewal(way peers.Way, within time.Duration) outcome {
	return f.want(way, &issuer{}, within)
}

func (f *fleet) want(way peers.Way, issuer *issuer, within time.Duration) outcome {
	f.settle()
	refusal := issuer.refusal
	credential := fmt.Sprintf("cli_%d", herdsSoFar.Add(1))
	replicas := make([]peers.Replica, len(f.clients))
	for i, c := range f.clients {
		replicas[i] = way.Join(c, credential, issuer.call)
		defer replicas[i].Close()
	}
	f.meter.Take()
	before := f.auditor.now()
	waits, errs := allOf(replicas, within)
	f.awaitQuiet()
	o := outcome{waits: waits, calls: issuer.calls(), bill: f.auditor.since(before), count: f.meter.Take()}
	for _, err := range errs {
		switch {
		case refusal != nil:
			assert.ErrorContains(f.t, err, refusal.Error())
		case err != nil:
			o.errs = append(o.errs, err)
		}
	}
	for i := range o.waits {
		o.waits[i] -= issuer.took()
	}
	return o
}

// settle waits until Redis has seen off the last herd's subscriptions, which would
// else be the work of the next one's.
func (f *fleet) settle() {
	own := 1.0 // the connection that asks
	for _, c := range f.all {
		own += float64(c.PoolStats().TotalConns)
	}
	f.wait("Redis to see off the last herd", func() bool { return f.auditor.info("connected_clients") <= own })
}

// awaitQuiet waits for what replicas say after their Gets have returned: it counts as
// well.
func (f *fleet) awaitQuiet() {
	f.wait("the fleet to be quiet", func() bool { return f.meter.Quiet() > 20*time.Millisecond })
}

// wait until something is so. If that takes too long the log has it, and the
// measurement goes on.
func (f *fleet) wait(what string, so func() bool) {
	for deadline := time.Now().Add(5 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Logf("waited in vain for %s", what)
			return
		}
	}
}

// issuer answers after a while, and keeps account.
type issuer struct {
	latency time.Duration
	refusal error

	mu    sync.Mutex      // guards times
	times []time.Duration // that calls took
}

func (i *issuer) call(context.Context) error {
	start := time.Now()
	time.Sleep(i.latency)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.times = append(i.times, time.Since(start))
	return i.refusal
}

func (i *issuer) calls() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.times)
}

// took is what a call did take: on a busy machine a sleep is longer than it should be.
func (i *issuer) took() time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.times) == 0 {
		return i.latency
	}
	return middle(i.times)
}

// allOf returns how long after the start each replica had its answer, shortest first,
// and what it was: all ask at once, or each at a moment within a while. All replicas share one
// heap here, as they do not in earnest: its garbage is collected before and not meanwhile.
func allOf(replicas []peers.Replica, within time.Duration) ([]time.Duration, []error) {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	ctx, cancel := context.WithTimeout(context.Background(), herdTimeout)
	defer cancel()
	took := make([]time.Duration, len(replicas))
	errs := make([]error, len(replicas))
	gate := make(chan struct{})
	var start time.Time
	var wg sync.WaitGroup
	for i, r := range replicas {
		wg.Go(func() {
			<-gate
			if within > 0 {
				time.Sleep(rand.N(within))
			}
			errs[i] = r.Get(ctx)
			took[i] = time.Since(start)
		})
	}
	start = time.Now()
	close(gate)
	wg.Wait()
	slices.Sort(took)
	return took, errs
}
