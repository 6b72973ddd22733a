package tokencache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F31: 500 requests of a fleet are refused with the same token at once. That is
// one refresh, and whoever comes late with it changes nothing.
func TestF31RejectedByFiveHundred(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		replicas := f.start(20)
		together(replicas, func(r *replica) { r.mustGet() })
		bad := replicas[0].within(0)
		time.Sleep(10 * time.Minute)
		f.issuer.Revoke(bad.AppAccessToken())

		f.resetCounts()
		together(replicas, func(r *replica) {
			var wg sync.WaitGroup
			for i := range 25 {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * 100 * time.Nanosecond)
					assert.NoError(t, r.source.Invalidate(context.Background(), bad))
					assert.False(t, r.within(300*time.Millisecond).Equal(bad))
				})
			}
			wg.Wait()
		})
		assert.Equal(t, 2, f.stats().Calls)
		assert.Equal(t, 2, f.stats().Rotations)
		assert.Equal(t, 1, f.count(tokencache.EventInvalidate, "dropped"))
		for _, r := range replicas {
			assert.LessOrEqual(t, r.link.Count(), 10, "%s: %v", r.name, r.link.Counts())
		}

		good := replicas[0].within(0)
		f.resetCounts()
		time.Sleep(time.Minute)
		together(replicas, func(r *replica) {
			assert.NoError(t, r.source.Invalidate(context.Background(), bad))
			assert.True(t, r.within(0).Equal(good), "the one that followed is not concerned")
		})
		assert.Equal(t, 2, f.stats().Calls)
	})
}

// F31: a publish on its way when its token is rejected does not bring it back.
func TestF31SlowPublishOfTheRevoked(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		slow, other := f.replica(), f.replica()
		bad := slow.mustGet()
		assert.True(t, other.within(0).Equal(bad))
		time.Sleep(time.Second)

		release := slow.link.Hold(script("publish"))
		refreshed := make(chan error)
		go func() {
			_, _, err := slow.source.Refresh(context.Background()) // the issuer still hands it out
			refreshed <- err
		}()
		time.Sleep(500 * time.Millisecond)
		f.issuer.Revoke(bad.AppAccessToken())
		require.NoError(t, other.source.Invalidate(context.Background(), bad))
		release()
		require.NoError(t, <-refreshed)

		assert.Equal(t, 1, slow.count(tokencache.EventPublish, "rejected"))
		assert.False(t, slow.within(0).Equal(bad))
		assert.True(t, other.mustGet().Equal(slow.mustGet()))
		assert.Equal(t, 2, f.stats().Rotations)
		assert.Equal(t, 3, f.stats().Calls, "the first, the one refused, and once more")
	})
}

// F31: an issuer that hands the revoked token out again is not asked in a loop,
// however often it is rejected: after 1 min, 2, 4 and so on.
func TestF31RevokedHandedOutAgain(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond, KeepRevoked: true}, func(t *testing.T, f *fleet) {
		replicas := f.start(5)
		together(replicas, func(r *replica) { r.mustGet() })
		bad := replicas[0].within(0)
		time.Sleep(10 * time.Minute)
		f.issuer.Revoke(bad.AppAccessToken())

		f.redis.Each(func(l *redistest.Link) { l.Delay(time.Millisecond) }) // no two things in one instant of Redis
		revoked := time.Now()
		end := revoked.Add(16 * time.Minute)
		together(replicas, func(r *replica) {
			for time.Now().Before(end) {
				tok, err := r.source.Get(context.Background())
				assert.NoError(t, err)
				if err := r.source.Invalidate(context.Background(), tok); err != nil {
					assert.ErrorIs(t, err, tokencache.ErrCoolDown)
				}
				time.Sleep(500 * time.Millisecond)
			}
		})
		var at []time.Duration
		for _, call := range f.issuer.Calls()[1:] {
			at = append(at, call.Arrived.Sub(revoked).Round(2*time.Second))
		}
		want := []time.Duration{0, time.Minute, 3 * time.Minute, 7 * time.Minute, 15 * time.Minute}
		require.Len(t, at, len(want), "%v", at)
		for i := range want {
			assert.InDelta(t, want[i].Seconds(), at[i].Seconds(), 6, "%v", at)
		}
	})
}

