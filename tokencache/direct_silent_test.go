package tokencache_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F15: Redis does not answer, and the client is a default one, which would wait
// for minutes. Who has a copy notices nothing; who has none asks the issuer
// itself, after RedisTimeout at most. When Redis is back, so is everything.
func TestF15RedisDoesNotAnswer(t *testing.T) {
	for name, silence := range silences {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				replicas := f.start(5)
				withinAll(replicas, latency+50*time.Millisecond)
				f.redis.Each(silence)

				read(replicas, 10*time.Second, 10*time.Minute)
				for _, r := range replicas {
					assert.Zero(t, r.count(tokencache.EventDegraded, ""), "a fresh copy needs no redis")
				}
				cold := f.replica()
				silence(cold.link)
				cold.within(time.Second + latency)
				assert.Equal(t, 1, cold.count(tokencache.EventDirectCall, "ok"))
				assert.Equal(t, 1, cold.count(tokencache.EventDegraded, string(troubleOf(name))), "%v", cold.only(tokencache.EventDegraded))

				f.redis.Each((*redistest.Link).Heal)
				time.Sleep(40 * time.Second) // the client's own time-outs are over, too
				f.replica().within(0)
				assert.Equal(t, 2, f.stats().Calls)
				assert.Equal(t, 1, f.stats().Rotations)
				f.nothingLeft()
			})
		})
	}
}

// F15: the same through the whole window of a token, to its end: the copy serves
// for as long as it is good, and is replaced directly at the end of its life, not
// before, with no Get that waits.
func TestF15RedisDoesNotAnswerUntilTheCopyEnds(t *testing.T) {
	for name, silence := range silences {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				replicas := f.start(5)
				withinAll(replicas, latency+50*time.Millisecond)
				old := replicas[0].mustGet()
				f.redis.Each(silence)
				read(replicas, time.Second, f.issuer.Remaining(old.AppAccessToken())-121*time.Second)
				assert.Equal(t, 1, f.stats().Calls, "not before it is urgent")

				read(replicas, time.Second, 3*time.Minute)
				for _, r := range replicas {
					assert.Equal(t, 1, r.count(tokencache.EventWait, ""), "at the start only")
					assert.Equal(t, 1, r.count(tokencache.EventDirectCall, "ok"))
					assert.LessOrEqual(t, r.count(tokencache.EventDegraded, ""), 360, "one try in 5 s")
				}
				assert.Equal(t, 2, f.stats().Rotations)

				f.redis.Each((*redistest.Link).Heal)
				time.Sleep(40 * time.Second)
				assert.Equal(t, replicas[0].mustGet().AppAccessToken(), f.stored(), "put back")
				assert.Equal(t, 5, f.count(tokencache.EventRecovered, ""))
				f.nothingLeft()
			})
		})
	}
}

// F15: without a copy, and with NoDirect, the error comes within the ctx and says
// what is wrong; with a ctx shorter than RedisTimeout, at its end.
func TestF15NothingToServeWithout(t *testing.T) {
	for name, silence := range silences {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				r := f.replica(with(noDirect))
				silence(r.link)
				short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				defer cancel()
				res := <-r.getting(short)
				require.Error(t, res.err)
				assert.LessOrEqual(t, res.took, 10*time.Millisecond)

				for range 20 {
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					res = <-r.getting(ctx)
					cancel()
					require.ErrorIs(t, res.err, tokencache.ErrRedis)
					assert.LessOrEqual(t, res.took, 10*time.Second)
				}
				assert.Zero(t, f.stats().Calls)
				assert.Positive(t, r.count(tokencache.EventDegraded, string(troubleOf(name))))
				r.link.Heal()
				time.Sleep(40 * time.Second)
				r.within(latency)
			})
		})
	}
}

// F15: Redis is slow, but within RedisTimeout. Nothing is amiss.
func TestF15SlowWithinTheTimeout(t *testing.T) {
	const rtt = 400 * time.Millisecond
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		replicas := f.start(5)
		for _, r := range replicas {
			r.link.Delay(rtt)
		}
		withinAll(replicas, latency+14*rtt)
		assert.Equal(t, 1, f.stats().Calls)
		assert.Zero(t, f.count(tokencache.EventDegraded, ""))
		assert.Zero(t, f.count(tokencache.EventDirectCall, ""))
	})
}

// F15: the client has a pool of one connection, and that hangs. Close still ends.
func TestF15PoolOfOne(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica(func(c *replicaConfig) {
			c.redis = append(c.redis, func(o *redis.Options) { o.PoolSize = 1 })
		})
		r.within(latency)
		f.sleepUntilDue()
		r.link.Silence(true)
		read([]*replica{r}, time.Second, time.Minute)
		start := time.Now()
		require.NoError(t, r.cache.Close())
		assert.LessOrEqual(t, time.Since(start), 5*time.Second)
	})
}

// F15, I4: the issuer is being asked around Redis, and who comes meanwhile with less
// time than the pause that Redis was given waits for the answer.
func TestF15WithLittleTimeDuringADirectCall(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		r.link.Silence(true)
		var first sync.WaitGroup
		first.Go(func() { r.mustGet() })
		time.Sleep(time.Second + latency/2) // the look has timed out

		ctx, cancel := context.WithTimeout(t.Context(), latency)
		defer cancel()
		_, err := r.get(ctx)
		require.NoError(t, err)
		first.Wait()
	})
}

// F15, F39, I4: a rejection cannot be told, and attempts to tell it leave no pause for
// those who need another token: the issuer is asked at once.
func TestF15RejectionCannotBeTold(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		tok := r.mustGet()
		r.link.Silence(true)
		f.issuer.Revoke(tok.AppAccessToken())
		require.ErrorIs(t, r.source.Invalidate(t.Context(), tok), tokencache.ErrRedis)
		for r.count(tokencache.EventDegraded, "") < 4 {
			time.Sleep(100 * time.Millisecond)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second+2*latency)
		defer cancel()
		_, err := r.get(ctx)
		require.NoError(t, err)
	})
}

// F15, I4: Redis falls silent under a fill that has the lock, and a copy that ends before
// the time-out of its look. The fill asks the issuer in time, and nobody waits.
func TestF15SilentUnderAFillWithAShortCopy(t *testing.T) {
	virtual(t, feishutest.Config{Life: 12 * time.Second, Latency: latency}, func(t *testing.T, f *fleet) {
		r := f.replica()
		r.mustGet()
		time.Sleep(10*time.Second + 500*time.Millisecond)

		scripts, locked := 0, make(chan struct{})
		defer r.link.Hold(func(name string, _ []string) bool {
			if name == "EVALSHA" {
				scripts++
			}
			if scripts == 3 { // the look under the lock
				close(locked)
			}
			return scripts == 3
		})()
		r.mustGet()
		<-locked
		r.link.Silence(true)
		time.Sleep(1400 * time.Millisecond)
		_, has := r.source.Peek()
		require.True(t, has)
		r.within(0)
		assert.Equal(t, 1, r.count(tokencache.EventDirectCall, "ok"))
	})
}

// troubleOf is what a silence is told as: of what refuses, the client says nothing in time, but
// the cache finds out.
func troubleOf(silence string) tokencache.Trouble {
	if silence == "refused" {
		return tokencache.TroubleUnreachable
	}
	return tokencache.TroubleTimeout
}
