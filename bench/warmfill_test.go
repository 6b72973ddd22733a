package bench_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/meter"
	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// TestWarmFill is the first Get of a process whose Redis has the token, beside a GET
// of one, in turn. Both find a connection open.
func TestWarmFill(t *testing.T) {
	const credential, key = "cli_warm", "plain"
	var m meter.Meter
	rdb := redistest.StartServer(t).Client(t, m.Attach)
	require.NoError(t, rdb.Set(t.Context(), key, "t-0123456789abcdef0123456789abcdef01234567", time.Hour).Err())
	ours := peers.Ours()
	asked := &issuer{}
	first := ours.Join(rdb, credential, asked.call)
	require.NoError(t, first.Get(t.Context()))
	first.Close()

	ping := func() { require.NoError(t, rdb.Ping(t.Context()).Err()) }
	out := &results.WarmFill{}
	repeat(t, func(int) {
		var gets, fills []time.Duration
		for range sized(400, 10) {
			r := ours.Join(rdb, credential, asked.call)
			ping() // before each, as Redis may be seeing off the last subscription
			gets = append(gets, timed(func() { require.NoError(t, rdb.Get(t.Context(), key).Err()) }))
			ping()
			m.Take()
			fills = append(fills, timed(func() { require.NoError(t, r.Get(t.Context())) }))
			said := m.Take()
			// The subscription that follows may be on its way by now.
			out.RoundTrips = max(out.RoundTrips, float64(said.Total()-said.Commands["SUBSCRIBE"]))
			r.Close()
		}
		out.Get.AddTime(middle(gets), time.Microsecond)
		out.Fill.AddTime(middle(fills), time.Microsecond)
		out.TimesGet.Add(float64(middle(fills)) / float64(middle(gets)))
	})
	assert.Equal(t, 1, asked.calls(), "the first process's")
	shall(t, out.RoundTrips <= 1, "one round trip")
	t.Logf("GET %.0f µs, fill %.0f µs: %.2f x; %v round trips", out.Get.Median(), out.Fill.Median(), out.TimesGet.Median(), out.RoundTrips)
	found.WarmFill = out
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}
