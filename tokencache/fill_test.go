package tokencache_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestFillFindsTheToken(t *testing.T) {
	stored(t, func(t *testing.T, f *fleet, r *replica) {
		fills := r.count(tokencache.EventFill, "")
		r.within(0)
		assert.Equal(t, fills+1, r.count(tokencache.EventFill, ""), "over by the time Get returns")
		assert.Equal(t, 1, f.stats().Calls)

		// It hears of what follows, if not at once.
		time.Sleep(20*time.Millisecond + latency)
		tok := r.mustGet()
		require.NoError(t, f.replicas[0].source.Invalidate(t.Context(), tok))
		synctest.Wait()
		_, there := r.source.Peek()
		assert.False(t, there)
	})
}

func TestGetEndsInTime(t *testing.T) {
	for name, c := range map[string]struct {
		deadline, cancel time.Duration // 0: none
		takes            time.Duration
		why              error // nil: a token, from the issuer
	}{
		"patient":          {takes: time.Second + latency},
		"deadline is far":  {deadline: 3 * time.Second, takes: time.Second + latency},
		"deadline is near": {deadline: 700 * time.Millisecond, takes: 700 * time.Millisecond, why: context.DeadlineExceeded},
		"cancelled":        {cancel: 300 * time.Millisecond, takes: 300 * time.Millisecond, why: context.Canceled},
		"cancelled later":  {cancel: 1100 * time.Millisecond, takes: 1100 * time.Millisecond, why: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			stored(t, func(t *testing.T, f *fleet, r *replica) {
				r.link.Silence(true)
				ctx, cancel := context.WithCancel(t.Context())
				if c.deadline > 0 {
					ctx, cancel = context.WithTimeout(ctx, c.deadline)
				}
				defer cancel()
				if c.cancel > 0 {
					time.AfterFunc(c.cancel, cancel)
				}
				start := time.Now()
				_, err := r.get(ctx)
				require.ErrorIs(t, err, c.why)
				assert.Equal(t, c.takes, time.Since(start))
			})
		})
	}
}

// A fill that its caller has begun goes on without it.
func TestFillOutlivesItsCaller(t *testing.T) {
	stored(t, func(t *testing.T, f *fleet, r *replica) {
		r.link.Silence(true)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		follower := make(chan error)
		time.AfterFunc(2*time.Millisecond, func() {
			_, err := r.get(context.Background())
			follower <- err
		})
		_, err := r.get(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, <-follower)
		assert.Equal(t, 1, r.count(tokencache.EventDirectCall, "ok"))
	})
}

func TestCloseEndsAGetAtOnce(t *testing.T) {
	stored(t, func(t *testing.T, _ *fleet, r *replica) {
		r.link.Silence(true)
		start := time.Now()
		time.AfterFunc(300*time.Millisecond, r.stop)
		_, err := r.get(t.Context())
		require.ErrorIs(t, err, tokencache.ErrClosed)
		assert.Equal(t, 300*time.Millisecond, time.Since(start))
	})
}

// Whoever gives up is told at once. What the look finds afterwards is for the next.
func TestTokenFoundTooLateIsForTheNext(t *testing.T) {
	stored(t, func(t *testing.T, _ *fleet, r *replica) {
		r.link.Delay(200 * time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		start := time.Now()
		_, err := r.get(ctx)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 100*time.Millisecond, time.Since(start))
		time.Sleep(200 * time.Millisecond)
		_, there := r.source.Peek()
		assert.True(t, there)
	})
}

// The lock that a look has brought is given back if the Source was closed meanwhile: no
// call is begun after that.
func TestLockTakenTooLate(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.warmScripts()
		r, calls := f.replica(heeds), f.stats().Calls
		r.link.Delay(200 * time.Millisecond)
		time.AfterFunc(300*time.Millisecond, func() {
			assert.NotEmpty(t, key("lock")(f), "the set-up took 200 ms, and the reply is on its way")
			r.stop()
		})
		_, err := r.get(t.Context())
		require.ErrorIs(t, err, tokencache.ErrClosed)
		r.stop()
		assert.Equal(t, calls, f.stats().Calls)
		assert.Empty(t, key("lock")(f))
	})
}

// A rejection that Redis has not heard of comes before the look, which would find a token
// that nobody may have any more.
func TestFillDoesNotFindTheRejected(t *testing.T) {
	stored(t, func(t *testing.T, f *fleet, r *replica) {
		rejected := r.mustGet()
		time.Sleep(time.Second)
		undo := f.redis.FailCommands("READONLY for a moment", nil)
		f.issuer.Revoke(rejected.AppAccessToken())
		require.ErrorContains(t, r.source.Invalidate(t.Context(), rejected), "READONLY") // it is to be told later
		undo()
		r.link.ResetCounts()
		assert.False(t, r.mustGet().Equal(rejected))
		assert.Equal(t, 2, f.stats().Calls)
		synctest.Wait()
		scripts := r.link.Counts()
		assert.Equal(t, 5, scripts["EVALSHA"], "tell, look and lock, keep, publish, release: %v", scripts)
	})
}

