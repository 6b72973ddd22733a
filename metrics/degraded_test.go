package metrics_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

func TestDegraded(t *testing.T) {
	down := func(key string, name tokencache.Trouble) tokencache.Event {
		return tokencache.Event{Kind: tokencache.EventDegraded, ID: key, Trouble: name, Err: redisTrouble(name)}
	}
	fill := func(key string, err error) tokencache.Event {
		return tokencache.Event{Kind: tokencache.EventFill, ID: key, Err: err}
	}
	call := tokencache.Event{Kind: tokencache.EventCall, ID: "a", Err: &tokencache.IssuerError{}}
	recovered := tokencache.Event{Kind: tokencache.EventRecovered}
	putBack := tokencache.Event{Kind: tokencache.EventPutBack, ID: "a", Err: redisTrouble("OOM")}
	invalidate := tokencache.Event{Kind: tokencache.EventInvalidate, ID: "a", Err: redisTrouble("timeout")}

	for name, c := range map[string]struct {
		events []tokencache.Event
		want   bool
	}{
		"nothing":                                    {nil, false},
		"an issuer's failure is none of Redis":       {[]tokencache.Event{fill("a", &tokencache.IssuerError{})}, false},
		"a refusal":                                  {[]tokencache.Event{down("a", "OOM")}, true},
		"the fill that met it ends":                  {[]tokencache.Event{down("a", "OOM"), fill("a", nil)}, true},
		"the next fill meets none":                   {[]tokencache.Event{down("a", "OOM"), fill("a", nil), fill("a", nil)}, false},
		"the next fill calls with the lock, in vain": {[]tokencache.Event{down("a", "OOM"), fill("a", nil), call, fill("a", &tokencache.IssuerError{})}, false},
		"the next fill reads a failure of another's": {[]tokencache.Event{down("a", "OOM"), fill("a", nil), fill("a", &tokencache.IssuerError{})}, true},
		"a call of a fill before that":               {[]tokencache.Event{down("a", "OOM"), call, fill("a", nil), fill("a", &tokencache.IssuerError{})}, true},
		"after silence it reads one":                 {[]tokencache.Event{down("a", "timeout"), fill("a", nil), fill("a", &tokencache.IssuerError{})}, false},
		"the next fill meets it again":               {[]tokencache.Event{down("a", "OOM"), fill("a", nil), down("a", "OOM"), fill("a", nil)}, true},
		"the fill of another meets none":             {[]tokencache.Event{down("a", "OOM"), fill("a", nil), fill("b", nil)}, true},
		"one of two is well":                         {[]tokencache.Event{down("a", "OOM"), down("b", "OOM"), fill("a", nil), fill("b", nil), fill("a", nil)}, true},
		"an answer after silence":                    {[]tokencache.Event{down("a", "timeout"), down("b", "unreachable"), down("c", "paused"), down("d", "protocol"), recovered}, false},
		"an answer is no end of a refusal":           {[]tokencache.Event{down("a", "OOM"), recovered}, true},
		"an answer that is a refusal":                {[]tokencache.Event{down("a", "timeout"), recovered, down("a", "LOADING")}, true},
		"silence after a refusal, then an answer":    {[]tokencache.Event{down("a", "OOM"), down("a", "timeout"), recovered}, false},
		"silence, and a fill before the answer":      {[]tokencache.Event{down("a", "timeout"), fill("a", nil), fill("a", nil)}, false},
		"a put-back that Redis refuses":              {[]tokencache.Event{putBack, fill("a", nil)}, true},
		"a put-back that it takes the next time":     {[]tokencache.Event{putBack, fill("a", nil), {Kind: tokencache.EventPutBack, ID: "a", Outcome: "stored"}, fill("a", nil)}, false},
		"a rejection that Redis does not hear":       {[]tokencache.Event{invalidate}, true},
		"a rejection it hears later":                 {[]tokencache.Event{invalidate, recovered}, false},
		"the last fill of a Source that is no more":  {[]tokencache.Event{down("a", "OOM"), fill("a", tokencache.ErrClosed)}, false},
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
	cache := tokencachetest.New(t, tokencache.Config{Observe: m.Observe})
	source := cache.Source(tokencachetest.NewFetcher("cli_test"))
	m.Observe(tokencache.Event{Kind: tokencache.EventDegraded, ID: source.ID(), Outcome: "OOM", Err: redisTrouble("OOM")})
	require.True(t, degraded(t, m))

	_ = source.Close()
	_ = cache.Close() // by then all is told
	assert.False(t, degraded(t, m))
}

// Nothing is kept of Sources that were closed, whatever they met, and however late what
// was under way tells of it.
func TestNothingIsKeptOfClosedSources(t *testing.T) {
	const n = 10_000
	synctest.Test(t, func(t *testing.T) {
		m := metrics.New()
		rdb, redis := tokencachetest.NewRedis(t)
		cache := tokencachetest.On(t, rdb, tokencache.Config{NoDirect: true, Observe: m.Observe})
		m.Of(cache.Sources)
		source := func(app string) *tokencache.Source {
			issuer := tokencachetest.Credential(app, 0)
			return cache.Source(tokencache.FetchFunc(issuer, func(context.Context) (tokencache.Token, error) {
				time.Sleep(time.Second)
				return tokencache.NewToken("a of "+app, "t", time.Hour), nil
			}))
		}
		kept := source("kept")
		_, err := kept.Get(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		before := series(shown(t, m))

		for i := range n {
			assert.NoError(t, source(fmt.Sprint("idle", i)).Close())
		}
		// In trouble: a fill has failed, or nobody was told of a rejection.
		redis.SetError("OOM for the test")
		troubled := []*tokencache.Source{source("fill"), source("rejection")}
		_, err = troubled[0].Get(t.Context())
		require.Error(t, err)
		require.Error(t, troubled[1].Invalidate(t.Context(), tokencache.NewToken("a", "t", time.Hour)))
		synctest.Wait()
		assert.True(t, degraded(t, m))
		for _, s := range troubled {
			_ = s.Close()
		}
		synctest.Wait()
		assert.False(t, degraded(t, m))
		redis.SetError("")
		// Under way: the issuer is being asked, and then Redis refuses the answer.
		asking := source("asking")
		var get sync.WaitGroup
		get.Go(func() {
			_, err := asking.Get(t.Context())
			assert.ErrorIs(t, err, tokencache.ErrClosed)
		})
		time.Sleep(500 * time.Millisecond)
		redis.SetError("OOM for the test")
		_ = asking.Close()
		get.Wait()
		time.Sleep(2 * time.Second)
		redis.SetError("")
		assert.False(t, degraded(t, m))
		assert.Equal(t, before, series(shown(t, m)))

		_ = kept.Close()
		again := source("kept")
		m.Observe(tokencache.Event{Kind: tokencache.EventClosed, ID: again.ID()}) // of the one before, late
		assert.Contains(t, shown(t, m), "onetoken_token_remaining_seconds{")
		assert.NoError(t, cache.Close())
		synctest.Wait()
		assert.NotContains(t, shown(t, m), "onetoken_token_remaining_seconds{")
	})
}

// degraded reads the gauge.
func degraded(t *testing.T, m *metrics.Collector) bool {
	t.Helper()
	text := shown(t, m)
	require.Regexp(t, `\nonetoken_degraded [01]\n`, text)
	return strings.Contains(text, "\nonetoken_degraded 1\n")
}

// series are the names and labels of what is shown.
func series(text string) (names []string) {
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			names = append(names, name)
		}
	}
	return names
}
