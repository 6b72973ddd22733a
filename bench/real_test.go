package bench_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/tokencache"
)

// rotatingReplicas are those of the fleets whose token is replaced.
func rotatingReplicas() int { return sized(100, 5) }

// TestRealFleet is a fleet on a real Redis, through a few rotations of a token that
// lives for seconds. What is counted are whole rotations: from one publication to the
// next. The issuer answers at once, as 130 ms are nothing beside the minutes in which
// the replicas of a token of 2 h become due, and nearly as long as these here.
func TestRealFleet(t *testing.T) {
	const shortLife = 12 * time.Second
	rotations := sized(*runs, 1)
	f := newFleet(t, rotatingReplicas())
	answered := make(chan struct{}, 1000) // more than there can be calls
	spread := &spread{t: t}
	fetch := tokencache.FetchFunc(peers.CredentialOf("cli_real", 8*time.Second), func(context.Context) (tokencache.Token, error) {
		answered <- struct{}{}
		return tokencache.NewToken(spread.answer(), "tenant", shortLife), nil
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2*len(f.clients))
	for _, c := range f.clients {
		cache := spread.follow(func(observe func(tokencache.Event)) (*tokencache.Cache, *tokencache.Source) {
			cache := peers.NewCache(c, tokencache.Config{Observe: observe})
			return cache, cache.Source(fetch)
		})
		go func() {
			ended <- cache.Run(ctx)
			ended <- cache.Close()
		}()
	}

	out := &results.Real{Replicas: len(f.clients), Rotations: rotations, LifeSeconds: shortLife.Seconds()}
	share := func(n float64) float64 { return n / float64(len(f.clients)) }
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
	before, calls := f.auditor.now(), spread.calls()
	for range rotations {
		next()
		count, b := f.meter.Take(), f.auditor.since(before)
		out.Commands.Add(share(float64(count.Total())))
		out.Sent.Add(share(float64(count.Sent)))
		out.Received.Add(share(float64(count.Received)))
		out.ServerCommands.Add(share(float64(b.said)))
		out.ServerReceived.Add(share(b.received))
		out.ServerSent.Add(share(b.sent))
		out.Scripts.Add(share(float64(b.scripts)))
		out.RedisMicros.Add(share(b.micros))
		out.CallsEach.Add(float64(spread.calls() - calls))
		newest := spread.calls()
		f.wait("all replicas to have the token", func() bool { return len(spread.waits(newest)) == len(f.clients) })
		waits := spread.waits(newest)
		require.Len(t, waits, len(f.clients), "replicas that had the new token")
		for to, q := range map[*results.Sample]int{&out.LearnedP50: 50, &out.LearnedP99: 99, &out.LearnedMax: 100} {
			to.AddTime(waits[(len(waits)*q-1)/100], time.Millisecond)
		}
		before, calls = f.auditor.now(), spread.calls()
	}
	out.Connections = share(f.auditor.info("connected_clients") - 1) // less the one that asks
	out.Calls = spread.calls()
	stop()
	for range 2 * len(f.clients) {
		assert.NoError(t, <-ended)
	}
	assert.LessOrEqual(t, out.Calls, rotations+2, "the first, and perhaps one that was begun since")
	shall(t, out.CallsEach.Max() == 1, "one call each")
	t.Logf("a replica and rotation: %.2f commands, %.0f + %.0f bytes; by INFO %.2f, %.0f + %.0f; %.2f scripts, %.1f µs of Redis' CPU; %.2f connections",
		out.Commands.Median(), out.Sent.Median(), out.Received.Median(),
		out.ServerCommands.Median(), out.ServerReceived.Median(), out.ServerSent.Median(), out.Scripts.Median(), out.RedisMicros.Median(), out.Connections)
	t.Logf("from the issuer's answer until a replica has the token: p50 %.1f, p99 %.1f, max %.1f ms; %.0f calls a rotation",
		out.LearnedP50.Median(), out.LearnedP99.Median(), out.LearnedMax.Median(), out.CallsEach.Max())
	found.Real = out
}

// untilQuiet is when a fleet has read the token that was published last.
const untilQuiet = 3500 * time.Millisecond

// spread follows tokens from the issuer to the replicas of a fleet. It is safe for
// concurrent use.
type spread struct {
	t *testing.T

	mu       sync.Mutex // guards what follows
	answered []time.Time
	learned  [][]time.Duration // by token: how long after the answer replicas had it, in the order in which they did
}

// answer is the issuer's next token.
func (s *spread) answer() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered, s.learned = append(s.answered, time.Now()), append(s.learned, nil)
	return fmt.Sprint(numbered, len(s.answered))
}

// numbered is what the number of a token follows.
const numbered = "t-0123456789abcdef0123456789abcdef-"

func (s *spread) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.answered)
}

// waits are those for one token, counted from 1, shortest first.
func (s *spread) waits(token int) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.learned[token-1]))
}

// follow makes a replica, and notes when it has adopted which token.
func (s *spread) follow(join func(observe func(tokencache.Event)) (*tokencache.Cache, *tokencache.Source)) *tokencache.Cache {
	var source atomic.Pointer[tokencache.Source]
	last := 0 // only what observes uses it, one event at a time
	cache, joined := join(func(e tokencache.Event) {
		at, from := time.Now(), source.Load()
		if e.Kind != tokencache.EventAdopt || from == nil {
			return
		}
		tok, _ := from.Peek()
		var n int
		if _, err := fmt.Sscanf(tok.AppAccessToken(), numbered+"%d", &n); err != nil || n <= last {
			return
		}
		last = n
		s.mu.Lock()
		defer s.mu.Unlock()
		s.learned[n-1] = append(s.learned[n-1], at.Sub(s.answered[n-1]))
	})
	source.Store(joined)
	return cache
}

// TestPeersRotate is what a rotation would cost Redis at least if a peer's replicas kept copies: each
// looks once for the new token, at a moment of its own within the time in which replicas of
// TestRealFleet become due.
func TestPeersRotate(t *testing.T) {
	const due = 400 * time.Millisecond // of 6 s: from a tenth to a sixth
	f := newFleet(t, rotatingReplicas())
	ways := peers.Ways()
	out := make([]results.PeerRotation, len(ways))
	for i, way := range ways {
		out[i] = results.PeerRotation{Name: way.Name, Replicas: len(f.clients), WithinMs: float64(due.Milliseconds())}
		f.teach(way, nil)
	}
	share := func(n float64) float64 { return n / float64(len(f.clients)) }
	repeat(t, func(int) {
		for i, way := range ways {
			o := f.renewal(way, due)
			out[i].Calls.Add(float64(o.calls))
			out[i].Commands.Add(share(float64(o.count.Total())))
			out[i].Scripts.Add(share(float64(o.bill.scripts)))
			out[i].RedisMicros.Add(share(o.bill.micros))
		}
	})
	for _, r := range out {
		t.Logf("%-32s %.0f calls; a replica: %.2f commands, %.2f scripts, %.1f µs of Redis' CPU",
			r.Name, r.Calls.Max(), r.Commands.Median(), r.Scripts.Median(), r.RedisMicros.Median())
	}
	found.PeerRotations = out
}
