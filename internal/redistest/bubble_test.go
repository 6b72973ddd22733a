package redistest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

func inBubble(t *testing.T, f func(t *testing.T, b *redistest.Bubble)) {
	synctest.Test(t, func(t *testing.T) { f(t, redistest.NewBubble(t)) })
}

// once makes a client that shows a fault at once: it tries nothing twice.
func once(o *redis.Options) {
	o.MaxRetries = -1
	o.DialerRetries = 1
}

func set(rdb *redis.Client, key string) error {
	return rdb.Set(context.Background(), key, "v", 0).Err()
}

func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func TestBubbleKeepsVirtualTime(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb := b.Client("a")
		require.NoError(t, rdb.Set(t.Context(), "k", "v", 48*time.Hour).Err())
		time.Sleep(47 * time.Hour)
		assert.Equal(t, time.Hour, rdb.PTTL(t.Context(), "k").Val())
		assert.Equal(t, time.Now().Unix(), rdb.Time(t.Context()).Val().Unix())
		time.Sleep(time.Hour)
		assert.Zero(t, b.Admin().Exists(t.Context(), "k").Val())
	})
}

func TestBubbleStepsTheClock(t *testing.T) {
	for _, step := range []time.Duration{time.Hour, -time.Hour, time.Millisecond} {
		inBubble(t, func(t *testing.T, b *redistest.Bubble) {
			rdb, began := b.Client("a"), time.Now()
			require.NoError(t, rdb.Set(t.Context(), "k", "v", 3*time.Hour).Err())
			require.NoError(t, rdb.Set(t.Context(), "for ever", "v", 0).Err())
			time.Sleep(time.Minute)
			b.StepClock(step)
			time.Sleep(time.Minute)
			for _, c := range []*redis.Client{rdb, b.Admin()} {
				assert.Equal(t, 3*time.Hour-2*time.Minute-step, c.PTTL(t.Context(), "k").Val())
				assert.Equal(t, time.Duration(-1), c.PTTL(t.Context(), "for ever").Val())
				assert.Equal(t, began.Add(2*time.Minute+step).UnixMilli(), c.Time(t.Context()).Val().UnixMilli())
			}
			time.Sleep(3*time.Hour - 2*time.Minute - step)
			assert.False(t, b.Server().Exists("k"))
		})
	}
}

func TestBlackHoleOfADefaultClientOutlastsItsCtx(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb := b.Client("a")
		b.Link("a").BlackHole(true)
		assert.InDelta(t, 102, took(func() { require.Error(t, set(rdb, "k")) }).Seconds(), 1,
			"4 tries of 5 dials of 5 s")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.Equal(t, time.Second, took(func() { require.Error(t, rdb.Get(ctx, "k").Err()) }))
	})
}

func TestContextBoundsReadsOnlyWhenAsked(t *testing.T) {
	for name, want := range map[string]time.Duration{"default": 5 * time.Second, "ContextTimeoutEnabled": time.Second} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *redistest.Bubble) {
				rdb := b.Client("a", once, func(o *redis.Options) { o.ContextTimeoutEnabled = want == time.Second })
				require.NoError(t, set(rdb, "k"))
				b.Link("a").Mute()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				assert.Equal(t, want, took(func() { require.Error(t, rdb.Get(ctx, "k").Err()) }))
			})
		})
	}
}

func TestFailCommandsOnEveryLinkWithoutItsSetUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		before := b.Client("before", once)
		undo := b.FailCommands("OOM full", nil)
		after := b.Client("after", once)
		require.EqualError(t, set(before, "k"), "OOM full")
		require.EqualError(t, set(after, "k"), "OOM full")
		require.NoError(t, set(b.Admin(), "k"))
		undo()
		require.NoError(t, set(before, "k"))
		require.NoError(t, set(after, "k"))
	})
}

func TestSubscriberThatDoesNotReadStopsNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb := b.Client("a")
		sub := rdb.Subscribe(t.Context(), "c")
		defer func() { _ = sub.Close() }()
		_, err := sub.Receive(t.Context())
		require.NoError(t, err)
		for range 1000 {
			require.NoError(t, rdb.Publish(t.Context(), "c", "m").Err())
		}
		require.NoError(t, set(rdb, "k"))
	})
}

func TestSilentSubscriptionStopsNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		sub := b.Client("a").Subscribe(t.Context(), "c")
		defer func() { _ = sub.Close() }()
		_, err := sub.Receive(t.Context())
		require.NoError(t, err)
		b.Link("a").Silence(true)
		for range 10 {
			require.NoError(t, b.Admin().Publish(t.Context(), "c", "m").Err())
		}
	})
}

// listen subscribes as one has to in a bubble: whoever receives has the PubSub
// for himself, as go-redis holds its mutex while it connects.
func listen(rdb *redis.Client, channel string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		sub := rdb.Subscribe(ctx, channel)
		defer func() { _ = sub.Close() }()
		for ctx.Err() == nil {
			if _, err := sub.ReceiveTimeout(ctx, time.Second); err != nil {
				time.Sleep(100 * time.Millisecond)
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func TestNothingLeftWhateverTheFault(t *testing.T) {
	for name, fault := range map[string]func(*redistest.Link){
		"refuse":     func(l *redistest.Link) { l.Down() },
		"black hole": func(l *redistest.Link) { l.BlackHole(true); l.Cut() },
		"silence":    func(l *redistest.Link) { l.Silence(true) },
		"delay":      func(l *redistest.Link) { l.Delay(time.Hour) },
		"hold":       func(l *redistest.Link) { l.Hold(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *redistest.Bubble) {
				rdb := b.Client("a")
				stop := listen(rdb, "c")
				defer stop()
				require.NoError(t, set(rdb, "k"))
				fault(b.Link("a"))
				go func() { _ = set(rdb, "k") }()
				time.Sleep(10 * time.Second)
			})
		})
	}
}
