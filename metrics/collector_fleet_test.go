package metrics_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

func TestFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		assert.Equal(t, []float64{0, 0, 0, 0, 0}, f.remaining(), "nobody has a token yet")

		f.live(10 * time.Second) // fresh
		assert.Equal(t, 1.0, f.sum(`onetoken_issuer_calls_total{direct="false",outcome="ok"}`))
		assert.Equal(t, 1.0, f.sum(`onetoken_issuer_call_duration_seconds_count`))
		assert.InDelta(t, 0.13, f.sum(`onetoken_issuer_call_duration_seconds_sum`), 0.001)
		assert.Equal(t, 1.0, f.sum(`onetoken_publishes_total{outcome="stored"}`))
		assert.Equal(t, 5.0, f.sum(`onetoken_wait_duration_seconds_count{outcome="ok"}`))
		assert.Equal(t, 5.0, f.sum(`onetoken_fill_duration_seconds_count{outcome="ok"}`))
		assert.Equal(t, 5.0, f.sum(`onetoken_tokens_adopted_total`))
		for _, left := range f.remaining() {
			assert.InDelta(t, 2*3600-10, left, 1)
		}

		f.live(96 * time.Minute) // refresh
		assert.Equal(t, 2.0, f.sum(`onetoken_issuer_calls_total{direct="false",outcome="ok"}`))
		assert.Equal(t, 10.0, f.sum(`onetoken_tokens_adopted_total`))
		assert.Equal(t, 5.0, f.sum(`onetoken_wait_duration_seconds_count{outcome="ok"}`), "nobody waited for it")
		assert.Zero(t, f.sum(`onetoken_degraded`))

		f.redis.Each((*redistest.Link).Down) // outage, until after the token's end
		f.live(96 * time.Minute)
		assert.Equal(t, []float64{1, 1, 1, 1, 1}, f.each(`onetoken_degraded`), "in the window it shows")
		assert.Zero(t, f.sum(`onetoken_issuer_calls_total{direct="true",outcome="ok"}`), "copies serve")
		f.live(24 * time.Minute)
		assert.Equal(t, 5.0, f.sum(`onetoken_issuer_calls_total{direct="true",outcome="ok"}`), "each for itself")
		assert.Positive(t, f.sum(`onetoken_redis_troubles_total{name="unreachable"}`), "though go-redis dials for longer than the Cache waits")

		f.redis.Each((*redistest.Link).Heal) // recovery
		f.live(2 * time.Minute)
		assert.Equal(t, []float64{0, 0, 0, 0, 0}, f.each(`onetoken_degraded`))
		assert.Equal(t, 1.0, f.sum(`onetoken_put_backs_total{outcome="stored"}`), "the same token of all")
		assert.Equal(t, 5.0, f.sum(`onetoken_wait_duration_seconds_count{outcome="ok"}`), "still nobody waited")
		assert.Zero(t, f.sum(`onetoken_wait_duration_seconds_count{outcome="failed"}`))
	})
}

// A Redis that refuses to write answers all the time: the gauge shows it until a
// token was put back.
func TestFleetOnAFullRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		const oom = "OOM command not allowed when used memory > 'maxmemory'."
		heal := f.redis.FailCommands(oom, func(name string, args []string) bool {
			reads := len(args) == 5 && args[1] == "3" // three keys and nothing to write
			return strings.HasPrefix(name, "EVAL") && !reads
		})
		f.live(time.Minute)
		assert.Equal(t, []float64{1, 1, 1, 1, 1}, f.each(`onetoken_degraded`))
		assert.Equal(t, 5.0, f.sum(`onetoken_issuer_calls_total{direct="true",outcome="ok"}`))
		assert.Positive(t, f.sum(`onetoken_redis_troubles_total{name="OOM"}`))
		assert.Positive(t, f.sum(`onetoken_put_backs_total{outcome="failed"}`))

		heal()
		f.live(time.Minute)
		assert.Equal(t, []float64{0, 0, 0, 0, 0}, f.each(`onetoken_degraded`))
		assert.Equal(t, 1.0, f.sum(`onetoken_put_backs_total{outcome="stored"}`))
	})
}

// Every Source that there is has its life shown: one that was never asked, as 0, one made again
// for the same credential, and of two with one ID the longer; a closed one has not.
func TestSourcesAreShown(t *testing.T) {
	m := metrics.New()
	cache := tokencachetest.New(t, tokencache.Config{Observe: m.Observe})
	issuer := tokencachetest.NewFetcher("cli_test")
	old := cache.Source(issuer)
	series := `onetoken_token_remaining_seconds{id="` + old.ID() + `"}`
	assert.NotContains(t, shown(t, m), "token_remaining_seconds{", "of no Cache yet")
	m.Of(cache.Sources)
	assert.Zero(t, value(t, m, series), "never asked")
	mustGet(t, old)
	assert.InDelta(t, 7200, value(t, m, series), 10)

	sibling := cache.Source(tokencache.FetchFunc(tokencachetest.Credential("cli_test", time.Minute), issuer.Fetch))
	require.Equal(t, old.ID(), sibling.ID())
	assert.InDelta(t, 7200, value(t, m, series), 10, "of two")
	require.NoError(t, sibling.Close())

	require.NoError(t, old.Invalidate(t.Context(), mustGet(t, old)))
	assert.Zero(t, value(t, m, series), "rejected")
	mustGet(t, old)

	require.NoError(t, old.Close())
	assert.NotContains(t, shown(t, m), series)
	assert.NotContains(t, shown(t, metrics.New().Of(only(nil, old))), series)
	successor := cache.Source(issuer)
	assert.Zero(t, value(t, m, series), "made again")
	mustGet(t, successor)
	assert.InDelta(t, 7200, value(t, m, series), 10)

	require.NoError(t, cache.Close())
	assert.NotContains(t, shown(t, m), series)
	assert.Empty(t, cache.Sources())
}

// fleet is five replicas, each with a Collector and a link to Redis of its own.
type fleet struct {
	t       *testing.T
	redis   *redistest.Bubble
	issuer  *tokencachetest.Fetcher
	sources []*tokencache.Source
	metrics []*metrics.Collector
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, redis: redistest.NewBubble(t), issuer: tokencachetest.NewFetcher("cli_test")}
	f.issuer.SetLatency(130 * time.Millisecond)
	for i := range 5 {
		m := metrics.New()
		cache := tokencachetest.On(t, f.redis.Client(fmt.Sprint(i)), tokencache.Config{Observe: m.Observe})
		source := cache.Source(f.issuer)
		m.Of(cache.Sources)
		f.sources, f.metrics = append(f.sources, source), append(f.metrics, m)
	}
	return f
}

// live has every replica Get once a second or so, none at the same instant.
func (f *fleet) live(d time.Duration) {
	for range d / time.Second {
		for i, source := range f.sources {
			mustGet(f.t, source)
			time.Sleep(time.Duration(150+i) * time.Millisecond)
		}
		time.Sleep(time.Second - 760*time.Millisecond)
	}
}

// sum adds up a series over the fleet.
func (f *fleet) sum(series string) float64 {
	f.t.Helper()
	total := 0.0
	for _, v := range f.each(series) {
		total += v
	}
	return total
}

// each is what every replica shows.
func (f *fleet) each(series string) []float64 {
	f.t.Helper()
	var values []float64
	for _, m := range f.metrics {
		values = append(values, value(f.t, m, series))
	}
	return values
}

func (f *fleet) remaining() []float64 {
	return f.each(`onetoken_token_remaining_seconds{id="` + f.sources[0].ID() + `"}`)
}
