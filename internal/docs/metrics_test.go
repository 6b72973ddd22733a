package docs

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// measure is how docs/embedding.md measures.
func measure(rdb redis.UniversalClient) (*tokencache.Cache, *metrics.Collector, error) {
	m := metrics.New()
	cache, err := tokencache.New(rdb, tokencache.Config{Observe: m.Observe})
	if err != nil {
		return nil, nil, err
	}
	prometheus.MustRegister(m.Of(cache.Sources))
	return cache, m, nil
}

func TestMetrics(t *testing.T) {
	rdb, _ := tokencachetest.NewRedis(t)
	issuer := tokencachetest.NewFetcher("cli_test")
	cache, m, err := measure(rdb)
	require.NoError(t, err)
	defer cache.Close()
	defer prometheus.Unregister(m)

	_, err = cache.Source(issuer).Get(t.Context())
	require.NoError(t, err)
	shown, err := testutil.GatherAndCount(prometheus.DefaultGatherer, "onetoken_token_remaining_seconds")
	require.NoError(t, err)
	assert.Equal(t, 1, shown)
}
