package tokencache_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F10: events do not arrive, in every way there is. Waiters find the token by
// their timers, and never wait a lease.
func TestF10EventsDoNotArrive(t *testing.T) {
	const slow = 1500 * time.Millisecond
	const poll = 3 * time.Second // 2 s, and up to a half
	for name, deafen := range map[string]func(*fleet, *redistest.Link){
		"half-open":                func(_ *fleet, l *redistest.Link) { l.LoseMessages(true) },
		"subscribing is forbidden": func(_ *fleet, l *redistest.Link) { l.Fail("NOPERM no channel", redistest.Commands("SUBSCRIBE")) },
		"subscribing hangs":        func(_ *fleet, l *redistest.Link) { l.Hold(redistest.Commands("SUBSCRIBE")) },
		"publishing is forbidden": func(f *fleet, _ *redistest.Link) {
			f.redis.FailCommands("NOPERM no channel", redistest.Commands("PUBLISH"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: slow}, func(t *testing.T, f *fleet) {
				replicas := f.start(10)
				for _, r := range replicas {
					deafen(f, r.link)
				}
				withinAll(replicas, slow+poll)
				assert.Equal(t, 1, f.stats().Calls)
				assert.Zero(t, f.count(tokencache.EventTakeover, ""))
				for _, r := range replicas {
					assert.LessOrEqual(t, r.link.Count("EVALSHA", "EVAL"), 10, "polls become rare")
				}
				f.nothingLeft()
			})
		})
	}
}

// F10: the subscription is cut while a replica waits, the token is published
// while nothing is heard, and the subscription comes back. The replica looks
// again then, or at its timer.
func TestF10SubscriptionCutAndRestored(t *testing.T) {
	const slow = 6 * time.Second
	for _, cutAt := range []time.Duration{slow - 900*time.Millisecond, slow - 2*time.Millisecond, slow / 2} { // not as the call ends: a look under way would be cut, too
		t.Run(cutAt.String(), func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: slow}, func(t *testing.T, f *fleet) {
				holder := f.replica()
				holder.getting(t.Context())
				time.Sleep(time.Millisecond)
				waiters := f.start(20)
				time.AfterFunc(cutAt, func() {
					for _, r := range waiters {
						r.link.Cut()
					}
				})
				withinAll(waiters, max(slow, cutAt+1200*time.Millisecond))
				assert.Equal(t, 1, f.stats().Calls)
				time.Sleep(3 * time.Second)
				assert.Equal(t, int64(21), f.redis.Admin().PubSubNumSub(t.Context(), f.channel()).Val()[f.channel()], "all listen again")
			})
		})
	}
}

// F10: the subscription of a replica with a copy is half-open for good. It
// refreshes when its own time comes, by reading, and asks nobody.
func TestF10HalfOpenForADay(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		replicas := f.start(5)
		withinAll(replicas, latency+50*time.Millisecond)
		replicas[0].link.LoseMessages(true)
		read(replicas, 10*time.Second, 24*time.Hour)
		assert.Equal(t, f.stats().Rotations, f.stats().Calls)
		assert.Equal(t, 5, f.count(tokencache.EventWait, ""))
	})
}

// F10: the event cannot be sent. The holder's own callers have their token all
// the same, at once; and it does not take its own event for news.
func TestF10EventIsNotSent(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		release := r.link.Hold(redistest.Commands("PUBLISH"))
		r.within(latency)
		time.Sleep(5 * time.Second)
		release()
		r.within(0)
		f.nothingLeft()
	})
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		r.within(latency)
		f.sleepUntilDue()
		r.within(0)
		time.Sleep(time.Second)
		r.within(0)
		reads := r.link.Count("EVALSHA")
		time.Sleep(10 * time.Second)
		r.within(0)
		assert.Equal(t, reads, r.link.Count("EVALSHA"))
		assert.Equal(t, 2, r.count(tokencache.EventFill, ""))
	})
}

// F10: through a proxy that knows only commands with a key there are no events. A cold fleet is
// served by safety polls, a warm one by its timers, and the issuer is asked no more often.
func TestF10ProxyWithoutSubscriptions(t *testing.T) {
	for name, refuse := range map[string]func(*redistest.Link){
		"refuses":  func(l *redistest.Link) { l.Fail("ERR unknown command", beyondProxies) },
		"hangs up": func(l *redistest.Link) { l.DropReplies(-1, redistest.Commands("PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE")) },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				replicas := f.start(5)
				f.redis.Each(refuse)
				withinAll(replicas, latency+2*time.Second)
				assert.Equal(t, 1, f.stats().Calls)
				read(replicas, time.Second, 24*time.Hour)
				assert.Equal(t, f.stats().Rotations, f.stats().Calls)
				require.Zero(t, f.count(tokencache.EventDirectCall, ""))
			})
		})
	}
}

// beyondProxies are commands that proxies do not pass on, as they choose a server by the key:
// twemproxy, Envoy and predixy each lack some.
var beyondProxies = redistest.Commands("HELLO", "CLIENT", "SELECT", "TIME", "PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE")

// channel is where the fleet's events are sent.
func (f *fleet) channel() string { return f.keyName("events") }
