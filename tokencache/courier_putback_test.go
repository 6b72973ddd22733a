package tokencache_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F42: Redis refuses for so short a time that no replica has tried in vain yet:
// 200 of them asked for themselves at the same moment, and would all come back at
// the same moment. They do not.
func TestF42PutBacksAreSpread(t *testing.T) {
	const slot = 100 * time.Millisecond
	for edge, test := range map[string]struct {
		mint        bool
		least, most int // in all, and in a slot
	}{
		"each has another token": {true, 200, 30}, // 10, were it even over the 2 s
		"all have the same":      {false, 1, 5},   // of which the first put-back tells the others
	} {
		t.Run(edge, func(t *testing.T) {
			config := usual()
			config.MintEveryCall = test.mint
			putBacksAreSpread(t, config, slot, test.least, test.most)
		})
	}
}

// I6: what was asked for around Redis is brought there soon after the end of
// the fault, though nobody calls Get any more: there is a timer. A replica that
// starts then has the token from there.
func TestI6PutBackNeedsNoCaller(t *testing.T) {
	// Backoff 36 s, spread 2 s, probe 6 s, time-out 1 s.
	const soon = 45 * time.Second
	for name, begin := range map[string]func(*redistest.Link){
		"refused":         (*redistest.Link).Down,
		"black hole":      func(l *redistest.Link) { l.BlackHole(true); l.Cut() },
		"silent":          func(l *redistest.Link) { l.Silence(true) },
		"too slow":        func(l *redistest.Link) { l.Delay(2 * time.Second) },
		"takes no lock":   func(l *redistest.Link) { l.Fail("OOM no", script("obtain", "publish", "fail")) },
		"takes no token":  func(l *redistest.Link) { l.Fail("READONLY no", script("publish")) },
		"refuses to read": func(l *redistest.Link) { l.Fail("LOADING no", script("read")) },
	} {
		for _, outage := range []time.Duration{time.Second, 30 * time.Second, 5 * time.Minute} {
			t.Run(name+" for "+outage.String(), func(t *testing.T) {
				virtual(t, usual(), func(t *testing.T, f *fleet) {
					replicas := f.start(3)
					withinAll(replicas, latency+50*time.Millisecond)
					old := replicas[0].mustGet()
					f.sleepUntilLeft(old, time.Minute)
					f.redis.Each(begin)
					together(replicas, func(r *replica) { r.within(0) }) // urgent: each asks
					time.Sleep(4*time.Second + outage)
					calls := f.stats().Calls
					require.Greater(t, calls, 1)

					f.redis.Each((*redistest.Link).Heal)
					time.Sleep(soon)
					want := replicas[0].within(0)
					assert.False(t, want.Equal(old))
					assert.Equal(t, want.AppAccessToken(), f.stored())
					assert.True(t, f.replica().within(0).Equal(want))
					assert.Equal(t, calls, f.stats().Calls)
					f.nothingLeft()
				})
			})
		}
	}
}

// I6: what is put back was fetched when the issuer answered, and not when Redis took it: status
// says so, and a rejection does not take it for a fresh token.
func TestI6PutBackKeepsTheTimeOfItsAnswer(t *testing.T) {
	for name, begin := range map[string]func(*redistest.Link){
		"asked around a silent redis": (*redistest.Link).Down,
		"not taken when it was asked": func(l *redistest.Link) { l.Fail("OOM no", script("publish", "fail")) },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				r := f.replica()
				begin(r.link)
				tok := r.within(2*time.Second + latency)
				asked := time.Now()
				time.Sleep(20 * time.Minute)
				r.link.Heal()
				time.Sleep(45 * time.Second)
				require.Equal(t, tok.AppAccessToken(), f.stored())
				status, err := r.source.Status(t.Context())
				require.NoError(t, err)
				assert.WithinDuration(t, asked, status.FetchedAt, 2*time.Second)
				assert.Equal(t, "r0", status.FetchedBy)
				assert.Equal(t, 1, f.stats().Calls)
			})
		})
	}
}

