package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
)

// Claim is a figure that must hold.
type Claim struct {
	What  string
	Limit float64
	Found float64
	Unit  string // "x", "%", ...: behind both figures
	Why   string // we suppose that it is not met, if it is not
}

// guess is why claims are missed, as we suppose.
type guess struct {
	Why   string
	Whats []string
}

// guesses of those that are missed, each once.
func guesses(claims []Claim) []guess {
	var out []guess
	for _, c := range claims {
		if c.Holds() || c.Why == "" {
			continue
		}
		i := slices.IndexFunc(out, func(g guess) bool { return g.Why == c.Why })
		if i < 0 {
			i, out = len(out), append(out, guess{Why: c.Why})
		}
		out[i].Whats = append(out[i].Whats, c.What)
	}
	return out
}

// Holds reports whether it does. Figures count as they are shown.
func (c Claim) Holds() bool { return c.Found <= c.Limit }

// Over is by how much it is missed, in per cent of the limit.
func (c Claim) Over() float64 { return 100 * (c.Found/c.Limit - 1) }

// Claims are all figures that must hold, beside what was found.
func Claims(f *results.File) []Claim {
	return slices.Concat(freshClaims(f), fleetClaims(f), serviceClaims(f))
}

const allOfTheCost = "All connections ask without a pause, so that the processor's time is all that counts, and net/http takes several times as much of that for a request as nginx does; two thirds of it are system calls and the scheduler."

func serviceClaims(f *results.File) (claims []Claim) {
	if f.Door != nil {
		claims = append(claims, Claim{What: "Token door: p99, times that of nginx with a static answer", Limit: 2, Found: shown(f.Door.TimesNginx.Median()), Unit: "x"})
	}
	for _, g := range f.Gateways {
		api, why := "an API that answers at once", allOfTheCost
		if g.APIMillis > 0 {
			api, why = fmt.Sprintf("an API that takes %.0f ms", g.APIMillis), ""
		}
		claims = append(claims,
			Claim{What: "Gateway, " + api + ": p50, times that of nginx as a proxy", Limit: 1.5, Found: shown(g.TimesP50.Median()), Unit: "x", Why: why},
			Claim{What: "Gateway, " + api + ": how many times as many calls a second nginx passes on", Limit: 1.43, Found: shown(1 / g.TimesRate.Median()), Unit: "x", Why: why})
	}
	return claims
}

const cacheMisses = "With so many copies in memory a read is what the caches of the processor make of it: a copy of the floor's is smaller than ours, and nothing else lies between them."

func freshClaims(f *results.File) []Claim {
	allocations, floorOne, floorMany, peer := 0.0, 0.0, 0.0, 0.0
	for _, own := range f.Fresh {
		if own.Name != peers.Onetoken {
			continue
		}
		allocations = max(allocations, own.Allocations)
		if own.Sources == 1 {
			floorOne = max(floorOne, own.TimesFloor.Median())
		} else {
			floorMany = max(floorMany, own.TimesFloor.Median())
		}
		peer = max(peer, by(own.TimesFloor, fastestPeer(f.Fresh, own)).Median())
	}
	return []Claim{
		{What: "Fresh Get: allocations", Limit: 0, Found: allocations},
		{What: "Fresh Get of one Source, times the floor", Limit: 1.3, Found: shown(floorOne), Unit: "x"},
		{What: "Fresh Get, times the fastest peer", Limit: 1, Found: shown(peer), Unit: "x"},
		{What: "Fresh Get of many Sources at random, times the floor", Limit: 1.6, Found: shown(floorMany), Unit: "x", Why: cacheMisses},
		{What: "Warm fill: round trips", Limit: 1, Found: f.WarmFill.RoundTrips},
		{What: "Warm fill, times a GET", Limit: 1.7, Found: shown(f.WarmFill.TimesGet.Median()), Unit: "x",
			Why: "A script that looks at three keys takes Redis some 8 µs, where a GET takes less than one; the rest is what the client does to send and read more."},
	}
}

// by is one by the other, run by run.
func by(one, other results.Sample) results.Sample {
	var out results.Sample
	for i := range min(len(one), len(other)) {
		out = append(out, one[i]/other[i])
	}
	return out
}

