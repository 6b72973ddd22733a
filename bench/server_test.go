package bench_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/tokencache"
)

// TestServer is what one redis-server pays for a look, an event, a connection and a
// credential: what docs/scaling.md reckons with.
func TestServer(t *testing.T) {
	f := newFleet(t, sized(200, 5))
	out := &results.Server{}
	letIdle()
	out.ConnectionBytes = f.memoryOf(len(f.clients), func() {
		for range f.clients {
			require.NoError(t, f.server.Client(t).Ping(t.Context()).Err())
		}
	})
	credentials := sized(1000, 10)
	ours, end := peers.OurLocal(f.clients[0])
	defer end()
	out.CredentialBytes = f.memoryOf(credentials, func() { ours.Fill(credentials) })
	channel, event := f.event()
	var listeners []*redis.PubSub
	out.SubscriptionBytes = f.memoryOf(len(f.clients), func() {
		for _, c := range f.clients {
			events := c.Subscribe(t.Context(), channel)
			t.Cleanup(func() { _ = events.Close() })
			_, err := events.Receive(t.Context())
			require.NoError(t, err)
			listeners = append(listeners, events)
			go func() {
				for {
					if _, err := events.Receive(context.Background()); err != nil {
						return
					}
				}
			}()
		}
	})
	channels := make([]string, sized(10_000, 10))
	for i := range channels {
		channels[i] = fmt.Sprintf("onetoken:{bench:cli_%d:0123456789abcdef}:events", i)
	}
	out.ChannelBytes = f.memoryOf(len(channels), func() {
		events := f.clients[0].Subscribe(t.Context(), channels...)
		t.Cleanup(func() { _ = events.Close() })
		for range channels {
			_, err := events.Receive(t.Context())
			require.NoError(t, err)
		}
	})
	require.NoError(t, f.clients[0].Set(t.Context(), "plain", "t-0123456789abcdef0123456789abcdef01234567", time.Hour).Err())
	require.NoError(t, lookOften(f.clients[0], 1)) // now Redis knows the script
	repeat(t, func(run int) {
		events := sized(200, 5)
		before := f.auditor.now()
		for range events {
			require.NoError(t, f.clients[0].Publish(t.Context(), channel, event).Err())
		}
		b := f.auditor.since(before)
		out.EventCPUMicros.Add(b.micros / float64(events*len(f.clients)))
		out.EventBytes.Add(b.sent / float64(events*len(f.clients)))
		each := sized(50, 5)
		out.GetCPUMicros.Add(f.cpuOf(each*len(f.clients), func() {
			f.everyone(func(_ int, c *redis.Client) error {
				for range each {
					if err := c.Get(t.Context(), "plain").Err(); err != nil {
						return err
					}
				}
				return nil
			})
		}))
		f.meter.Take()
		out.LookCPUMicros.Add(f.cpuOf(each*len(f.clients), func() {
			f.everyone(func(_ int, c *redis.Client) error { return lookOften(c, each) })
		}))
		said := f.meter.Take()
		assert.Equal(t, each*len(f.clients), said.Commands["EVALSHA"], "a look is one command")
		assert.Equal(t, said.Commands["EVALSHA"], said.Total(), "and nothing else was said: %v", said.Commands)
		out.DialCPUMicros.Add(f.cpuOf(sized(10, 1)*len(f.clients), func() {
			f.everyone(func(int, *redis.Client) error { return f.connect(sized(10, 1)) })
		}))
		out.SubscribeCPUMicros.Add(f.cpuOf(each*len(f.clients), func() {
			f.everyone(func(i int, _ *redis.Client) error {
				return subscribeOften(listeners[i], fmt.Sprintf("%d:%d", run, i), each)
			})
		}))
	})
	t.Logf("CPU: %.1f µs a look, %.1f µs a GET, %.2f µs and %.0f bytes a subscriber of an event, %.1f µs a connection, %.1f µs a SUBSCRIBE; memory: %.0f bytes a connection, %.0f a subscriber, %.0f a further channel, %.0f a credential",
		out.LookCPUMicros.Median(), out.GetCPUMicros.Median(), out.EventCPUMicros.Median(), out.EventBytes.Median(),
		out.DialCPUMicros.Median(), out.SubscribeCPUMicros.Median(), out.ConnectionBytes, out.SubscriptionBytes, out.ChannelBytes, out.CredentialBytes)
	found.Server = out
}

// event is what the product says when it has stored a token, and where.
func (f *fleet) event() (channel, payload string) {
	all := f.clients[0].PSubscribe(f.t.Context(), "*")
	defer all.Close()
	_, err := all.Receive(f.t.Context())
	require.NoError(f.t, err)
	teller := peers.Ours().Join(f.clients[0], "cli_event", func(context.Context) error { return nil })
	defer teller.Close()
	require.NoError(f.t, teller.Get(f.t.Context()))
	for {
		ctx, cancel := context.WithTimeout(f.t.Context(), 5*time.Second)
		m, err := all.ReceiveMessage(ctx)
		cancel()
		require.NoError(f.t, err, "an event of a token")
		if strings.HasPrefix(m.Payload, "T ") {
			return m.Channel, m.Payload
		}
	}
}

// lookOften runs the script that every fill begins with, on OurLocal's credentials.
func lookOften(c *redis.Client, times int) error {
	cache := peers.NewCache(c, tokencache.Config{})
	defer func() { _ = cache.Close() }()
	source := cache.Source(peers.Fetcher(peers.FirstName, nil))
	for range times {
		status, err := source.Status(context.Background())
		if err != nil {
			return err
		}
		if status.State != "fresh" {
			return fmt.Errorf("the token is %s", status.State)
		}
	}
	return nil
}

// connect opens a connection, one after the other, says the least, and closes it.
func (f *fleet) connect(times int) error {
	for range times {
		c := redis.NewClient(f.clients[0].Options())
		err := c.Ping(context.Background()).Err()
		if err := errors.Join(err, c.Close()); err != nil {
			return err
		}
	}
	return nil
}

// subscribeOften hears further channels, each with a command of its own, until Redis
// has seen them all.
func subscribeOften(events *redis.PubSub, name string, times int) error {
	ctx := context.Background()
	for i := range times {
		if err := events.Subscribe(ctx, fmt.Sprintf("onetoken:{bench:%s:%d}:events", name, i)); err != nil {
			return err
		}
	}
	return events.Ping(ctx)
}

func (f *fleet) everyone(do func(i int, c *redis.Client) error) {
	var all sync.WaitGroup
	for i, c := range f.clients {
		all.Go(func() { assert.NoError(f.t, do(i, c)) })
	}
	all.Wait()
}

// cpuOf returns the microseconds that the server works for each of n.
func (f *fleet) cpuOf(n int, work func()) float64 {
	before := f.auditor.now()
	work()
	return f.auditor.since(before).micros / float64(n)
}

// letIdle waits until the server has let go of the buffers of connections.
func letIdle() { time.Sleep(time.Duration(sized(6000, 10)) * time.Millisecond) }

// memoryOf returns the bytes that the server needs for each of n, once it has let go
// of the buffers of connections that are idle.
func (f *fleet) memoryOf(n int, work func()) float64 {
	before := f.auditor.info("used_memory")
	work()
	letIdle()
	return (f.auditor.info("used_memory") - before) / float64(n)
}