// F31: one process that alone rejects a token is under the same cool-down: its
// own news, come back to it as an event, is no second rejection.
func TestF31CoolDownOfOneProcess(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond, KeepRevoked: true}, func(t *testing.T, f *fleet) {
		r := f.replica()
		bad := r.mustGet()
		r.link.Delay(time.Millisecond)
		time.Sleep(time.Second)
		ctx := context.Background()
		for i, cool := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
			require.NoError(t, r.source.Invalidate(ctx, bad), "%d", i)
			again, err := r.source.Get(ctx)
			require.NoError(t, err)
			require.True(t, again.Equal(bad))
			time.Sleep(cool - time.Second)
			require.ErrorIs(t, r.source.Invalidate(ctx, bad), tokencache.ErrCoolDown, "%d", i)
			again, err = r.source.Get(ctx)
			require.NoError(t, err)
			require.True(t, again.Equal(bad), "nothing else is to be had")
			time.Sleep(2 * time.Second)
		}
		assert.Equal(t, 4, f.stats().Calls)
	})
}

// F39: two tokens are rejected in a row while a publish of the first is still on
// its way: neither comes back.
func TestF39TwoRejectionsInARow(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		ctx := context.Background()
		slow, quick := f.replica(), f.replica()
		first := slow.mustGet()
		assert.True(t, quick.within(0).Equal(first))
		time.Sleep(time.Second)

		release := slow.link.Hold(script("publish"))
		refreshed := make(chan error)
		go func() {
			_, _, err := slow.source.Refresh(ctx)
			refreshed <- err
		}()
		time.Sleep(200 * time.Millisecond)
		require.NoError(t, f.redis.Admin().Del(ctx, f.keyOf("lock")).Err()) // evicted

		f.issuer.Revoke(first.AppAccessToken())
		require.NoError(t, quick.source.Invalidate(ctx, first))
		second := quick.mustGet()
		f.issuer.Revoke(second.AppAccessToken())
		require.NoError(t, quick.source.Invalidate(ctx, second))
		third := quick.mustGet()
		assert.False(t, third.Equal(first) || third.Equal(second))

		release()
		require.NoError(t, <-refreshed)
		assert.Equal(t, 1, slow.count(tokencache.EventPublish, "rejected"))
		assert.True(t, slow.within(0).Equal(third))
		assert.True(t, quick.within(0).Equal(third))
		assert.True(t, f.replica().within(0).Equal(third), "and so it is in Redis")
		assert.Equal(t, 3, f.stats().Rotations)
	})
}

// F39: a replica that was cut off got the token itself; by the time it can put
// it back the others have rejected it. It is not stored, and the replica, which
// learns of it in this way, does not hand it out any more.
func TestF39PutBackOfARejectedToken(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		ctx := context.Background()
		lonely, other := f.replica(), f.replica()
		lonely.link.Down()
		bad := lonely.mustGet()
		assert.Equal(t, 1, lonely.count(tokencache.EventDirectCall, "ok"))
		assert.True(t, other.mustGet().Equal(bad), "the issuer has but one")
		f.issuer.Revoke(bad.AppAccessToken())
		require.NoError(t, other.source.Invalidate(ctx, bad))
		require.Empty(t, f.tokenKey())

		lonely.link.Heal()
		time.Sleep(15 * time.Second)
		assert.Equal(t, 1, lonely.count(tokencache.EventPutBack, "rejected"))
		_, there := lonely.source.Peek()
		assert.False(t, there)
		tok := lonely.within(130*time.Millisecond + latency)
		assert.False(t, tok.Equal(bad))
		assert.True(t, other.within(0).Equal(tok))
		assert.Equal(t, 2, f.stats().Rotations)
	})
}

