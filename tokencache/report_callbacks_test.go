package tokencache_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

// What Observe and the Logger do is their own business: the Cache works, and the first panic
// of each is told once.
func TestCallbacksThatPanicOrEndTheirGoroutine(t *testing.T) {
	for name, do := range map[string]func(){"panic": func() { panic(errForTest) }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				var byDefault, said collector
				before := slog.Default()
				slog.SetDefault(byDefault.logger())
				defer slog.SetDefault(before)
				observe, log := callback{do: do}, callback{do: do}
				observed := f.replica(func(c *replicaConfig) {
					c.cache.Observe, c.cache.Logger = func(tokencache.Event) { observe.call() }, said.logger()
				})
				logged := f.replica(func(c *replicaConfig) { c.cache.Logger = slog.New(handler{said.logger().Handler(), log.call}) })
				for range 5 {
					observed.within(2 * latency)
					logged.within(2 * latency)
					for _, r := range []*replica{observed, logged} { // has something to log
						r.link.Refuse(true)
						r.link.Cut()
						_, err := r.source.Status(t.Context())
						require.Error(t, err)
						r.link.Heal()
						time.Sleep(10 * time.Second)
						_, err = r.source.Status(t.Context())
						require.NoError(t, err)
					}
				}
				synctest.Wait()
				assert.Greater(t, observe.calls, 3, "told of every step all the same")
				assert.Greater(t, log.calls, 5)
				once := map[string]int{"panic": 1, "Goexit": 0}[name]
				assert.Equal(t, once, strings.Count(said.text(), "Observe panicked"))
				assert.Equal(t, once, strings.Count(byDefault.text(), "the Logger panicked"))
			})
		})
	}
}

// A log handler may ship to where a token is needed, and what hears of a step may do
// something about it.
func TestCallbacksMayCallTheCache(t *testing.T) {
	type calls map[string]func(ctx context.Context, r *replica) error
	for name, call := range (calls{
		"Get":     func(ctx context.Context, r *replica) error { _, err := r.source.Get(ctx); return err },
		"Refresh": func(ctx context.Context, r *replica) error { _, _, err := r.source.Refresh(ctx); return err },
		"Invalidate": func(ctx context.Context, r *replica) error {
			return r.source.Invalidate(ctx, tokencache.NewToken("x", "y", time.Hour))
		},
		"Status": func(ctx context.Context, r *replica) error { _, err := r.source.Status(ctx); return err },
		"Source": func(ctx context.Context, r *replica) error {
			_, err := r.cache.Source(r.fleet.feishu()).Get(ctx)
			return err
		},
		"Close of the Source": func(_ context.Context, r *replica) error {
			_ = r.cache.Source(fetcherOf(nil)).Close()
			_ = r.source.Close()
			return nil
		},
		"Close": func(_ context.Context, r *replica) error { return r.cache.Close() },
	}) {
		for _, from := range []string{"Observe", "Logger"} {
			t.Run(name+" from "+from, func(t *testing.T) {
				// Whoever waits for a mutex stops the bubble's clock for good: this one is outside of it.
				hangs := time.AfterFunc(time.Minute, func() { panic(name + " from " + from + " hangs") })
				defer hangs.Stop()
				virtual(t, usual(), func(t *testing.T, f *fleet) {
					var r *replica
					called := make(chan error, 1)
					var once sync.Once
					back := func() {
						once.Do(func() {
							ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
							defer cancel()
							called <- call(ctx, r)
						})
					}
					first := true
					r = f.replica(func(c *replicaConfig) {
						if from == "Observe" {
							c.cache.Observe = func(tokencache.Event) { back() }
						} else {
							c.cache.Logger = slog.New(handler{slog.NewTextHandler(&collector{}, nil), back})
						}
						c.fetcher = fetcherOf(func(context.Context) (tokencache.Token, error) {
							if first {
								first = false
								panic(errForTest)
							}
							return tokencache.NewToken("a", "t", time.Hour), nil
						})
					})
					_, _ = r.source.Get(t.Context()) // may find itself closed
					time.Sleep(75 * time.Second)
					select {
					case err := <-called:
						if _, ok := errors.AsType[*tokencache.IssuerError](err); !ok { // what the fetcher's panic came to
							require.NoError(t, err)
						}
					default:
						require.Fail(t, "the callback has not returned")
					}
					if name != "Close" && name != "Close of the Source" {
						_, err := r.source.Get(t.Context())
						require.NoError(t, err)
					}
				})
			})
		}
	}
}

// callback is what a Config may call, and counts it.
type callback struct {
	do    func()
	mu    sync.Mutex
	calls int
}

func (c *callback) call() {
	c.mu.Lock()
	c.calls++
	c.mu.Unlock()
	c.do()
}

// handler is a slog.Handler that calls back before it writes.
type handler struct {
	slog.Handler
	before func()
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	h.before()
	return h.Handler.Handle(ctx, r)
}
