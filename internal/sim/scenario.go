package sim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// Profile is a mixture of faults.
type Profile struct {
	Name     string
	families []family
	faults   int
}

// family of faults.
type family uint8

const (
	processes family = iota
	networks
	data
	refusals
	issuers
	revocations
	news
	clocks
	fields
	absences
	versions
)

// Profiles returns all: none first, then each family, alone or with those that bring out more of it, then
// what is late, then all at once.
func Profiles() []Profile {
	return []Profile{
		{Name: "sound"},
		{Name: "processes", families: []family{processes}, faults: 10},
		{Name: "networks", families: []family{networks}, faults: 12},
		{Name: "data", families: []family{data}, faults: 14},
		{Name: "refusals", families: []family{refusals}, faults: 10},
		{Name: "issuers", families: []family{issuers}, faults: 10},
		{Name: "revocations", families: []family{revocations}, faults: 10},
		{Name: "news", families: []family{news}, faults: 14},
		{Name: "clocks", families: []family{clocks}, faults: 10},
		{Name: "fields", families: []family{fields, revocations}, faults: 24},
		{Name: "absences", families: []family{absences, revocations, news, clocks}, faults: 16},
		{Name: "versions", families: []family{versions, processes, revocations}, faults: 12},
		{Name: "late", families: []family{processes, revocations, news, clocks}, faults: 20},
		{Name: "all", families: []family{processes, networks, data, refusals, issuers, revocations, news, clocks, fields, absences, versions}, faults: 34},
	}
}

// Scenario is everything about a run that is known before it begins.
type Scenario struct {
	Seed    uint64
	Profile Profile

	replicas     int
	apps         int
	life         time.Duration // of a token
	window       time.Duration // of the issuer
	mints        bool          // the issuer, at every call
	latency      time.Duration // of the issuer
	trip         time.Duration // the longest that a message between a replica and Redis takes
	far          int           // every so many replicas one is farther away; 0: none
	fetchTimeout time.Duration
	every        time.Duration // a reader calls Get, on average
	ahead        int           // replicas that call Run
	noDirect     int           // replicas, from the last
	faults       []fault
	stormy       time.Duration // how long faults begin
	quiet        time.Duration // how long the end without faults is
}

// fault is one of a Scenario: what, when, where, for how long.
type fault struct {
	kind    *kind
	at      time.Duration
	onCall  bool // not before somebody asks the issuer, and there
	replica int
	app     int
	lasts   time.Duration
	draw    uint64
	turn    uint64 // of what a kind goes through, one after the other, from seed to seed
}

// coldStart is how long the fleet is left alone with its cold start, but by issuers.
const coldStart = 5 * time.Second

// rotations of the token that the faults are spread over, at least.
const rotations = 3

// NewScenario draws a Scenario. The same seed and profile are the same Scenario.
func NewScenario(seed uint64, p Profile) Scenario {
	r := draws(seed).sequence("scenario " + p.Name)
	s := Scenario{Seed: seed, Profile: p, replicas: 8 + r.IntN(3), apps: 2}
	s.life = []time.Duration{12 * time.Second, 20 * time.Second, time.Minute, time.Minute, 10 * time.Minute, 10 * time.Minute, 2 * time.Hour, 2 * time.Hour}[r.IntN(8)]
	if p.longs() { // tokens that live long enough for a look to be days old
		s.life = []time.Duration{time.Minute, 10 * time.Minute, 2 * time.Hour, 2 * time.Hour}[r.IntN(4)]
	}
	s.window = min(30*time.Minute, s.life/4)
	s.mints = r.IntN(4) == 0
	s.latency = spread(r, 5*time.Millisecond, 400*time.Millisecond)
	s.trip = spread(r, 200*time.Microsecond, 5*time.Millisecond)
	if r.IntN(2) == 0 {
		s.far = 2 + r.IntN(5)
	}
	s.fetchTimeout = 10 * time.Second
	if r.IntN(2) == 0 {
		s.fetchTimeout = 25 * time.Second
	}
	s.every = min(30*time.Second, max(500*time.Millisecond, s.window/40))
	if p.longs() {
		s.every = max(s.every, s.life/30)
	}
	s.ahead = r.IntN(3)
	s.noDirect = r.IntN(2)
	s.stormy = max((rotations+1)*(s.life-s.window), time.Minute)
	s.quiet = s.life + s.life/2
	s.faults = drawFaults(r, s)
	return s
}

// longs reports whether runs of the profile last for days. Their readers are few, then.
func (p Profile) longs() bool { return p.Name == "absences" }

// sound reports whether there are no faults.
func (s *Scenario) sound() bool { return len(s.Profile.families) == 0 }

// span is w of docs/design.md: the window less its margin.
func (s *Scenario) span() time.Duration {
	return s.window - min(30*time.Second, max(s.window/4, 1250*time.Millisecond), s.window/2)
}

// margin is x of docs/design.md, but for the shortest lives: what is left of a token
// that nobody is handed any more.
func (s *Scenario) margin() time.Duration { return min(10*time.Second, s.life/50) }

// deadMargin is x of docs/design.md.
func (s *Scenario) deadMargin() time.Duration { return min(s.margin(), s.span()/6) }

// drawFaults begins with as many kinds as there are, in a drawn order, before any
// comes twice.
func drawFaults(r *rand.Rand, s Scenario) []fault {
	var candidates, faults []*kind
	for i := range kinds {
		if slices.Contains(s.Profile.families, kinds[i].family) {
			candidates = append(candidates, &kinds[i])
		}
	}
	for len(faults) < s.Profile.faults && len(candidates) > 0 {
		r.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
		faults = append(faults, candidates[:min(len(candidates), s.Profile.faults-len(faults))]...)
	}
	drawn, times := make([]fault, len(faults)), map[*kind]uint64{}
	for i, k := range faults {
		drawn[i] = fault{
			kind:    k,
			at:      coldStart + between(r, 0, s.stormy),
			onCall:  r.Float64() < k.onCall,
			replica: r.IntN(s.replicas),
			app:     r.IntN(s.apps),
			lasts:   spread(r, k.shortest, max(k.shortest, min(k.longest, time.Duration(max(2, k.lives))*s.life))),
			draw:    r.Uint64(),
		}
		drawn[i].turn = mostTimes*s.Seed + times[k]
		times[k]++
		if k.family == issuers && r.IntN(4) == 0 {
			drawn[i].at = between(r, 0, 50*time.Millisecond) // and all are cold
		}
	}
	slices.SortFunc(drawn, func(a, b fault) int { return cmp.Compare(a.at, b.at) })
	return drawn
}

// mostTimes is as often as a kind of fault with turns may come in one run, or more.
const mostTimes = 3

// tripOf is the longest that a message to or from a replica takes. Those far away read
// what is old by the time that they act on it.
func (s *Scenario) tripOf(index int) time.Duration {
	if s.far > 0 && index%s.far == s.far-1 {
		return farther * s.trip
	}
	return s.trip
}

const farther = 16