// F39: a rejection while the reply to a read is on its way: what that read
// brings was asked for before, and is not adopted.
func TestF39RejectedWhileBeingRead(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		ctx := context.Background()
		other, r := f.replica(), f.replica()
		bad := other.mustGet()
		f.issuer.Revoke(bad.AppAccessToken())
		_, err := r.source.Status(ctx) // connects
		require.NoError(t, err)

		r.link.Delay(400 * time.Millisecond)
		got := make(chan tokencache.Token)
		go func() { got <- r.mustGet() }()
		time.Sleep(100 * time.Millisecond)
		r.link.Delay(0)
		require.NoError(t, r.source.Invalidate(ctx, bad), "told before the read is answered")
		tok := <-got
		assert.False(t, tok.Equal(bad))
		assert.True(t, r.within(0).Equal(tok))
		assert.Equal(t, 2, f.stats().Rotations)
	})
}

// F39: the same for a read that is sent in the very instant of the rejection,
// while an older rejection is still being told.
func TestF39RejectedInTheInstantOfARead(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		ctx := context.Background()
		other, r := f.replica(), f.replica()
		bad := other.mustGet()
		older := tokencache.NewToken("a-older", "t-older", time.Hour)

		undo := r.link.Fail("READONLY You can't write against a read only replica.", script("invalidate"))
		require.ErrorIs(t, r.source.Invalidate(ctx, older), tokencache.ErrRedis)
		undo()

		// The fill tells of the older one first; meanwhile comes the rejection,
		// which reaches Redis only after the read that follows.
		releaseOlder := r.link.Hold(script("invalidate"))
		got := make(chan tokencache.Token)
		go func() { got <- r.mustGet() }()
		time.Sleep(100 * time.Millisecond)
		f.issuer.Revoke(bad.AppAccessToken())
		releaseBad := r.link.Hold(script("invalidate"))
		told := make(chan error)
		go func() { told <- r.source.Invalidate(ctx, bad) }()
		time.Sleep(100 * time.Millisecond)
		release := r.link.Hold(script("read", "look"))
		releaseOlder()
		time.Sleep(100 * time.Millisecond)
		r.link.Delay(400 * time.Millisecond)
		release()
		time.Sleep(100 * time.Millisecond)
		r.link.Delay(0)
		releaseBad()
		require.NoError(t, <-told)
		tok := <-got
		assert.False(t, tok.Equal(bad))
		assert.Equal(t, 2, f.stats().Rotations)
	})
}

// F39: a rejection that Redis cannot hear of is kept until it can: this process
// does without the token at once, the others as soon as they are told.
func TestF39RejectedWhileRedisIsDown(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		ctx := context.Background()
		replicas := f.start(3)
		together(replicas, func(r *replica) { r.mustGet() })
		bad := replicas[0].within(0)
		time.Sleep(time.Minute)
		f.redis.Each((*redistest.Link).Down)
		f.issuer.Revoke(bad.AppAccessToken())

		require.ErrorIs(t, replicas[0].source.Invalidate(ctx, bad), tokencache.ErrRedis)
		tok := replicas[0].mustGet()
		assert.False(t, tok.Equal(bad))
		assert.Equal(t, 2, f.stats().Rotations)

		for _, r := range replicas[1:] { // who hears nothing has to find out by itself
			r.link.Heal()
		}
		time.Sleep(3 * time.Second)
		replicas[0].link.Heal()
		time.Sleep(20 * time.Second)
		for _, r := range replicas {
			assert.True(t, r.within(2*time.Second).Equal(tok), r.name)
		}
		assert.Equal(t, 2, f.stats().Rotations)
		assert.Equal(t, 1, f.count(tokencache.EventInvalidate, "dropped"))
		assert.Equal(t, 1, f.count(tokencache.EventPutBack, "stored"))
	})
}