// lowest is the lowest of any, run by run.
func lowest(all []results.Sample) results.Sample {
	if len(all) == 0 {
		return nil
	}
	out := slices.Clone(all[0])
	for _, s := range all[1:] {
		for i := range min(len(out), len(s)) {
			out[i] = min(out[i], s[i])
		}
	}
	return out
}

// fastestPeer returns its times by the floor, in the same setting: each run has its own
// fastest.
func fastestPeer(all []results.Fresh, own results.Fresh) results.Sample {
	var theirs []results.Sample
	for _, other := range all {
		if other.Name != peers.Onetoken && other.Name != peers.Floor && other.Sources == own.Sources && other.Parallel == own.Parallel {
			theirs = append(theirs, other.TimesFloor)
		}
	}
	return lowest(theirs)
}

func fleetClaims(f *results.File) []Claim {
	var claims []Claim
	calls, commands := 0.0, 0.0
	for _, own := range f.Herds {
		if own.Name != peers.Onetoken {
			continue
		}
		calls, commands = max(calls, own.Calls.Max()), max(commands, own.Commands.Max())
		if own.Replicas >= 200 {
			claims = append(claims, herdClaims(f.Herds, own)...)
		}
	}
	rotations := f.Real.CallsEach.Max()
	if f.Refreshers != nil {
		rotations = max(rotations, f.Refreshers.CallsEach.Max())
	}
	last := f.Many[len(f.Many)-1]
	return append(claims, []Claim{
		{What: "Cold herds: calls to the issuer", Limit: 1, Found: calls},
		{What: "Cold herds: commands of a replica", Limit: 5, Found: shown(commands)},
		{What: "Rotations of a fleet: calls to the issuer", Limit: 1, Found: rotations},
		{What: "Rotation under load: Gets that waited", Limit: 0, Found: f.Rotation.Waited.Max()},
		{What: "Rotation under load: longest " + group(float64(f.Rotation.Burst)) + " Gets, times the issuer's time", Limit: 0.25,
			Found: shown(f.Rotation.LongestBurst.Max() / f.Rotation.IssuerMs), Unit: "x"},
		{What: "Error fan-out: calls to the issuer", Limit: 1, Found: f.FanOut.Calls.Max()},
		{What: "Error fan-out: until all know, times a herd's success", Limit: 2, Found: shown(f.FanOut.TimesGranted.Median()), Unit: "x"},
		{What: group(float64(last.Sources)) + " Sources: bytes of each, without its Fetcher", Limit: 2048, Found: math.Round(last.Bytes.Median())},
		{What: group(float64(last.Sources)) + " Sources: goroutines of all of them", Limit: 0, Found: max(0, last.Goroutines.Median())},
		{What: group(float64(last.Sources)) + " Sources: idle CPU", Limit: 1, Found: shown(last.IdleCPU.Median()), Unit: "% of a core"},
	}...)
}

const sharedMachine = "All replicas share the cores of one machine with Redis here, and what they wait for is its work and the system calls on both sides. Before and after the call a replica of ours costs Redis a script that looks at three keys, of some 8 µs, and an event to send; one that knows no lock costs it a GET and a SET, of less than 1 µs each. With the system calls that is what scaling.md has for a look, an event and a GET."

func herdClaims(all []results.Herd, own results.Herd) []Claim {
	var best []results.Sample
	for _, other := range all {
		theirs := other.Name != peers.Onetoken && other.Name != peers.NoLock
		if theirs && other.Replicas == own.Replicas && other.Calls.Max() == 1 {
			best = append(best, other.P99)
		}
	}
	name := fmt.Sprintf("Cold herd of %s: p99", group(float64(own.Replicas)))
	return []Claim{
		{What: name + ", times that of no lock", Limit: 2, Found: shown(own.TimesNoLock.Median()), Unit: "x", Why: sharedMachine},
		{What: name + ", times that of the best peer with one call", Limit: 0.33, Found: shown(by(own.P99, lowest(best)).Median()), Unit: "x", Why: sharedMachine},
	}
}

// shown is a ratio with the digits that are shown.
func shown(v float64) float64 { return math.Round(100*v) / 100 }
