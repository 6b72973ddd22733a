package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/pulse"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/internal/watch"
	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// A process may live and do nothing.
func TestHealthNoticesAHeartThatStandsStill(t *testing.T) {
	t.Parallel()
	const life = 2 * time.Hour
	for name, c := range map[string]struct {
		runs, hears bool          // Run is called; Observe returns
		fails       bool          // the issuer refuses, for ever
		until       time.Duration // well
		after       time.Duration // ill, if not 0
		says        string
	}{
		"at work":          {runs: true, hears: true, until: 3 * life},
		"refused for ever": {runs: true, hears: true, fails: true, until: 3 * life},
		"not run":          {hears: true, until: life - 3*time.Minute, after: life, says: "stands still: there is no token, and no look for one has ended for 2h0m0s: restart this process\n"},
		"about to end":     {hears: true, until: life - 3*time.Minute, after: life - time.Minute, says: "stands still: the token is about to end, and no look for another has ended for 1h59m0s: restart this process\n"},
		"nothing told":     {runs: true, until: 50 * time.Second, after: 65 * time.Second, says: "stands still: the cache has told of nothing for 1m0s: restart this process\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				bubble, p, stuck := redistest.NewBubble(t), &pulse.Pulse{}, make(chan struct{})
				cache, err := tokencache.New(bubble.Client("a"), tokencache.Config{
					Logger: slog.New(slog.DiscardHandler),
					Observe: func(e tokencache.Event) {
						if !c.hears {
							<-stuck
						}
						p.Observe(e)
					},
				})
				require.NoError(t, err)
				source := cache.Source(tokencache.FetchFunc(tokencachetest.Credential("pulse", 0), func(context.Context) (tokencache.Token, error) {
					if c.fails {
						return tokencache.Token{}, &tokencache.IssuerError{Issuer: "x", Class: tokencache.ClassPermanent}
					}
					return tokencache.NewToken(time.Now().String(), "", life), nil
				}))
				r := newRotation(slog.New(slog.DiscardHandler))
				r.live = &identity{source: source, watch: watch.New(watch.Config{Logger: slog.New(slog.DiscardHandler)})}
				p.Watches(cache, r.look)
				handler := refresherHandler(r, p, metrics.New(), slog.New(slog.DiscardHandler),
					prometheus.NewCounter(prometheus.CounterOpts{Name: "x"}))
				ask := func() (int, string) {
					got := httptest.NewRecorder()
					handler.ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/healthz", nil))
					return got.Code, got.Body.String()
				}
				ctx, stop := context.WithCancel(t.Context())
				defer func() {
					stop()
					close(stuck)
					_ = cache.Close()
				}()
				_, err = source.Get(ctx)
				require.Equal(t, c.fails, err != nil)
				go p.Beat(ctx)
				if c.runs {
					go func() { _ = cache.Run(ctx) }()
				}
				began, step := time.Now(), max(5*time.Second, c.until/1000)
				for time.Since(began) < c.until {
					time.Sleep(step)
					status, body := ask()
					require.Equal(t, http.StatusOK, status, "%v: %s", time.Since(began), body)
				}
				if c.after == 0 {
					return
				}
				time.Sleep(c.after - time.Since(began))
				synctest.Wait()
				status, body := ask()
				assert.Equal(t, http.StatusServiceUnavailable, status)
				assert.Equal(t, c.says, body)
			})
		})
	}
}