// F31: an API refuses every token, and the issuer mints at every call. The fleet asks for
// another at once only for the first fresh one; then it asks as after failures, 250 ms
// doubling to 30 s. While Redis is down each process does so for itself.
func TestF31FreshTokensRejectedArePaced(t *testing.T) {
	const most = 12 // 2 at once, then after 0.25, 0.5 ... 16 s: 9 in a minute
	for _, test := range []struct {
		name     string
		replicas int
		down     bool
		how      string
	}{
		{"the fleet", 5, false, "paced"},
		{"a fleet of one", 1, false, "alone"},
		{"each without Redis", 5, true, "paced"},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: 130 * time.Millisecond, MintEveryCall: true}, func(t *testing.T, f *fleet) {
				f.start(test.replicas)
				limit, down := most, test.down
				if down {
					f.redis.Each((*redistest.Link).Down)
					limit *= test.replicas
				}
				end := time.Now().Add(time.Minute)
				var told atomic.Int64
				together(f.replicas, func(r *replica) {
					for time.Now().Before(end) {
						ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
						tok, err := r.get(ctx)
						cancel()
						if err == nil {
							if err := r.source.Invalidate(context.Background(), tok); !down {
								assert.NoError(t, err)
							}
						} else if errors.Is(err, tokencache.ErrRejected) {
							assert.ErrorContains(t, err, "fresh tokens in a row were rejected: check ")
							assert.ErrorContains(t, err, "check that the API accepts")
							told.Add(1)
						}
						time.Sleep(10 * time.Millisecond)
					}
				})
				assert.LessOrEqual(t, f.stats().Calls, limit)
				assert.GreaterOrEqual(t, f.stats().Calls, limit/2, "but it does ask")
				assert.Positive(t, told.Load(), "why there is no token")
				assert.Positive(t, f.count(tokencache.EventInvalidate, test.how))

				time.Sleep(time.Minute)
				f.redis.Each((*redistest.Link).Heal)
				time.Sleep(10 * time.Second)
				for _, r := range f.replicas { // the API accepts them again
					assert.NotPanics(t, func() { r.mustGet() })
				}
			})
		})
	}
}

// F31: tokens that have lasted are each replaced at once, however many are rejected.
func TestF31RejectedAfterAWhileIsNotPaced(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond, MintEveryCall: true}, func(t *testing.T, f *fleet) {
		replicas := f.start(3)
		for range 10 {
			tok := replicas[0].mustGet()
			time.Sleep(time.Minute)
			together(replicas, func(r *replica) {
				assert.NoError(t, r.source.Invalidate(context.Background(), tok))
				r.within(250 * time.Millisecond)
			})
		}
		assert.Equal(t, 11, f.stats().Calls)
		assert.Zero(t, f.count(tokencache.EventInvalidate, "paced"))
	})
}

// F39: thousands of tokens are rejected while Redis is down. It is told of a bounded number
// of them when it is back, that of the token it holds among them.
func TestF39ManyRejectedWhileRedisIsDown(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		r, other := f.replica(), f.replica()
		bad := r.mustGet()
		other.mustGet()
		r.link.Down()
		f.issuer.Revoke(bad.AppAccessToken())
		require.ErrorIs(t, r.source.Invalidate(t.Context(), bad), tokencache.ErrRedis)
		for i := range 2000 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
			_ = r.source.Invalidate(ctx, tokencache.NewToken(fmt.Sprint("a-", i), "t", time.Hour))
			cancel()
		}
		r.mustGet() // directly
		time.Sleep(time.Minute)
		r.link.Heal()
		time.Sleep(time.Minute)
		tombstones, err := f.redis.Admin().Keys(t.Context(), "onetoken:{*}:rejected:*").Result()
		require.NoError(t, err)
		assert.LessOrEqual(t, len(tombstones), 64)
		assert.Equal(t, 1, r.count(tokencache.EventInvalidate, "dropped"))
		assert.False(t, other.mustGet().Equal(bad))
	})
}

// F31: tokens of direct calls are rejected as soon as they are issued. The pace is kept however
// short they live: a wait is no sign that one has lasted.
func TestF31FreshDirectTokensRejectedArePacedForShortLives(t *testing.T) {
	for _, life := range []time.Duration{20 * time.Second, 40 * time.Second, 2 * time.Hour} {
		t.Run(life.String(), func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: latency, MintEveryCall: true, Life: life, Window: life / 4}, func(t *testing.T, f *fleet) {
				r := f.replica()
				r.link.Down()
				for end := time.Now().Add(30 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
					if tok, err := r.source.Get(t.Context()); err == nil {
						_ = r.source.Invalidate(t.Context(), tok)
					}
				}
				assert.LessOrEqual(t, f.stats().Calls, 30*60/30+10, "one in 30 s, once the wait has doubled that far")
			})
		})
	}
}