// A put-back whose question and offer are long on their way to Redis is stored for no
// longer than the token lives. Its time of asking is counted back from what Redis'
// clock showed in between.
func TestPutBackOverASlowLink(t *testing.T) {
	virtual(t, feishutest.Config{Life: 20 * time.Second, Latency: 20 * time.Millisecond}, func(t *testing.T, f *fleet) {
		r := f.replica()
		r.link.Shape(redistest.Shape{Request: func(name string, _ []string, _ time.Duration) time.Duration {
			if strings.HasPrefix(name, "EVAL") {
				return 700 * time.Millisecond
			}
			return 0 // setting up a connection takes its time-out's share from a client that heeds deadlines
		}})
		r.link.Refuse(true)
		tok := r.mustGet()
		r.link.Heal()
		for range 15 {
			time.Sleep(time.Second)
			if ttl := f.redis.Server().TTL(f.tokenKey()); ttl > 0 {
				assert.LessOrEqual(t, ttl, f.issuer.Remaining(tok.AppAccessToken()))
				return
			}
		}
		t.Error("not put back")
	})
}

// What is put back may be a rejection alone. Nobody wants a token then, so none is
// asked for.
func TestPutBackOfARejectionAsksNobody(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		bad := r.mustGet()
		time.Sleep(time.Minute)
		r.link.Down()
		require.ErrorIs(t, r.source.Invalidate(context.Background(), bad), tokencache.ErrRedis)
		r.link.Heal()
		time.Sleep(time.Minute)
		assert.Equal(t, 1, r.count(tokencache.EventInvalidate, "dropped"), "Redis has been told")
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// F39: a rejection that Redis could not be told is told when it is back, even if
// the replica meanwhile has another token and no reason to look.
func TestF39ToldWhenRedisIsBack(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		cutOff, other := f.replica(), f.replica()
		bad := cutOff.mustGet()
		other.mustGet()
		time.Sleep(time.Second)

		cutOff.link.Down()
		f.issuer.Revoke(bad.AppAccessToken())
		require.ErrorIs(t, cutOff.source.Invalidate(t.Context(), bad), tokencache.ErrRedis)
		cutOff.mustGet() // from the issuer
		time.Sleep(10 * time.Second)
		cutOff.link.Heal()
		time.Sleep(time.Minute)
		assert.Equal(t, 1, cutOff.count(tokencache.EventInvalidate, "dropped"))
		assert.False(t, other.mustGet().Equal(bad))
		assert.LessOrEqual(t, f.stats().Rotations, 3)
	})
}

func putBacksAreSpread(t *testing.T, config feishutest.Config, slot time.Duration, least, most int) {
	virtual(t, config, func(t *testing.T, f *fleet) {
		f.warmScripts()
		replicas := f.start(200)
		withinAll(replicas, latency+50*time.Millisecond)
		f.sleepUntilLeft(replicas[0].mustGet(), time.Minute)
		f.admin((*redis.Client).FlushAll)
		mend := f.redis.FailCommands("MISCONF no", script("read"))
		together(replicas, func(r *replica) { r.within(0) }) // urgent: each asks
		time.Sleep(latency + time.Millisecond)
		mend()
		require.Equal(t, 202, f.stats().Calls, "the warm-up's, the first, and one each")
		f.redis.Each((*redistest.Link).ResetCounts)

		before := 0
		for at := slot; at <= 3*time.Second; at += slot {
			time.Sleep(slot)
			commands := 0
			for _, r := range replicas {
				commands += r.link.Count("EVAL", "EVALSHA")
			}
			assert.LessOrEqual(t, commands-before, most, "in the %v before %v", slot, at)
			t.Log(commands - before)
			before = commands
		}
		assert.GreaterOrEqual(t, before, least, "looks and put-backs")
		assert.NotEmpty(t, f.stored())
	})
}
