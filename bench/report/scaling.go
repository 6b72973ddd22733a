package report

import (
	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
)

// What docs/scaling.md reckons with, beside what was measured.
const (
	day        = 86400.0
	spreadTime = 5.0    // seconds in which a fleet looks after an event: see tokencache's news.go
	maxClients = 10_000 // of redis-server, unless it is told otherwise
	busyAtMost = 0.5    // of a core: beyond, waits grow
	perNode    = 50     // replicas on one machine
)

// scaling carries what was measured to fleets that were not.
type scaling struct {
	PairMicros    float64 // of Redis' CPU, for one app of one replica and day
	PairsAtMost   float64 // apps of replicas that one core bears
	ClientsAtMost float64 // replicas, with the usual maxclients
	LooksPerCore  float64 // a second
	PerNode       int
	OneApp        []load
	ManyApps      []load
	Nodes         []load // the same, with one process on each node
}

// load is what one Redis has of a fleet.
type load struct {
	Replicas, Apps, Each int // Each: apps that one replica uses

	Connections float64
	Memory      float64 // bytes
	Commands    float64 // a second, on average
	Bytes       float64 // a second, on average
	CPU         float64 // per cent of a core, on average
	Event       float64 // milliseconds of CPU for one event
	Peak        float64 // per cent of a core, while an app's replicas look after an event
	ColdStart   float64 // seconds of CPU if all start at once
	Calls       float64 // to the issuers, a day
}

// Bears reports whether one core can take it.
func (l load) Bears() bool { return l.CPU <= 100*busyAtMost && l.Peak <= 100*busyAtMost }

func newScaling(f *results.File) scaling {
	w, s := f.Week, f.Server
	looks, events := w.Total(), w.Rotations
	pair := looks*s.ReadMicros.Median() + events*s.EventMicros.Median()
	sc := scaling{
		PairMicros:    pair,
		PairsAtMost:   busyAtMost * day * 1e6 / pair,
		ClientsAtMost: maxClients / f.Real.Connections,
		LooksPerCore:  1e6 / s.ReadMicros.Median(),
		PerNode:       perNode,
	}
	for _, replicas := range []int{w.Replicas, 10_000, 100_000} {
		sc.OneApp = append(sc.OneApp, loadOf(f, replicas, 1, 1))
	}
	for _, each := range []int{1, 10, 100, 10_000} {
		sc.ManyApps = append(sc.ManyApps, loadOf(f, 100_000, 10_000, each))
		sc.Nodes = append(sc.Nodes, loadOf(f, 100_000/perNode, 10_000, min(10_000, each*perNode)))
	}
	return sc
}

// loadOf is the arithmetic: what was measured, times how often.
func loadOf(f *results.File, replicas, apps, each int) load {
	w, s := f.Week, f.Server
	pairs := float64(replicas) * float64(each)
	users := pairs / float64(apps) // of one app
	herd := commandsOfHerd(f)
	l := load{
		Replicas: replicas, Apps: apps, Each: each,
		Connections: f.Real.Connections * float64(replicas),
		Memory:      float64(replicas)*(s.ConnectionBytes*(f.Real.Connections-1)+s.SubscriptionBytes) + pairs*s.ChannelBytes + float64(apps)*s.CredentialBytes,
		Commands:    pairs * w.Total() / day,
		Bytes:       pairs * (w.Sent + w.Received) / day,
		Event:       users * s.EventMicros.Median() / 1e3,
		Peak:        100 * users / spreadTime * s.ReadMicros.Median() / 1e6,
		ColdStart:   pairs * herd * s.ReadMicros.Median() / 1e6,
		Calls:       float64(apps) * w.Rotations,
	}
	l.CPU = 100 * pairs * (w.Total()*s.ReadMicros.Median() + w.Rotations*s.EventMicros.Median()) / 1e6 / day
	return l
}

// commandsOfHerd is what a replica says that starts cold among many.
func commandsOfHerd(f *results.File) (most float64) {
	for _, h := range f.Herds {
		if h.Name == peers.Onetoken {
			most = max(most, h.Commands.Median())
		}
	}
	return most
}
