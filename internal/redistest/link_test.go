package redistest_test

import (
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

func TestRefuse(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a", once), b.Link("a")
		link.Refuse(true)
		assert.Zero(t, took(func() { require.ErrorIs(t, set(rdb, "k"), syscall.ECONNREFUSED) }))
		link.Refuse(false)
		require.NoError(t, set(rdb, "k"))
		link.Refuse(true)
		require.NoError(t, set(rdb, "k"), "the open connection stays")
		assert.Equal(t, 2, link.Dials())
	})
}

func TestBlackHole(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a", once), b.Link("a")
		link.BlackHole(true)
		assert.Equal(t, 5*time.Second, took(func() {
			var dial net.Error
			require.ErrorAs(t, set(rdb, "k"), &dial)
			assert.True(t, dial.Timeout())
		}), "DialTimeout")
		time.AfterFunc(2*time.Second, func() { link.BlackHole(false) })
		assert.Equal(t, 2*time.Second, took(func() { require.NoError(t, set(rdb, "k")) }))
	})
}

func TestSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a", once), b.Link("a")
		require.NoError(t, set(rdb, "before"))
		link.Silence(true)
		assert.Equal(t, 5*time.Second, took(func() { require.Error(t, set(rdb, "open")) }), "ReadTimeout")
		assert.Equal(t, 5*time.Second, took(func() { require.Error(t, set(rdb, "new")) }), "of HELLO")
		link.Silence(false)
		require.NoError(t, set(rdb, "after"))
		assert.ElementsMatch(t, []string{"before", "after"}, b.Admin().Keys(t.Context(), "*").Val())
	})
}

func TestSilenceCutsWhatWasSilentWhenLifted(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a", once), b.Link("a")
		require.NoError(t, set(rdb, "k"))
		link.Silence(true)
		link.Silence(false)
		assert.Zero(t, link.Open())
		assert.Zero(t, took(func() { require.NoError(t, set(rdb, "k")) }), "go-redis looks before it uses a connection")
	})
}

func TestMute(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a", once), b.Link("a")
		require.NoError(t, set(rdb, "k"))
		link.Mute()
		assert.Equal(t, 5*time.Second, took(func() { require.Error(t, set(rdb, "k")) }))
		assert.Zero(t, took(func() { require.NoError(t, set(rdb, "k")) }), "on a new connection")
	})
}

func TestCut(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a", once), b.Link("a")
		require.NoError(t, set(rdb, "k"))
		require.Equal(t, 1, link.Open())
		link.Cut()
		assert.Zero(t, link.Open())
		require.NoError(t, set(rdb, "k"))
		assert.Equal(t, 2, link.Dials())
	})
}

func TestCutDuringACommand(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a", once), b.Link("a")
		time.AfterFunc(time.Second, link.Cut)
		assert.Equal(t, time.Second, took(func() { require.Error(t, rdb.BLPop(t.Context(), time.Minute, "list").Err()) }))
	})
}

func TestDelay(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a", once), b.Link("a")
		require.NoError(t, set(rdb, "k"))
		link.Delay(2 * time.Second)
		assert.Equal(t, 2*time.Second, took(func() { require.NoError(t, set(rdb, "k")) }))
		assert.Equal(t, 2*time.Second, took(func() {
			_, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
				p.Get(t.Context(), "k")
				p.Get(t.Context(), "k")
				return nil
			})
			require.NoError(t, err)
		})-2*time.Second, "HELLO of the pipelines' own pool, then both together")
		link.Delay(0)
		assert.Zero(t, took(func() { require.NoError(t, set(rdb, "k")) }))
	})
}

func TestDropReplies(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a", once), b.Link("a")
		link.DropReplies(1, redistest.Commands("INCR"))
		require.NoError(t, set(rdb, "other"))
		require.Error(t, rdb.Incr(t.Context(), "n").Err())
		assert.Equal(t, int64(2), rdb.Incr(t.Context(), "n").Val(), "the lost one was carried out")

		link.DropReplies(1, nil)
		assert.Equal(t, int64(4), b.Client("a").Incr(t.Context(), "n").Val(), "a default client replays it")
	})
}

