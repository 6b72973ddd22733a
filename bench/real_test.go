package bench_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/tokencache"
)

// TestRealFleet is a fleet on a real Redis, through a few rotations of a token that
// lives for seconds. What is counted are whole rotations: from one publication to the
// next. The issuer answers at once, as 130 ms are nothing beside the minutes in which
// the replicas of a token of 2 h become due, and nearly as long as these here.
func TestRealFleet(t *testing.T) {
	const shortLife = 12 * time.Second
	rotations := sized(*runs, 1)
	f := newFleet(t, sized(200, 5))
	answered := make(chan struct{}, 1000) // more than there can be calls
	var calls atomic.Int64
	fetch := tokencache.FetchFunc(peers.CredentialOf("cli_real", 8*time.Second), func(context.Context) (tokencache.Token, error) {
		n := calls.Add(1)
		answered <- struct{}{}
		return tokencache.NewToken(fmt.Sprint("t-0123456789abcdef0123456789abcdef", n), "tenant", shortLife), nil
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2*len(f.clients))
	for _, c := range f.clients {
		cache := peers.NewCache(c, tokencache.Config{})
		cache.Source(fetch)
		go func() {
			ended <- cache.Run(ctx)
			ended <- cache.Close()
		}()
	}

	out := &results.Real{Replicas: len(f.clients), Rotations: rotations, LifeSeconds: shortLife.Seconds()}
	share := func(n int) float64 { return float64(n) / float64(len(f.clients)) }
	next := func() {
		select {
		case <-answered:
		case <-time.After(30 * time.Second):
			require.Fail(t, "no rotation")
		}
		// Until just before the next: the fleet learns of it within some seconds.
		time.Sleep(untilQuiet)
	}
	next()
	f.meter.Take()
	before := f.heard()
	for range rotations {
		next()
		count := f.meter.Take()
		heard := f.heard()
		out.Commands.Add(share(count.Total()))
		out.Sent.Add(share(count.Sent))
		out.Received.Add(share(count.Received))
		out.ServerCommands.Add(share(heard.commands - before.commands))
		out.ServerReceived.Add(share(heard.received - before.received))
		out.ServerSent.Add(share(heard.sent - before.sent))
		before = heard
	}
	out.Connections = share(int(f.info("connected_clients")) - 1) // less the one that asks
	out.Calls = int(calls.Load())
	stop()
	for range 2 * len(f.clients) {
		assert.NoError(t, <-ended)
	}
	assert.LessOrEqual(t, out.Calls, rotations+2, "the first, and perhaps one that was begun since")
	t.Logf("a replica and rotation: %.2f commands, %.0f + %.0f bytes; by INFO %.2f, %.0f + %.0f; %.2f connections",
		out.Commands.Median(), out.Sent.Median(), out.Received.Median(),
		out.ServerCommands.Median(), out.ServerReceived.Median(), out.ServerSent.Median(), out.Connections)
	found.Real = out
}

// heard is what the server has counted, but for what this test asks it.
type heard struct{ commands, received, sent int }

func (f *fleet) heard() heard {
	return heard{
		commands: f.calls("evalsha") + f.calls("eval") + f.calls("publish") + f.calls("subscribe") + f.calls("ping"),
		received: int(f.info("total_net_input_bytes")),
		sent:     int(f.info("total_net_output_bytes")),
	}
}

// untilQuiet is when a fleet has read the token that was published last.
const untilQuiet = 3500 * time.Millisecond