// Close of the Cache and of the Source at the very instant of the reply, with the lock or with a token, and
// others waiting: nothing stays behind.
func TestFillClosedAtTheInstant(t *testing.T) {
	for seed := range 60 { // each is another order of what happens at that instant
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			f.warmScripts()
			if seed%3 == 0 {
				f.replica().mustGet()
			}
			r := f.replica(heeds)
			r.link.Delay(10 * time.Millisecond)
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() {
					if _, err := r.get(context.Background()); err != nil {
						assert.ErrorIs(t, err, tokencache.ErrClosed)
					}
				})
			}
			all.Go(func() {
				time.Sleep(20 * time.Millisecond) // the set-up's and the look's
				if seed%2 == 0 {
					_ = r.source.Close()
				} else {
					r.stop()
				}
			})
			all.Wait()
			f.close()
			assert.Empty(t, key("lock")(f))
			time.Sleep(time.Second)
			assert.Empty(t, f.redis.Admin().PubSubChannels(t.Context(), "*").Val())
		})
	}
}

// A rejection that Redis has not heard of does not keep a Get from Redis that is back.
func TestFillTellsOnceRedisIsBack(t *testing.T) {
	stored(t, func(t *testing.T, f *fleet, r *replica) {
		tok := r.mustGet()
		r.link.Refuse(true)
		r.link.Cut()
		synctest.Wait()
		f.issuer.Revoke(tok.AppAccessToken())
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.Error(t, r.source.Invalidate(ctx, tok))
		time.Sleep(1100 * time.Millisecond)
		r.link.Heal()
		time.Sleep(time.Second)
		r.mustGet()
		assert.Zero(t, r.count(tokencache.EventDirectCall, ""), "Redis is back, and nobody has asked it")
	}, func(c *replicaConfig) { c.cache.Jitter = func() float64 { return 0.5 } })
}

// A panic in a hook of the client's ends the fill, not the process, and nobody is left to wait for a
// fill that is gone.
func TestFillSurvivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := redistest.NewBubble(t)
		client := b.Client("us", func(o *redis.Options) { o.ContextTimeoutEnabled = true })
		client.AddHook(&panics{})
		cache, err := tokencache.New(client, tokencache.Config{})
		require.NoError(t, err)
		defer func() { assert.NoError(t, cache.Close()) }()
		source := cache.Source(tokencache.FetchFunc(tokencache.MustCredential(tokencache.CredentialConfig{
			Issuer: "test", App: "app", Window: time.Minute,
		}), func(context.Context) (tokencache.Token, error) { return tokencache.NewToken("a", "b", time.Hour), nil }))
		b.Link("us").Delay(10 * time.Millisecond)
		followed := make(chan error, 1)
		time.AfterFunc(time.Millisecond, func() {
			_, err := source.Get(context.Background())
			followed <- err
		})
		_, err = source.Get(t.Context())
		require.NoError(t, err)
		require.NoError(t, <-followed)
	})
}

// F38: a replica starts while Redis holds a token in its window and a permanent
// failure to replace it. The token counts.
func TestF38ColdReplicaWithTokenAndPermanentFailure(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		first := f.replica()
		tok := first.mustGet()
		time.Sleep(96 * time.Minute)
		f.issuer.SetFault(feishutest.WrongSecret())
		first.within(0)
		time.Sleep(10 * time.Millisecond)
		require.NotEmpty(t, key("failure")(f))
		refused := f.stats().Refused

		cold := f.start(10)
		together(cold, func(r *replica) {
			assert.True(t, r.within(0).Equal(tok))
			assert.Zero(t, r.count(tokencache.EventCall, ""))
		})
		f.readAtOnce(cold, 100*time.Millisecond, 30*time.Second)
		assert.Equal(t, refused, f.stats().Refused, "the failure holds")
	})
}

// heeds has a replica's client heed deadlines.
func heeds(c *replicaConfig) {
	c.redis = append(c.redis, func(o *redis.Options) { o.ContextTimeoutEnabled = true })
}

// stored is a fleet that has a token in Redis, and one replica that heeds deadlines and
// has a connection, but no copy.
func stored(t *testing.T, test func(t *testing.T, f *fleet, r *replica), options ...option) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.replica().mustGet()
		r := f.replica(append(options, heeds)...)
		other := r.cache.Source(tokencache.FetchFunc(tokencache.MustCredential(tokencache.CredentialConfig{
			Issuer: "test", App: "other", Window: time.Minute,
		}), func(context.Context) (tokencache.Token, error) { return tokencache.NewToken("a", "b", time.Hour), nil }))
		_, err := other.Get(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		test(t, f, r)
	})
}

// panics is a hook of the user's that panics in a script, once.
type panics struct{ done bool }

func (*panics) DialHook(next redis.DialHook) redis.DialHook { return next }
func (*panics) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (p *panics) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if !p.done && cmd.Name() == "evalsha" {
			p.done = true
			panic(errForTest)
		}
		return err
	}
}