func TestDropRepliesInsideAPipeline(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb := b.Client("a", once)
		b.Link("a").DropReplies(1, redistest.Commands("INCR"))
		cmds, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			p.Set(t.Context(), "k", "v", 0)
			p.Incr(t.Context(), "n")
			p.Get(t.Context(), "k")
			return nil
		})
		require.Error(t, err)
		require.Error(t, cmds[0].Err(), "go-redis fails them all, though the first reply came")
		assert.Equal(t, "1", b.Admin().Get(t.Context(), "n").Val())
	})
}

func TestCutReplies(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb := b.Client("a", once)
		require.NoError(t, rdb.Set(t.Context(), "k", "a value of some length", 0).Err())
		b.Link("a").CutReplies(1, redistest.Commands("GET"))
		got, err := rdb.Get(t.Context(), "k").Result()
		require.Error(t, err)
		assert.Empty(t, got, "half of it is nothing")
		assert.Zero(t, b.Link("a").Open())
		assert.Equal(t, "a value of some length", rdb.Get(t.Context(), "k").Val())

		b.Link("a").CutReplies(1, nil)
		assert.Equal(t, "a value of some length", b.Client("a").Get(t.Context(), "k").Val(), "a default client asks again")
	})
}

func TestDelayReplies(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a", once), b.Link("a")
		link.DelayReplies(1, 2*time.Second, redistest.Commands("INCR"))
		assert.Zero(t, took(func() { require.NoError(t, set(rdb, "k")) }))
		assert.Equal(t, 2*time.Second, took(func() { assert.Equal(t, int64(1), rdb.Incr(t.Context(), "n").Val()) }))
		assert.Zero(t, took(func() { assert.Equal(t, int64(2), rdb.Incr(t.Context(), "n").Val()) }), "only that one")

		link.DelayReplies(1, time.Minute, nil)
		require.Error(t, rdb.Incr(t.Context(), "n").Err())
		assert.Equal(t, "3", b.Admin().Get(t.Context(), "n").Val(), "it was carried out")
	})
}

func TestRepeat(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a", once), b.Link("a")
		link.Repeat(2, redistest.Commands("INCR"))
		cmds, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			p.Incr(t.Context(), "n")
			p.Set(t.Context(), "k", "v", 0)
			p.Incr(t.Context(), "n")
			p.Incr(t.Context(), "n")
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, int64(2), cmds[0].(*redis.IntCmd).Val(), "the second reply")
		assert.Equal(t, "OK", cmds[1].(*redis.StatusCmd).Val(), "each has its own")
		assert.Equal(t, int64(4), cmds[2].(*redis.IntCmd).Val())
		assert.Equal(t, int64(5), cmds[3].(*redis.IntCmd).Val())
		assert.Equal(t, 3, link.Count("INCR"), "as often as the client has sent it")

		link.Repeat(-1, nil)
		sub := rdb.Subscribe(t.Context(), "c")
		defer sub.Close()
		_, err = sub.Receive(t.Context())
		require.NoError(t, err)
		require.NoError(t, rdb.Publish(t.Context(), "c", "m").Err())
		for range 2 {
			msg, err := sub.ReceiveMessage(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "m", msg.Payload)
		}
	})
}

func TestFail(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb := b.Client("a", once)
		undo := b.Link("a").Fail("NOPERM no", redistest.Commands("SET"))
		cmds, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			p.Incr(t.Context(), "n")
			p.Set(t.Context(), "k", "v", 0)
			p.Incr(t.Context(), "n")
			return nil
		})
		require.EqualError(t, err, "NOPERM no")
		require.NoError(t, cmds[0].Err())
		require.EqualError(t, cmds[1].Err(), "NOPERM no")
		assert.Equal(t, int64(2), cmds[2].(*redis.IntCmd).Val(), "replies keep their order")
		assert.Zero(t, b.Admin().Exists(t.Context(), "k").Val())
		undo()
		require.NoError(t, set(rdb, "k"))
	})
}