// F31: one replica's API client is broken, and rejects every token that is good for all others.
// These have a token most of the time, whatever that one does.
func TestF31OneReplicaRejectsWhatIsGood(t *testing.T) {
	virtual(t, feishutest.Config{Latency: latency, MintEveryCall: true}, func(t *testing.T, f *fleet) {
		good, bad := f.start(10), f.replica()
		end := time.Now().Add(10 * time.Minute)
		together(f.replicas, func(r *replica) {
			for time.Now().Before(end) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				tok, err := r.source.Get(ctx)
				if err == nil && r == bad {
					_ = r.source.Invalidate(ctx, tok)
				}
				cancel()
				time.Sleep(100 * time.Millisecond)
			}
		})
		failed, got := 0, 0
		for _, r := range good {
			r.mu.Lock()
			for _, e := range r.events {
				if e.Kind == tokencache.EventWait && e.Err != nil {
					failed++
				} else if e.Kind == tokencache.EventWait {
					got++
				}
			}
			r.mu.Unlock()
		}
		assert.Zero(t, failed, "Gets without a token, of some 6,000 each; %d waited and had one", got)
		assert.Less(t, got, len(good)*60)
		assert.LessOrEqual(t, f.stats().Calls, 10*60/30+10, "one in 30 s, once the wait has doubled that far")
		assert.Positive(t, bad.count(tokencache.EventInvalidate, "alone"))
		assert.Zero(t, f.count(tokencache.EventInvalidate, "paced"))
	})
}

// F31: one replica alone has rejected a fresh token, which the others go on with. As soon as
// another rejects it too it is gone, and the fleet waits. What they are called does not matter.
func TestF31RejectedByASecondReplica(t *testing.T) {
	oneName := func(c *replicaConfig) { c.cache.Replica = "same" }
	virtual(t, feishutest.Config{Latency: latency, MintEveryCall: true}, func(t *testing.T, f *fleet) {
		bad, others := f.replica(oneName), f.start(3, oneName)
		together(f.replicas, func(r *replica) { r.mustGet() })
		time.Sleep(10 * time.Second) // all hear events by now
		rejected := bad.rejectsAlone()
		assert.Empty(t, key("failure")(f))
		for _, r := range others {
			assert.True(t, r.within(0).Equal(rejected), r.name)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := bad.source.Get(ctx)
		require.ErrorIs(t, err, tokencache.ErrRejected)
		assert.ErrorContains(t, err, "2 fresh tokens in a row were rejected: check how this process calls the API")

		require.NoError(t, others[0].source.Invalidate(t.Context(), rejected))
		assert.Equal(t, 1, others[0].count(tokencache.EventInvalidate, "paced"))
		assert.Empty(t, f.tokenKey())
		together(others, func(r *replica) {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := r.source.Get(ctx)
			assert.ErrorIs(t, err, tokencache.ErrRejected, r.name)
		})
		assert.Equal(t, 2, f.stats().Calls)
		time.Sleep(time.Second)
		tok := bad.mustGet()
		for _, r := range others {
			assert.True(t, r.within(0).Equal(tok), r.name)
		}
		assert.Equal(t, 3, f.stats().Calls)
	})
}

// F31: a token that only one replica uses is really revoked. After its wait the fleet has
// another, whether or not somebody asks for one.
func TestF31RejectedByTheOnlyOneWhoUsesIt(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, r *replica){
		"it gets another": func(t *testing.T, r *replica) { r.within(450 * time.Millisecond) }, // 300 and the call
		"it asks no more": func(*testing.T, *replica) { time.Sleep(time.Second) },
		"it refreshes": func(t *testing.T, r *replica) {
			_, _, err := r.source.Refresh(t.Context())
			require.ErrorIs(t, err, tokencache.ErrRejected, "the pace is its own, too")
			require.Equal(t, 2, r.fleet.stats().Calls)
			time.Sleep(300 * time.Millisecond)
			_, _, err = r.source.Refresh(t.Context())
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: latency, MintEveryCall: true}, func(t *testing.T, f *fleet) {
				r, idle := f.replica(), f.replica()
				revoked := r.rejectsAlone()
				assert.True(t, idle.within(0).Equal(revoked))
				use(t, r)
				assert.False(t, r.mustGet().Equal(revoked))
				assert.False(t, idle.mustGet().Equal(revoked))
				assert.Equal(t, 3, f.stats().Calls)
				assert.Equal(t, 2, r.count(tokencache.EventInvalidate, "dropped"))
			})
		})
	}
}

