package tokencache_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/lock"
	"github.com/onetoken-go/onetoken/tokencache"
)

// What callers share has nothing of any caller's ctx but, where it bounds a look, the deadline:
// neither its values, such as an httptrace, nor any use of it once its call has returned.
func TestSharedWorkHasNothingOfACallersContext(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, r *replica, tok tokencache.Token) error{
		"Get": func(ctx context.Context, r *replica, _ tokencache.Token) error {
			_, err := r.source.Get(ctx)
			return err
		},
		"Refresh": func(ctx context.Context, r *replica, _ tokencache.Token) error {
			_, _, err := r.source.Refresh(ctx)
			return err
		},
		"Invalidate": func(ctx context.Context, r *replica, tok tokencache.Token) error {
			return r.source.Invalidate(ctx, tok)
		},
		"Status": func(ctx context.Context, r *replica, _ tokencache.Token) error {
			_, err := r.source.Status(ctx)
			return err
		},
		"Survey": func(ctx context.Context, r *replica, _ tokencache.Token) error {
			_, err := r.cache.Survey(ctx)
			return err
		},
	} {
		for _, client := range []string{"", ", punctual"} {
			for _, patience := range []time.Duration{5 * time.Second, 200 * time.Millisecond} { // and with less time than a look may take
				t.Run(name+client+" "+patience.String(), func(t *testing.T) {
					virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
						var traced atomic.Int32
						hook := &spyHook{}
						rdb := f.redis.Client("hooked", func(o *redis.Options) { o.ContextTimeoutEnabled = client != "" })
						rdb.AddHook(hook)
						cache, err := tokencache.New(rdb, tokencache.Config{Logger: slog.New(slog.DiscardHandler)})
						require.NoError(t, err)
						defer func() { assert.NoError(t, cache.Close()) }()
						source := cache.Source(fetcherOf(func(ctx context.Context) (tokencache.Token, error) {
							time.Sleep(latency)
							if ctx.Value(traceKey{}) != nil {
								traced.Add(1)
							}
							return tokencache.NewToken("a", "t", time.Hour), nil
						}))
						f.redis.Link("hooked").Delay(20 * time.Millisecond)

						ctx := newRecycled(t, patience)
						err = call(ctx, &replica{cache: cache, source: source}, tokencache.NewToken("x", "y", time.Hour))
						ctx.recycle()
						if err != nil {
							require.ErrorIs(t, err, context.DeadlineExceeded)
						}
						time.Sleep(2 * time.Minute)
						synctest.Wait()
						assert.Zero(t, ctx.late.Load(), "asked after the call")
						assert.Zero(t, traced.Load(), "the issuer's request has the caller's values")
						assert.Zero(t, hook.traced.Load(), "a command of Redis has")
					})
				})
			}
		}
	}
}

// Nor has the keeper of a lease, nor the release of a try whose reply was lost.
func TestLeaseHasNothingOfItsTakersContext(t *testing.T) {
	for name, try := range map[string]func(ctx context.Context, l *lock.Locker) (*lock.Lease, error){
		"TryAcquire": func(ctx context.Context, l *lock.Locker) (*lock.Lease, error) {
			return l.TryAcquire(ctx, "k", time.Second, 10*time.Second)
		},
		"Claim": func(ctx context.Context, l *lock.Locker) (*lock.Lease, error) {
			c, err := l.Claim(ctx, "k", time.Second, 10*time.Second)
			if err != nil {
				return nil, err
			}
			return c.Keep(ctx), nil
		},
	} {
		for _, lost := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				virtual(t, usual(), func(t *testing.T, f *fleet) {
					hook := &spyHook{}
					client := f.redis.Client("us", func(o *redis.Options) { o.MaxRetries = -1 })
					client.AddHook(hook)
					l := lock.New(client)
					if lost {
						f.redis.Link("us").DropReplies(1, nil)
					}
					ctx := newRecycled(t, time.Minute)
					lease, err := try(ctx, l)
					before := hook.traced.Load() // the try itself is the caller's
					ctx.recycle()
					require.Equal(t, lost && name == "TryAcquire", err != nil, "%v", err)
					time.Sleep(5 * time.Second)
					if lease != nil {
						require.NoError(t, lease.Release(context.Background()))
					}
					l.Wait()
					assert.Equal(t, before, hook.traced.Load())
					assert.Zero(t, ctx.late.Load())
				})
			})
		}
	}
}

// A ctx may be worse than over: nothing is left locked or begun for whoever comes next.
func TestContextThatPanicsLeavesNoFillBehind(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica(func(c *replicaConfig) {
			c.redis = append(c.redis, func(o *redis.Options) { o.ContextTimeoutEnabled = true })
		})
		assert.Panics(t, func() { _, _ = r.source.Get(panicking{t.Context()}) })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := r.source.Get(ctx)
		require.NoError(t, err)
	})
}

// A look for a person ends at the deadline of its caller, whether the caller's ctx does or not.
func TestLooksEndWithADeadlineThatDoesNotCome(t *testing.T) {
	for name, look := range map[string]func(context.Context, *replica) error{
		"Status": func(ctx context.Context, r *replica) error { _, err := r.source.Status(ctx); return err },
		"Stored": func(ctx context.Context, r *replica) error { _, err := r.source.Stored(ctx); return err },
		"Survey": func(ctx context.Context, r *replica) error { _, err := r.cache.Survey(ctx); return err },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				r := f.replica()
				r.mustGet()
				r.link.Delay(300 * time.Millisecond)
				done := make(chan error, 1)
				go func() {
					done <- look(withoutEnd{context.Background(), time.Now().Add(50 * time.Millisecond)}, r)
				}()
				time.Sleep(time.Second)
				select {
				case err := <-done:
					assert.ErrorIs(t, err, context.DeadlineExceeded)
				default:
					require.Fail(t, "it waits for ever")
				}
			})
		})
	}
}

// recycled is the ctx of a framework that uses it for another request once the handler has
// returned: whoever asks it then reads somebody else's values.
type recycled struct {
	context.Context
	value    *int // written when it is recycled: a race for who reads then
	returned atomic.Bool
	late     atomic.Int32
}

type traceKey struct{}

func newRecycled(t *testing.T, timeout time.Duration) *recycled {
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), traceKey{}, "a trace"), timeout)
	t.Cleanup(cancel)
	return &recycled{Context: ctx, value: new(int)}
}

func (r *recycled) Value(key any) any {
	if r.returned.Load() {
		r.late.Add(1)
	}
	_ = *r.value
	return r.Context.Value(key)
}

func (r *recycled) recycle() {
	r.returned.Store(true)
	*r.value++
}

// spyHook notes which contexts reach the Redis client.
type spyHook struct{ traced atomic.Int32 }

func (*spyHook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (*spyHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *spyHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		defer func() {
			if ctx.Value(traceKey{}) != nil { // after the command, as a tracer does
				h.traced.Add(1)
			}
		}()
		return next(ctx, cmd)
	}
}

type panicking struct{ context.Context }

func (panicking) Deadline() (time.Time, bool) { panic(errors.New("recycled")) }

// withoutEnd has a deadline, but never ends: somebody else's type, or one whose deadline is by
// a wall clock that was corrected since.
type withoutEnd struct {
	context.Context
	deadline time.Time
}

func (w withoutEnd) Deadline() (time.Time, bool) { return w.deadline, true }
