package report

import (
	"fmt"
	"math"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
)

// Claim is a figure that must hold.
type Claim struct {
	What  string
	Limit float64
	Found float64
	Unit  string // "x", "%", ...: behind both figures
	Why   string // it is not met, if it is not
}

// Holds reports whether it does. Figures count as they are shown.
func (c Claim) Holds() bool { return c.Found <= c.Limit }

// Over is by how much it is missed, in per cent of the limit.
func (c Claim) Over() float64 { return 100 * (c.Found/c.Limit - 1) }

// Claims are all figures that must hold, beside what was found.
func Claims(f *results.File) []Claim {
	return append(freshClaims(f), fleetClaims(f)...)
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
		peer = max(peer, own.TimesFloor.Median()/fastestPeer(f.Fresh, own))
	}
	return []Claim{
		{What: "Fresh Get: allocations", Limit: 0, Found: allocations},
		{What: "Fresh Get of one Source, by the floor", Limit: 1.3, Found: shown(floorOne), Unit: "x"},
		{What: "Fresh Get, by the fastest peer", Limit: 1, Found: shown(peer), Unit: "x"},
		{What: "Fresh Get of many Sources at random, by the floor", Limit: 1.6, Found: shown(floorMany), Unit: "x", Why: cacheMisses},
		{What: "Warm fill: round trips", Limit: 1, Found: f.WarmFill.RoundTrips},
		{What: "Warm fill, by a GET", Limit: 1.7, Found: shown(f.WarmFill.TimesGet.Median()), Unit: "x",
			Why: "A fill belongs to no caller, and a command that takes too long is left behind, so each has a goroutine of its own; on an idle machine a handover takes longer than Redis does for a GET. The script also looks at more than a key."},
	}
}

// fastestPeer returns its time by the floor, in the same setting.
func fastestPeer(all []results.Fresh, own results.Fresh) float64 {
	best := math.Inf(1)
	for _, other := range all {
		if other.Name != peers.Onetoken && other.Name != peers.Floor && other.Sources == own.Sources && other.Parallel == own.Parallel {
			best = min(best, other.TimesFloor.Median())
		}
	}
	return best
}

func fleetClaims(f *results.File) []Claim {
	var claims []Claim
	calls, commands := 0.0, 0.0
	for _, own := range f.Herds {
		if own.Name != peers.Onetoken {
			continue
		}
		calls, commands = max(calls, own.Calls.Max()), max(commands, own.Commands.Median())
		if own.Replicas >= 200 {
			claims = append(claims, herdClaims(f.Herds, own)...)
		}
	}
	last := f.Many[len(f.Many)-1]
	return append(claims, []Claim{
		{What: "Cold herds: calls to the issuer", Limit: 1, Found: calls},
		{What: "Cold herds: commands of a replica", Limit: 5, Found: shown(commands)},
		{What: "Rotation under load: Gets that waited", Limit: 0, Found: f.Rotation.Waited.Max()},
		{What: "Error fan-out: calls to the issuer", Limit: 1, Found: f.FanOut.Calls.Max()},
		{What: "Error fan-out: until all know, by a herd's success", Limit: 2, Found: shown(f.FanOut.TimesGranted.Median()), Unit: "x"},
		{What: group(float64(last.Sources)) + " Sources: bytes of each", Limit: 2048, Found: math.Round(last.Bytes.Median())},
		{What: group(float64(last.Sources)) + " Sources: goroutines of all of them", Limit: 0, Found: max(0, last.Goroutines.Median())},
		{What: group(float64(last.Sources)) + " Sources: idle CPU", Limit: 1, Found: shown(last.IdleCPU.Median()), Unit: "% of a core"},
	}...)
}

const sharedMachine = "All replicas share the cores of one machine with Redis here, and ours have more to do than those that know no lock: a subscription, and a look before and after the event. Each of them on a machine of its own would be nearer."

func herdClaims(all []results.Herd, own results.Herd) []Claim {
	best := math.Inf(1)
	for _, other := range all {
		theirs := other.Name != peers.Onetoken && other.Name != peers.NoLock
		if theirs && other.Replicas == own.Replicas && other.Calls.Max() == 1 {
			best = min(best, other.P99.Median())
		}
	}
	name := fmt.Sprintf("Cold herd of %s: p99", group(float64(own.Replicas)))
	return []Claim{
		{What: name + ", by no lock", Limit: 2, Found: shown(own.TimesNoLock.Median()), Unit: "x", Why: sharedMachine},
		{What: name + ", by the best peer with one call", Limit: 0.33, Found: shown(own.P99.Median() / best), Unit: "x", Why: sharedMachine},
	}
}

// shown is a ratio with the digits that are shown.
func shown(v float64) float64 { return math.Round(100*v) / 100 }
