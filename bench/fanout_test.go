package bench_test

import (
	"testing"
	"time"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/tokencache"
)

// TestErrorFanOut has a cold herd whose issuer refuses, in turn with one whose issuer
// does not.
func TestErrorFanOut(t *testing.T) {
	refusal := &tokencache.IssuerError{
		Issuer: "bench", Code: 10014, Message: "app secret invalid", LogID: "2026", Class: tokencache.ClassPermanent,
	}
	f := newFleet(t, sized(200, 5))
	ours := peers.Ours()
	f.teach(ours, refusal)
	out := &results.FanOut{Replicas: len(f.clients)}
	repeat(t, func(int) {
		became := inTurn(
			func() outcome { return f.herd(ours, nil) },
			func() outcome { return f.herd(ours, refusal) },
		)
		granted, refused := became[0].middle(), became[1].middle()
		out.GrantedCalls.Add(became[0].most(outcome.asked))
		out.Calls.Add(became[1].most(outcome.asked))
		out.Granted.AddTime(granted.max(), time.Millisecond)
		out.Refused.AddTime(refused.max(), time.Millisecond)
		out.GrantedMicros.Add(granted.bill.micros / float64(out.Replicas))
		out.RefusedMicros.Add(refused.bill.micros / float64(out.Replicas))
		out.TimesGranted.Add(float64(refused.max()) / float64(granted.max()))
	})
	shall(t, out.Calls.Max() == 1, "one call")
	t.Logf("%d replicas know of the refusal after %.1f ms, of a token after %.1f ms: %.2f x; of Redis' CPU %.1f and %.1f µs each",
		out.Replicas, out.Refused.Median(), out.Granted.Median(), out.TimesGranted.Median(), out.RefusedMicros.Median(), out.GrantedMicros.Median())
	found.FanOut = out
}
