package bench_test

import (
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

// TestWarmFill is the first Get of a process whose Redis has the token, beside a GET
// of one: with a client that heeds deadlines, and with one that does not. All
// find a connection open.
func TestWarmFill(t *testing.T) {
	const credential = "cli_warm"
	server := redistest.StartServer(t)
	var counted meter.Meter
	prompt, aside, metered := newWarmClient(t, server, heedsDeadlines), newWarmClient(t, server), newWarmClient(t, server, counted.Attach)
	asked := &issuer{}
	join := func(c *warmClient) peers.Replica { return peers.Ours().Join(c.rdb, credential, asked.call) }
	first := join(metered)
	require.NoError(t, first.Get(t.Context()))
	first.Close()

	out := &results.WarmFill{}
	repeat(t, func(int) {
		prompt.gets, prompt.fills, aside.gets, aside.fills = nil, nil, nil, nil
		for range sized(20, 1) {
			prompt.some(t, sized(20, 5), func() peers.Replica { return join(prompt) })
			aside.some(t, sized(20, 5), func() peers.Replica { return join(aside) })
		}
		out.Get.AddTime(middle(prompt.gets), time.Microsecond)
		out.Fill.AddTime(middle(prompt.fills), time.Microsecond)
		out.TimesGet.Add(prompt.timesGet())
		out.Aside.AddTime(middle(aside.fills), time.Microsecond)
		out.AsideTimesGet.Add(aside.timesGet())
		for range sized(20, 2) { // counted apart, as that takes time too
			r := join(metered)
			counted.Take()
			require.NoError(t, r.Get(t.Context()))
			said := counted.Take()
			// The subscription that follows may be on its way by now.
			out.RoundTrips = max(out.RoundTrips, float64(said.Total()-said.Commands["SUBSCRIBE"]))
			r.Close()
		}
	})
	assert.Equal(t, 1, asked.calls(), "the first process's")
	shall(t, out.RoundTrips == 1, "one round trip")
	t.Logf("GET %.0f µs, fill %.0f µs: %.2f x; without deadlines %.0f µs: %.2f x; %v round trips", out.Get.Median(),
		out.Fill.Median(), out.TimesGet.Median(), out.Aside.Median(), out.AsideTimesGet.Median(), out.RoundTrips)
	found.WarmFill = out
}

// warmClient is one kind of client, and how long things took with it.
type warmClient struct {
	rdb         *redis.Client
	gets, fills []time.Duration
}

const plainKey = "plain"

func newWarmClient(t *testing.T, server *redistest.Server, mods ...func(*redis.Options)) *warmClient {
	rdb := server.Client(t, mods...)
	require.NoError(t, rdb.Set(t.Context(), plainKey, "t-0123456789abcdef0123456789abcdef01234567", time.Hour).Err())
	return &warmClient{rdb: rdb}
}

// some measures so many GETs in a row and then as many fills: what comes before each is
// the same, and as fresh in the caches of the processor. A PING before each gives Redis time
// to see off the subscription of the last, if there was one.
func (c *warmClient) some(t *testing.T, n int, join func() peers.Replica) {
	ping := func() { require.NoError(t, c.rdb.Ping(t.Context()).Err()) }
	for range n {
		ping()
		c.gets = append(c.gets, timed(func() { require.NoError(t, c.rdb.Get(t.Context(), plainKey).Err()) }))
	}
	for range n {
		r := join()
		ping()
		c.fills = append(c.fills, timed(func() { require.NoError(t, r.Get(t.Context())) }))
		r.Close()
	}
}

func (c *warmClient) timesGet() float64 { return float64(middle(c.fills)) / float64(middle(c.gets)) }

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}
