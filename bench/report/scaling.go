package report

import (
	"strings"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
)

const day = 86400.0

// assumed is what docs/scaling.md reckons with, beside what was measured.
type assumed struct {
	SpreadSeconds float64 // in which a fleet has looked, after an event, where it has to: see tokencache's news.go
	MaxClients    float64 // of redis-server, unless it is told otherwise
	BusyAtMost    float64 // per cent of a core: beyond, waits grow
	PauseAtMost   float64 // milliseconds in which Redis answers nobody
	MemoryAtMost  float64 // bytes
	LinkGbits     float64 // a second, of Redis' network
	PerNode       int     // replicas on one machine
	IssuerAtOnce  float64 // calls that the issuers take at a time, in a cold start
}

var assumptions = assumed{
	SpreadSeconds: 5, MaxClients: 10_000, BusyAtMost: 50, PauseAtMost: 100, MemoryAtMost: 16 << 30, LinkGbits: 1,
	PerNode: 50, IssuerAtOnce: 50,
}

// scaling carries what was measured to fleets that were not. An app of a replica is
// one of the apps that it uses: a replica with ten counts for ten.
type scaling struct {
	Assumed assumed

	AppMicros    float64 // of Redis' CPU, for one app of one replica and day
	LooksPerCore float64 // a second

	// What one Redis ends at.
	ReplicasByClients float64 // with the usual maxclients
	ReplicasByPause   float64 // of one app: an event keeps Redis busy for too long
	ReplicasByLink    float64 // of one app: an event fills the network for as long; 0 if its bytes were not measured
	AppsByMemory      float64 // of replicas
	AppsByCPU         float64 // of replicas

	OneApp   []load
	ManyApps []load
	Nodes    []load // the same, with one process on each node
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
	EventBytes  float64 // that Redis sends for it
	Peak        float64 // per cent of a core, for an event and the looks that follow it
	ColdStart   float64 // seconds of CPU if all start at once
	ColdIssuers float64 // seconds that the issuers need for it
	Reconnect   float64 // seconds of CPU if Redis was restarted
	Calls       float64 // to the issuers, a day
}

// Ends is what is too much for one Redis; nothing if it can take the fleet.
func (l load) Ends() string {
	a := assumptions
	var what []string
	for _, limit := range []struct {
		name        string
		found, most float64
	}{
		{"CPU", l.CPU, a.BusyAtMost},
		{"CPU after an event", l.Peak, a.BusyAtMost},
		{"pause", l.Event, a.PauseAtMost},
		{"memory", l.Memory, a.MemoryAtMost},
	} {
		if limit.found > limit.most {
			what = append(what, limit.name)
		}
	}
	return strings.Join(what, ", ")
}

func newScaling(f *results.File) scaling {
	w, s, a := f.Week, f.Server, assumptions
	perApp := appMicros(f) + w.Dials*s.DialCPUMicros.Median()
	sc := scaling{
		Assumed:           a,
		AppMicros:         perApp,
		LooksPerCore:      1e6 / s.LookCPUMicros.Median(),
		ReplicasByClients: a.MaxClients / f.Real.Connections,
		ReplicasByPause:   a.PauseAtMost * 1e3 / s.EventCPUMicros.Median(),
		AppsByMemory:      a.MemoryAtMost / s.ChannelBytes,
		AppsByCPU:         a.BusyAtMost / 100 * day * 1e6 / perApp,
	}
	if each := s.EventBytes.Median(); each > 0 {
		sc.ReplicasByLink = a.PauseAtMost / 1e3 * a.LinkGbits * 1e9 / 8 / each
	}
	for _, replicas := range []int{w.Replicas, 10_000, 100_000} {
		sc.OneApp = append(sc.OneApp, loadOf(f, replicas, 1, 1))
	}
	for _, each := range []int{1, 10, 100, 10_000} {
		sc.ManyApps = append(sc.ManyApps, loadOf(f, 100_000, 10_000, each))
		sc.Nodes = append(sc.Nodes, loadOf(f, 100_000/a.PerNode, 10_000, min(10_000, each*a.PerNode)))
	}
	return sc
}

// appMicros is Redis' CPU for one app of one replica and day, but for connections.
func appMicros(f *results.File) float64 {
	return f.Week.Total()*f.Server.LookCPUMicros.Median() + f.Week.Rotations*f.Server.EventCPUMicros.Median()
}

// loadOf is the arithmetic: what was measured, times how often.
func loadOf(f *results.File, replicas, apps, each int) load {
	w, s := f.Week, f.Server
	look, event := s.LookCPUMicros.Median(), s.EventCPUMicros.Median()
	n := float64(replicas)
	all := n * float64(each)     // apps of replicas
	users := all / float64(apps) // of one app
	connect := n*f.Real.Connections*s.DialCPUMicros.Median() + all*s.SubscribeCPUMicros.Median()
	return load{
		Replicas: replicas, Apps: apps, Each: each,
		Connections: f.Real.Connections * n,
		Memory:      n*(s.ConnectionBytes*(f.Real.Connections-1)+s.SubscriptionBytes) + all*s.ChannelBytes + float64(apps)*s.CredentialBytes,
		Commands:    all * w.Total() / day,
		Bytes:       all * (w.Sent + w.Received) / day,
		CPU:         100 * (all*appMicros(f) + n*w.Dials*s.DialCPUMicros.Median()) / 1e6 / day,
		Event:       users * event / 1e3,
		EventBytes:  users * s.EventBytes.Median(),
		Peak:        100 * users * (event + looksAfter(f)*look) / 1e6 / assumptions.SpreadSeconds,
		ColdStart:   (all*(commandsOfHerd(f)*look+event) + connect) / 1e6,
		ColdIssuers: float64(apps) * f.IssuerMs / 1e3 / min(float64(apps), assumptions.IssuerAtOnce),
		Reconnect:   connect / 1e6,
		Calls:       float64(apps) * w.Rotations,
	}
}

// looksAfter is how often a replica looks for a rotation: once, where older results do not tell.
func looksAfter(f *results.File) float64 {
	if len(f.Real.Scripts) == 0 {
		return 1
	}
	return f.Real.Scripts.Median()
}

// commandsOfHerd is what a replica says that starts cold among many.
func commandsOfHerd(f *results.File) (most float64) {
	for _, h := range f.Herds {
		if h.Name == peers.Onetoken {
			most = max(most, h.Commands.Max())
		}
	}
	return most
}