func TestFailOfASubscription(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		link := b.Link("a")
		sub := b.Client("a").Subscribe(t.Context())
		defer func() { _ = sub.Close() }()
		undo := link.Fail("NOPERM channel", redistest.Commands("SUBSCRIBE"))
		for _, state := range []string{"first", "subscribed"} {
			require.NoError(t, sub.Subscribe(t.Context(), "c"))
			_, err := sub.Receive(t.Context())
			require.EqualError(t, err, "NOPERM channel", state)
			undo()
			require.NoError(t, sub.Subscribe(t.Context(), "d"))
			_, err = sub.Receive(t.Context())
			require.NoError(t, err)
			undo = link.Fail("NOPERM channel", redistest.Commands("SUBSCRIBE"))
		}
	})
}

func TestHold(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a"), b.Link("a")
		release := link.Hold(redistest.Commands("SET"))
		done := make(chan error)
		go func() { done <- set(rdb, "k") }()
		synctest.Wait()
		assert.Equal(t, 1, link.Count("SET"), "sent")
		assert.Zero(t, b.Admin().Exists(t.Context(), "k").Val(), "but not arrived")
		require.NoError(t, set(rdb, "other"), "only one is held")
		time.Sleep(time.Second)
		release()
		require.NoError(t, <-done)
	})
}

func TestLoseMessages(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		inBubble(t, func(t *testing.T, b *redistest.Bubble) {
			rdb, link := b.Client("a", func(o *redis.Options) { o.Protocol = protocol }), b.Link("a")
			link.LoseMessages(true)
			sub := rdb.Subscribe(t.Context(), "c")
			defer func() { _ = sub.Close() }()
			msg, err := sub.Receive(t.Context())
			require.NoError(t, err)
			require.IsType(t, &redis.Subscription{}, msg, "confirmed")
			assert.Equal(t, int64(1), rdb.Publish(t.Context(), "c", "lost").Val(), "and the server believes it")
			messages := sub.Channel()
			time.Sleep(time.Hour)
			assert.Empty(t, messages, "go-redis pings, and does not notice")

			link.LoseMessages(false)
			rdb.Publish(t.Context(), "c", "heard")
			assert.Equal(t, "heard", (<-messages).Payload)
		})
	}
}

func TestCounts(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a"), b.Link("a")
		require.NoError(t, redis.NewScript("return 1").Run(t.Context(), rdb, nil).Err())
		require.NoError(t, set(rdb, "k"))
		require.NoError(t, set(b.Client("b"), "k"))
		assert.Equal(t, map[string]int{"EVALSHA": 1, "EVAL": 1, "SET": 1}, link.Counts())
		assert.Equal(t, 3, link.Count())
		assert.Equal(t, 2, link.Count("EVAL", "EVALSHA"))
		sent, received := link.Bytes()
		assert.Positive(t, sent)
		assert.Positive(t, received)
		link.ResetCounts()
		assert.Zero(t, link.Count())
	})
}

func TestHealEndsEveryFault(t *testing.T) {
	inBubble(t, func(t *testing.T, b *redistest.Bubble) {
		rdb, link := b.Client("a", once), b.Link("a")
		require.NoError(t, set(rdb, "k"))
		link.Down()
		link.BlackHole(true)
		link.Silence(true)
		link.Delay(time.Hour)
		link.LoseMessages(true)
		link.Fail("ERR", nil)
		link.Hold(nil)
		link.Heal()
		assert.Zero(t, took(func() { require.NoError(t, set(rdb, "k")) }))
	})
}
