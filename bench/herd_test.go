package bench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
)

// TestColdHerd starts replicas at once on an empty Redis, each way in turn.
func TestColdHerd(t *testing.T) {
	sizes := []int{5}
	if inEarnest() {
		sizes = []int{50, 200, 1000}
	}
	for _, n := range sizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) { coldHerds(t, n) })
	}
}

func coldHerds(t *testing.T, n int) {
	f := newFleet(t, n)
	ways := append(peers.Ways(), peers.Ours())
	out := make([]results.Herd, len(ways))
	herds := make([]func() outcome, len(ways))
	for i, way := range ways {
		out[i] = results.Herd{Name: way.Name, Replicas: n}
		herds[i] = func() outcome { return f.herd(way, nil) }
		f.teach(way, nil)
	}
	repeat(t, func(run int) {
		for i := range herds {
			if run >= slowRuns && out[i].P99.Median() > float64(slow.Milliseconds()) {
				herds[i] = nil
			}
		}
		became := inTurn(herds...)
		noLock := became[0].middle()
		for i, all := range became {
			if len(all) == 0 {
				continue
			}
			o := all.middle()
			out[i].Herds += len(all)
			out[i].Calls.Add(all.most(outcome.asked))
			out[i].GaveUp.Add(all.most(outcome.gaveUp))
			out[i].P50.AddTime(o.p50(), time.Millisecond)
			out[i].P99.AddTime(o.p99(), time.Millisecond)
			out[i].Max.AddTime(o.max(), time.Millisecond)
			out[i].TimesNoLock.Add(float64(o.p99()) / float64(noLock.p99()))
			out[i].Commands.Add(all.most(outcome.said) / float64(n))
			out[i].Sent.Add(float64(o.count.Sent) / float64(n))
			out[i].Received.Add(float64(o.count.Received) / float64(n))
			out[i].Scripts.Add(all.most(outcome.scripts) / float64(n))
			out[i].RedisCommands.Add(float64(o.bill.all) / float64(n))
			out[i].RedisMicros.Add(o.bill.micros / float64(n))
		}
	})
	for _, h := range out {
		t.Logf("%4d %-32s %4.0f calls, p50 %6.1f p99 %6.1f max %6.1f ms, %5.2f x no lock; %5.1f commands, %5.0f + %4.0f bytes; Redis: %5.1f scripts, %5.1f commands in all, %6.1f µs",
			n, h.Name, h.Calls.Max(), h.P50.Median(), h.P99.Median(), h.Max.Median(), h.TimesNoLock.Median(),
			h.Commands.Median(), h.Sent.Median(), h.Received.Median(), h.Scripts.Median(), h.RedisCommands.Median(), h.RedisMicros.Median())
		if h.Name == peers.Onetoken {
			shall(t, h.Calls.Max() == 1, "one call")
			assert.Zero(t, h.GaveUp.Max())
		}
	}
	found.Herds = append(found.Herds, out...)
}
