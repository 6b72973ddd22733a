package metrics_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
)

// shown is what a scrape gets.
func shown(t *testing.T, m *metrics.Collector) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	assert.NoError(t, registry.Register(m))
	scraped := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(scraped, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	assert.Equal(t, http.StatusOK, scraped.Code)
	return scraped.Body.String()
}

// only lists some Sources.
func only(sources ...*tokencache.Source) func() []*tokencache.Source {
	return func() []*tokencache.Source { return sources }
}

func redisTrouble(trouble tokencache.Trouble) error {
	return &tokencache.RedisError{Trouble: trouble, ID: "k", Err: errors.New("words of a server")}
}

func mustGet(t *testing.T, source *tokencache.Source) tokencache.Token {
	t.Helper()
	tok, err := source.Get(t.Context())
	require.NoError(t, err)
	return tok
}

func value(t *testing.T, m *metrics.Collector, series string) float64 {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(shown(t, m))
	require.Len(t, found, 2, series)
	v, err := strconv.ParseFloat(found[1], 64)
	require.NoError(t, err)
	return v
}
