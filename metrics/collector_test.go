package metrics_test

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// script has every kind of event once or more, with good and bad ends.
var script = []tokencache.Event{
	{Kind: tokencache.EventCall, ID: "k", Outcome: "ok", Duration: 130 * time.Millisecond, Remaining: 2 * time.Hour},
	{Kind: tokencache.EventCall, ID: "k", Outcome: "ok", Duration: 140 * time.Millisecond, Remaining: 2 * time.Hour},
	{Kind: tokencache.EventCall, ID: "k", Outcome: "permanent", Duration: time.Second, Err: errors.New("words of an issuer")},
	{Kind: tokencache.EventCall, ID: "k", Outcome: "of a later version", Duration: time.Second, Err: errors.New("x")},
	{Kind: tokencache.EventDirectCall, ID: "k", Outcome: "ok", Duration: 20 * time.Millisecond},
	{Kind: tokencache.EventDirectCall, ID: "k", Outcome: "transient", Duration: 30 * time.Second, Err: errors.New("x")},
	{Kind: tokencache.EventFill, ID: "k", Duration: 3 * time.Millisecond},
	{Kind: tokencache.EventFill, ID: "k", Duration: 40 * time.Second, Err: errors.New("x")},
	{Kind: tokencache.EventWait, ID: "k", Duration: 250 * time.Millisecond},
	{Kind: tokencache.EventWait, ID: "k", Duration: 15 * time.Second, Err: errors.New("x")},
	{Kind: tokencache.EventPublish, ID: "k", Outcome: "stored"},
	{Kind: tokencache.EventPublish, ID: "k", Outcome: "renewed"},
	{Kind: tokencache.EventPublish, ID: "k", Outcome: "kept"},
	{Kind: tokencache.EventPublish, ID: "k", Outcome: "expired"},
	{Kind: tokencache.EventPublish, ID: "k", Outcome: "rejected"},
	{Kind: tokencache.EventPublish, ID: "k", Err: redisTrouble("OOM")},
	{Kind: tokencache.EventPutBack, ID: "k", Outcome: "kept"},
	{Kind: tokencache.EventPutBack, ID: "k", Err: redisTrouble("READONLY")},
	{Kind: tokencache.EventInvalidate, ID: "k", Outcome: "dropped"},
	{Kind: tokencache.EventInvalidate, ID: "k", Outcome: "paced"},
	{Kind: tokencache.EventInvalidate, ID: "k", Outcome: "alone"},
	{Kind: tokencache.EventInvalidate, ID: "k", Outcome: "other"},
	{Kind: tokencache.EventInvalidate, ID: "k", Outcome: "cooldown"},
	{Kind: tokencache.EventInvalidate, ID: "k", Err: redisTrouble("timeout")},
	{Kind: tokencache.EventAdopt, ID: "k", Remaining: time.Hour},
	{Kind: tokencache.EventTakeover, ID: "k"},
	{Kind: tokencache.EventLeaseLost, ID: "k"},
	{Kind: tokencache.EventGarbled, ID: "k", Reason: "no TTL"},
	{Kind: tokencache.EventIgnored, ID: "k", Reason: "not understood"},
	{Kind: tokencache.EventIgnored, ID: "k", Reason: "the seal cannot be opened"},
	{Kind: tokencache.EventDegraded, ID: "k", Trouble: "OOM", Err: redisTrouble("OOM")},
	{Kind: tokencache.EventDegraded, ID: "k", Trouble: "words of a server", Err: redisTrouble("words of a server")},
	{Kind: tokencache.EventRecovered},
	{Kind: tokencache.EventClosed, ID: "another"},
	{Kind: 99, Outcome: "of a later version"},
}

func TestExposition(t *testing.T) {
	for file, events := range map[string][]tokencache.Event{
		"testdata/nothing.prom": nil, // but everything is there, at 0
		"testdata/script.prom":  script,
	} {
		m := metrics.New()
		for _, e := range events {
			m.Observe(e)
		}
		want, err := os.Open(file)
		require.NoError(t, err)
		defer want.Close()
		assert.NoError(t, testutil.CollectAndCompare(m, want), file)
	}
}

func TestNobodysWordsAreShown(t *testing.T) {
	m := metrics.New()
	for _, e := range script {
		m.Observe(e)
	}
	text := shown(t, m)
	assert.NotContains(t, text, "words of")
	assert.NotContains(t, text, "later version")
}

func TestLint(t *testing.T) {
	m := metrics.New()
	m.Of(only(tokencachetest.New(t).Source(tokencachetest.NewFetcher("cli_test"))))
	problems, err := testutil.CollectAndLint(m)
	require.NoError(t, err)
	assert.Empty(t, problems)
}

// Every trouble has a series of its own.
func TestRedisTroublesAreKnown(t *testing.T) {
	require.Greater(t, len(tokencache.Troubles()), 20)
	for _, trouble := range tokencache.Troubles() {
		m := metrics.New()
		m.Observe(tokencache.Event{Kind: tokencache.EventDegraded, Trouble: trouble})
		assert.Contains(t, shown(t, m), `onetoken_redis_troubles_total{name="`+string(trouble)+`"} 1`)
	}
}

// Two Caches of one process may have the same credential, and one Source may be listed twice:
// neither makes two series of one name, for which a registry would refuse the whole scrape.
func TestOneCredentialInTwoCaches(t *testing.T) {
	issuer := tokencachetest.NewFetcher("cli_test")
	warm, cold := tokencachetest.New(t), tokencachetest.New(t)
	source, other := warm.Source(issuer), cold.Source(issuer)
	require.Equal(t, source.ID(), other.ID())
	mustGet(t, source)
	series := `onetoken_token_remaining_seconds{id="` + source.ID() + `"}`

	for name, sources := range map[string][]*tokencache.Source{
		"two Caches":                   append(cold.Sources(), warm.Sources()...),
		"the other way round":          append(warm.Sources(), cold.Sources()...),
		"one listed twice":             {source, source},
		"one that was asked for again": {source, warm.Source(issuer)},
	} {
		m := metrics.New().Of(only(sources...))
		assert.Equal(t, 1, strings.Count(shown(t, m), series), name)
		assert.InDelta(t, 7200, value(t, m, series), 10, name)
	}

	registry := prometheus.NewPedanticRegistry()
	in := func(region string) prometheus.Registerer {
		return prometheus.WrapRegistererWith(prometheus.Labels{"region": region}, registry)
	}
	require.NoError(t, in("eu").Register(metrics.New().Of(warm.Sources)))
	require.NoError(t, in("us").Register(metrics.New().Of(cold.Sources)), "with a label that tells them apart")
	assert.Error(t, in("eu").Register(metrics.New().Of(cold.Sources)), "without")
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == "onetoken_token_remaining_seconds" {
			assert.Len(t, family.GetMetric(), 2)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	m := metrics.New()
	source := tokencachetest.New(t).Source(tokencachetest.NewFetcher("cli_test"))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				for _, e := range script {
					m.Observe(e)
				}
			}
		})
		all.Go(func() {
			for range 50 {
				assert.NotEmpty(t, shown(t, m.Of(only(source))))
				assert.NotEmpty(t, shown(t, m.Of(nil)))
			}
		})
	}
	all.Wait()
	assert.Contains(t, shown(t, m), "\nonetoken_takeovers_total 200\n")
}

func BenchmarkObserve(b *testing.B) {
	m := metrics.New()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Observe(script[0])
		}
	})
}