// F31: a process that rejects what is good, and crashes. Its next life is another replica to
// Redis: the fleet is paced, so that the issuer is not asked more often than for one.
func TestF31RestartedRejecterIsPaced(t *testing.T) {
	virtual(t, feishutest.Config{Latency: latency, MintEveryCall: true}, func(t *testing.T, f *fleet) {
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
			r := f.replica()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			if tok, err := r.get(ctx); err == nil {
				require.NoError(t, r.source.Invalidate(ctx, tok))
			}
			cancel()
			r.stop()
		}
		assert.LessOrEqual(t, f.stats().Calls, 12)
		assert.Positive(t, f.count(tokencache.EventInvalidate, "paced"))
		assert.Zero(t, f.count(tokencache.EventInvalidate, "alone"))
	})
}

// Invalidate compares: the zero Token is a mistake, an unknown one no concern of
// the copy.
func TestInvalidateOfAnother(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		ctx := context.Background()
		r := f.replica()
		tok := r.mustGet()
		assert.Error(t, r.source.Invalidate(ctx, tokencache.Token{}))
		assert.NoError(t, r.source.Invalidate(ctx, tokencache.NewToken("a-x", "t-x", time.Hour)))
		assert.True(t, r.within(0).Equal(tok))
		assert.Equal(t, 1, r.count(tokencache.EventInvalidate, ""))
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// A caller of Invalidate who leaves does not end the telling.
func TestInvalidateCallerLeaves(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		r, other := f.replica(), f.replica()
		bad := r.mustGet()
		assert.True(t, other.within(0).Equal(bad))
		time.Sleep(time.Second)
		f.issuer.Revoke(bad.AppAccessToken())
		r.link.Delay(600 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		assert.ErrorIs(t, r.source.Invalidate(ctx, bad), context.DeadlineExceeded)
		assert.Equal(t, 100*time.Millisecond, time.Since(start))
		time.Sleep(2 * time.Second)
		assert.Equal(t, 1, r.count(tokencache.EventInvalidate, "dropped"))
		r.link.Delay(0)
		assert.False(t, r.mustGet().Equal(bad))
		assert.False(t, other.mustGet().Equal(bad))
		assert.Equal(t, 2, f.stats().Rotations)
	})
}

// I8, F31: 60 replicas find at once that the token is revoked. One of them tells the others, and
// one asks.
func TestI8OneEventForARejectionByAll(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.warmScripts()
		replicas := f.start(60)
		withinAll(replicas, latency+100*time.Millisecond)
		time.Sleep(time.Minute)
		f.redis.Each((*redistest.Link).ResetCounts)
		bad, calls := replicas[0].mustGet(), f.stats().Calls
		f.issuer.Rotate()
		for range 3 { // who is slow to notice rejects it once more
			together(replicas, func(r *replica) {
				assert.NoError(t, r.source.Invalidate(t.Context(), bad))
				assert.False(t, r.mustGet().Equal(bad))
			})
			time.Sleep(90 * time.Second)
		}
		assert.Equal(t, calls+1, f.stats().Calls)
		events := 0
		for _, r := range replicas {
			events += r.link.Count("PUBLISH")
		}
		assert.LessOrEqual(t, events, 1+3, "one of the token, and one for each time that the rejection may be news")
	})
}

// rejectsAlone has the replica reject one fresh token after the other, until Redis leaves one
// to the others. It returns that one.
func (r *replica) rejectsAlone() tokencache.Token {
	r.fleet.t.Helper()
	for range 2 {
		tok := r.mustGet()
		require.NoError(r.fleet.t, r.source.Invalidate(context.Background(), tok))
		if r.count(tokencache.EventInvalidate, "alone") > 0 {
			return tok
		}
	}
	require.Fail(r.fleet.t, "the second is dropped as well")
	return tokencache.Token{}
}
