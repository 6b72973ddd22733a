package tokencache_test

import (
	"context"
	"fmt"
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

// F42: Redis comes back, empty, to 200 replicas that have had to ask for
// themselves. A few put their token back and tell of it; the others look once or
// twice each, spread over seconds.
func TestF42RedisBackAfterAnOutage(t *testing.T) {
	for name, c := range map[string]struct {
		issuer feishutest.Config
		writes int
	}{
		"issuer repeats itself": {usual(), 5},
		"issuer mints":          {feishutest.Config{Latency: latency, MintEveryCall: true}, 20}, // each better than the last: ln 200, and a race
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, c.issuer, func(t *testing.T, f *fleet) {
				f.warmScripts()
				replicas := f.start(200)
				withinAll(replicas, latency+50*time.Millisecond)
				f.redis.Each((*redistest.Link).Down)
				f.admin((*redis.Client).FlushAll)
				f.sleepUntilLeft(replicas[0].mustGet(), time.Minute)
				calls := f.stats().Calls
				read(replicas, 5*time.Second, 30*time.Second) // urgent: each asks
				assert.Equal(t, calls+200, f.stats().Calls)
				assert.Equal(t, 200, f.count(tokencache.EventWait, "")-1, "at the start only")

				f.redis.Each((*redistest.Link).Heal)
				f.redis.Each((*redistest.Link).ResetCounts)
				back := time.Now()
				read(replicas, 5*time.Second, 2*time.Minute)
				stored := f.stored()
				require.NotEmpty(t, stored)
				writes, offers, events, most := 0, 0, 0, 0
				for _, r := range replicas {
					writes += r.count(tokencache.EventPutBack, "stored")
					offers += r.count(tokencache.EventPutBack, "")
					events += r.link.Count("PUBLISH")
					most = max(most, r.link.Count())
				}
				assert.Positive(t, writes)
				assert.LessOrEqual(t, writes, c.writes)
				assert.LessOrEqual(t, offers, c.writes, "whoever finds as good a token offers none")
				assert.Equal(t, writes, events, "one event for each write")
				assert.LessOrEqual(t, most, 10, "I8")
				assert.Equal(t, calls+200, f.stats().Calls, "nobody asks again")
				assert.Less(t, time.Since(back), 3*time.Minute)
				withinAll(f.start(3), 0)
				f.nothingLeft()
			})
		})
	}
}

// F42: nothing was lost, and all have a fresh copy: nothing happens.
func TestF42RedisBackWithEverything(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		replicas := f.start(50)
		withinAll(replicas, latency+50*time.Millisecond)
		time.Sleep(time.Second) // all have subscribed
		f.redis.Each((*redistest.Link).Down)
		read(replicas, time.Second, time.Minute)
		f.redis.Each((*redistest.Link).Heal)
		f.redis.Each((*redistest.Link).ResetCounts)
		read(replicas, 5*time.Second, 2*time.Minute)
		for _, r := range replicas {
			assert.LessOrEqual(t, r.link.Count(), 2, "subscribed again, and no more: %v", r.link.Counts())
		}
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// F42: many Sources of one process wait for a Redis that does not answer for a moment,
// and the breaker lets one of them probe. The others do not come at the same instant,
// to be turned away for another wait.
func TestF42RedisBackForManySources(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica(with(noDirect))
		r.link.Silence(true)
		begin := time.Now()
		var back sync.WaitGroup
		for i := range 20 {
			issuer := tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "test", App: fmt.Sprintf("app%d", i)})
			s := r.cache.Source(tokencache.FetchFunc(issuer, func(context.Context) (tokencache.Token, error) {
				return tokencache.NewToken("a-"+issuer.App(), "", time.Hour), nil
			}))
			back.Go(func() {
				time.Sleep(time.Duration(i) * time.Microsecond)
				_, err := s.Get(t.Context())
				assert.ErrorIs(t, err, tokencache.ErrRedis)
				_, err = s.Get(t.Context())
				assert.NoError(t, err)
				// The time-out, the longest first wait, and the time over which they come.
				assert.LessOrEqual(t, time.Since(begin), time.Second+300*time.Millisecond+20*time.Millisecond+time.Millisecond)
			})
		}
		time.Sleep(1100 * time.Millisecond)
		r.link.Heal()
		back.Wait()
	})
}

// F42: fills in the background that had no turn to ask directly come as soon as Redis is back.
func TestF42RedisBackForFillsWithoutATurn(t *testing.T) {
	const n = 10
	crowded(t, n, tokencache.Config{DirectRate: 0.01}, func(t *testing.T, w *crowd) {
		w.link.Down()
		defer w.run()()
		time.Sleep(30 * time.Second) // the pauses get long
		require.LessOrEqual(t, w.filled(), 1, "of one turn")
		w.link.Heal()
		for w.count(tokencache.EventRecovered) == 0 {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(latency + 100*time.Millisecond)
		assert.Equal(t, n, w.filled())
	})
}
