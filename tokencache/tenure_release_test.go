package tokencache_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

// F7: the Fetcher breaks down instead of returning. The lock is released, those
// who wait are told, here and elsewhere, and the next Get works.
func TestF7FetcherBreaksDown(t *testing.T) {
	const secret = "s3cr3t-in-a-panic"
	for name, breakDown := range map[string]func(){
		"panics":         func() { panic(secret) },
		"panics with it": func() { panic(errors.New(secret)) },
		"ends":           runtime.Goexit,
		"panics itself":  func() { _ = []string{}[len(secret)] },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				var log bytes.Buffer
				waiter := f.replica()
				good := f.replica()
				bad := f.replica(
					fetching(tokencache.FetchFunc(f.credential(), func(context.Context) (tokencache.Token, error) {
						time.Sleep(latency)
						breakDown()
						return tokencache.Token{}, nil
					})),
					with(func(c *tokencache.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) }),
				)
				here := bad.getting(t.Context())
				time.Sleep(latency / 2)
				there := waiter.getting(t.Context())
				for _, res := range []result{<-here, <-there} {
					refused, ok := errors.AsType[*tokencache.IssuerError](res.err)
					require.True(t, ok, "%v", res.err)
					assert.Equal(t, tokencache.ClassTransient, refused.Class)
					assert.NotContains(t, res.err.Error(), secret)
					assert.LessOrEqual(t, res.took, latency)
				}
				assert.NotContains(t, log.String(), secret)
				assert.Empty(t, f.lockKeyAfter())

				good.within(time.Second)
				bad.within(time.Second)
				f.nothingLeft()
			})
		})
	}
}

// F7: a hook of the client's that panics after Redis has given the lock, or ends the goroutine, in
// the look that takes it, as it is kept, or in a try of its own: nobody waits out its lease.
func TestF7LockIsGivenBackThoughAHookPanics(t *testing.T) {
	for name, do := range map[string]func(){"panics": func() { panic(errForTest) }, "ends the goroutine": runtime.Goexit} {
		for _, at := range []string{"look", "obtain", "obtain of a copy in its window"} {
			t.Run(at+" "+name, func(t *testing.T) {
				virtual(t, usual(), func(t *testing.T, f *fleet) {
					f.loadScripts()
					hook := &afterwards{script: strings.Fields(at)[0], do: do}
					r := f.replica(func(c *replicaConfig) {
						c.hooks = append(c.hooks, hook)
						c.redis = append(c.redis, func(o *redis.Options) { o.ContextTimeoutEnabled = true })
					})
					if at == "obtain of a copy in its window" {
						r.mustGet()
						f.sleepUntilDue()
					}
					hook.armed.Store(true)
					over := make(chan struct{})
					go func() {
						defer close(over)
						defer func() { _ = recover() }() // that of a look comes out of Get
						ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
						defer cancel()
						_, _ = r.source.Get(ctx)
					}()
					time.Sleep(10 * time.Millisecond)
					assert.False(t, hook.armed.Load(), "it was there")
					assert.Empty(t, f.lockKey())
					f.replica().within(latency + 50*time.Millisecond)
					<-over
					f.nothingLeft()
				})
			})
		}
	}
}

// F44: a Fetcher does not heed its ctx, and hangs. It is left behind when the
// time of the call is over; the lock is free then, and another replica asks.
func TestF44FetcherIgnoresItsCtx(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		hang := make(chan struct{})
		var calls atomic.Int32
		bad := f.replica(fetching(tokencache.FetchFunc(f.credential(), func(context.Context) (tokencache.Token, error) {
			calls.Add(1)
			<-hang
			return tokencache.NewToken("a-late", "t-late", 2*time.Hour), nil
		})))
		first := bad.getting(t.Context())
		time.Sleep(time.Millisecond)
		waiters := f.start(3)
		const callOver = 10*time.Second + 100*time.Millisecond
		results := make(chan []result)
		go func() { results <- all(t.Context(), waiters) }()
		res := <-first
		require.ErrorIs(t, res.err, context.DeadlineExceeded)
		assert.Equal(t, callOver, res.took)
		assert.Empty(t, f.lockKeyAfter(), "released")
		for _, res := range <-results { // told of the failure; or they ask
			assert.LessOrEqual(t, res.took, callOver+1200*time.Millisecond+takeover+latency)
		}
		withinAll(waiters, time.Second)
		assert.Equal(t, 1, f.stats().Calls)
		assert.EqualValues(t, 1, calls.Load())

		bad.within(time.Second + takeover)
		start := time.Now()
		bad.stop()
		assert.Zero(t, time.Since(start), "Close does not wait for it")
		close(hang)
		time.Sleep(time.Second)
		assert.Equal(t, f.issuer.Pairs()[0].App, f.stored(), "what comes that late is dropped")
		f.nothingLeft()
	})
}

// afterwards is a hook that does something once, when a script has been run.
type afterwards struct {
	panicky

	script string
	armed  atomic.Bool
	do     func()
}

func (a *afterwards) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if nameOf(cmd) == a.script && a.armed.CompareAndSwap(true, false) {
			a.do()
		}
		return err
	}
}
