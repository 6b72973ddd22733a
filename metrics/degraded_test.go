package metrics_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// degraded reads the gauge.
func degraded(t *testing.T, m *metrics.Collector) bool {
	t.Helper()
	text := shown(t, m)
	require.Regexp(t, `\nonetoken_degraded [01]\n`, text)
	return strings.Contains(text, "\nonetoken_degraded 1\n")
}

func TestDegraded(t *testing.T) {
	down := func(key, name string) tokencache.Event {
		return tokencache.Event{Kind: tokencache.EventDegraded, Key: key, Outcome: name, Err: redisTrouble(name)}
	}
	fill := func(key string, err error) tokencache.Event {
		return tokencache.Event{Kind: tokencache.EventFill, Key: key, Err: err}
	}
	recovered := tokencache.Event{Kind: tokencache.EventRecovered}
	putBack := tokencache.Event{Kind: tokencache.EventPutBack, Key: "a", Err: redisTrouble("OOM")}
	invalidate := tokencache.Event{Kind: tokencache.EventInvalidate, Key: "a", Err: redisTrouble("timeout")}

	for name, c := range map[string]struct {
		events []tokencache.Event
		want   bool
	}{
		"nothing":                                   {nil, false},
		"an issuer's failure is none of Redis":      {[]tokencache.Event{fill("a", &tokencache.IssuerError{})}, false},
		"a refusal":                                 {[]tokencache.Event{down("a", "OOM")}, true},
		"the fill that met it ends":                 {[]tokencache.Event{down("a", "OOM"), fill("a", nil)}, true},
		"the next fill meets none":                  {[]tokencache.Event{down("a", "OOM"), fill("a", nil), fill("a", nil)}, false},
		"the next fill fails for another reason":    {[]tokencache.Event{down("a", "OOM"), fill("a", nil), fill("a", &tokencache.IssuerError{})}, false},
		"the next fill meets it again":              {[]tokencache.Event{down("a", "OOM"), fill("a", nil), down("a", "OOM"), fill("a", nil)}, true},
		"the fill of another meets none":            {[]tokencache.Event{down("a", "OOM"), fill("a", nil), fill("b", nil)}, true},
		"one of two is well":                        {[]tokencache.Event{down("a", "OOM"), down("b", "OOM"), fill("a", nil), fill("b", nil), fill("a", nil)}, true},
		"an answer after silence":                   {[]tokencache.Event{down("a", "timeout"), down("b", "unreachable"), down("c", "paused"), down("d", "protocol"), recovered}, false},
		"an answer is no end of a refusal":          {[]tokencache.Event{down("a", "OOM"), recovered}, true},
		"an answer that is a refusal":               {[]tokencache.Event{down("a", "timeout"), recovered, down("a", "LOADING")}, true},
		"silence after a refusal, then an answer":   {[]tokencache.Event{down("a", "OOM"), down("a", "timeout"), recovered}, false},
		"silence, and a fill before the answer":     {[]tokencache.Event{down("a", "timeout"), fill("a", nil), fill("a", nil)}, false},
		"a put-back that Redis refuses":             {[]tokencache.Event{putBack, fill("a", nil)}, true},
		"a put-back that it takes the next time":    {[]tokencache.Event{putBack, fill("a", nil), {Kind: tokencache.EventPutBack, Key: "a", Outcome: "stored"}, fill("a", nil)}, false},
		"a rejection that Redis does not hear":      {[]tokencache.Event{invalidate}, true},
		"a rejection it hears later":                {[]tokencache.Event{invalidate, recovered}, false},
		"the last fill of a Source that is no more": {[]tokencache.Event{down("a", "OOM"), fill("a", tokencache.ErrClosed)}, false},
	} {
		m := metrics.New()
		for _, e := range c.events {
			m.Observe(e)
		}
		assert.Equal(t, c.want, degraded(t, m), name)
	}
}

func TestDegradedIsForgottenWithTheSource(t *testing.T) {
	m := metrics.New()
	cache := tokencachetest.New(t)
	source := cache.Source(tokencachetest.NewFetcher("cli_test"))
	m.Watch(source)
	m.Observe(tokencache.Event{Kind: tokencache.EventDegraded, Key: source.Key(), Outcome: "OOM", Err: redisTrouble("OOM")})
	require.True(t, degraded(t, m))

	cache.Forget(source)
	m.Unwatch(source)
	assert.False(t, degraded(t, m))
}
