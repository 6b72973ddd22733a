// Package results is what one run of all measurements leaves: a file of JSON that
// documents are made of.
package results

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"
)

// File is one run of everything. Ratios are taken within each of its runs, between
// things measured in turn; only they can be compared with another machine's.
type File struct {
	Machine  Machine
	Runs     int     // of each measurement, unless it says otherwise
	IssuerMs float64 // that the issuer of herds and refusals takes for an answer
	Fresh    []Fresh
	WarmFill *WarmFill
	Herds    []Herd
	Rotation *Rotation
	FanOut   *FanOut
	Takeover *Takeover
	Many     []Many
	Week     *Week
	Real     *Real
	Server   *Server

	PeerRotations []PeerRotation
	Refreshers    *Refreshers
	Idle          *Idle
	Door          *Door
	Gateways      []Gateway
}

// Missing names the measurements that are not in the file.
func (f *File) Missing() (names []string) {
	for _, part := range []struct {
		name string
		is   bool
	}{
		{"Fresh", len(f.Fresh) > 0},
		{"WarmFill", f.WarmFill != nil},
		{"Herds", len(f.Herds) > 0},
		{"Rotation", f.Rotation != nil},
		{"FanOut", f.FanOut != nil},
		{"Takeover", f.Takeover != nil},
		{"Many", len(f.Many) > 0},
		{"Week", f.Week != nil},
		{"Real", f.Real != nil},
		{"Server", f.Server != nil},
		{"PeerRotations", len(f.PeerRotations) > 0},
		{"Refreshers", f.Refreshers != nil},
		{"Idle", f.Idle != nil},
		{"Door", f.Door != nil},
		{"Gateways", len(f.Gateways) > 0},
	} {
		if !part.is {
			names = append(names, part.name)
		}
	}
	return names
}

// Machine is where and with what it was measured.
type Machine struct {
	Date       string // of the day
	Commit     string
	CPU        string
	Cores      int
	Memory     float64 // bytes
	System     string
	Kernel     string
	Go         string
	Redis      string
	LoadBefore float64           // average of the minute before the first measurement
	LoadAfter  float64           // and of the last minute of all
	Seconds    float64           // that all of it took
	Versions   map[string]string // of the modules, by path
}

// Sample has one value for each run.
type Sample []float64

// Add appends a run's value, rounded to what means anything.
func (s *Sample) Add(v float64) { *s = append(*s, significant(v)) }

// AddTime appends a duration in a unit.
func (s *Sample) AddTime(d, unit time.Duration) { s.Add(float64(d) / float64(unit)) }

// Median of the runs; 0 without any.
func (s Sample) Median() float64 { return s.Quantile(0.5) }

// Min of the runs.
func (s Sample) Min() float64 { return s.Quantile(0) }

// Max of the runs.
func (s Sample) Max() float64 { return s.Quantile(1) }

// Quantile returns the value that a part q of the others is below; 0 without any.
func (s Sample) Quantile(q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// significant rounds to four digits.
func significant(v float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	if err != nil {
		return v
	}
	return rounded
}

// Fresh is one way to read a copy from memory.
type Fresh struct {
	Name        string
	Sources     int  // of which each read picks one at random
	Parallel    bool // on all cores
	Nanoseconds Sample
	TimesFloor  Sample
	Allocations float64 // of one read
}

// WarmFill is a process without a copy whose Redis has the token.
type WarmFill struct {
	Get, Fill     Sample // microseconds
	TimesGet      Sample
	Aside         Sample // a fill with a client that does not heed deadlines
	AsideTimesGet Sample
	RoundTrips    float64 // of one fill, the most of any
}

// Door is the token door of the service, beside nginx with a static answer of the same size, at the same
// rate.
type Door struct {
	Rate                 float64 // requests a second
	Connections          int
	NginxP50, NginxP99   Sample // microseconds, from when a request was due
	DoorP50, DoorP99     Sample
	TimesNginx           Sample // p99
	Requests, NotGranted int    // at the door, in all runs
}

// Gateway is the service's gateway for SDKs, beside nginx as a proxy of the same API that puts a fixed token in. Each of the
// connections asks again as soon as it is answered.
type Gateway struct {
	APIMillis              float64 // that the API takes for each call; 0: it answers at once
	Connections            int
	NginxP50, GatewayP50   Sample // microseconds
	NginxRate, GatewayRate Sample // calls a second
	TimesP50, TimesRate    Sample // the gateway's, times that of nginx
	Calls, Failed          int    // at the gateway, in all runs
}

// Herd is a number of replicas that start at once on an empty Redis.
type Herd struct {
	Name           string
	Replicas       int
	Herds          int    // in all runs
	Calls          Sample // the most of any herd
	GaveUp         Sample // replicas without a token when their time was up, the most of any herd
	P50, P99, Max  Sample // milliseconds beyond the issuer's time
	TimesNoLock    Sample // P99
	Commands       Sample // of one replica, the most of any herd
	Sent, Received Sample // bytes, of one replica
	Scripts        Sample // of one replica, as the server counts them, the most of any herd
	RedisCommands  Sample // that the server ran for one replica, those within scripts among them
	RedisMicros    Sample // of the server's CPU, for one replica
}

// Rotation is a process that reads all the time while its token is replaced.
type Rotation struct {
	Goroutines int
	IssuerMs   float64
	Rotations  Sample
	Gets       Sample
	Waited     Sample // by the cache's own count

	Burst        int    // Gets that follow each other
	LongestBurst Sample // milliseconds
}

// FanOut is a herd that is refused.
type FanOut struct {
	Replicas         int
	GrantedCalls     Sample // the most of any herd
	Calls            Sample // the most of any herd that was refused
	Granted, Refused Sample // milliseconds beyond the issuer's time until all know
	TimesGranted     Sample

	GrantedMicros, RefusedMicros Sample // of the server's CPU, for one replica
}

// Takeover is a process that is killed while it holds many locks.
type Takeover struct {
	Locks         int
	LeaseSeconds  float64
	SpreadSeconds float64 // of those who wait for the end of a lease
	Seconds       Sample  // from the kill to the next call to the issuer, of all runs
}

// Many is a number of Sources in one Cache.
type Many struct {
	Sources      int
	Bytes        Sample // of one Source, without its Fetcher
	WholeBytes   Sample // of one Source with its Fetcher
	Goroutines   Sample // of all of them
	IdleCPU      Sample // per cent of a core, beyond that of a Cache with one Source
	Fill         Sample // milliseconds, all cold
	TimesIssuer  Sample // Fill, by the least the issuer needs
	IssuerMs     float64
	IssuerAtOnce int
}

// Week is a simulated fleet.
type Week struct {
	Replicas       int
	Days           int
	Rotations      float64 // a day
	Commands       map[string]float64
	Sent, Received float64 // bytes of a replica and day
	Dials          float64 // of a replica and day
	Calls          int
}

// Total is the number of commands of a replica and day.
func (w Week) Total() (n float64) {
	for _, times := range w.Commands {
		n += times
	}
	return n
}

// Real is a fleet of processes' worth of clients on a real Redis; each rotation is
// a run.
type Real struct {
	Replicas       int
	Rotations      int
	LifeSeconds    float64
	Commands       Sample // of a replica and rotation
	Sent, Received Sample // bytes, likewise
	ServerCommands Sample // as the server counts them
	ServerReceived Sample // bytes that the server counts, with those of who asks it
	ServerSent     Sample
	Connections    float64
	Calls          int

	Scripts                            Sample // of a replica and rotation, as the server counts them
	RedisMicros                        Sample // of the server's CPU, likewise
	CallsEach                          Sample // of a rotation
	LearnedP50, LearnedP99, LearnedMax Sample // milliseconds from the issuer's answer until a replica has the token
}

// PeerRotation is a fleet of a peer's replicas of which each wants the new token once, within a while.
type PeerRotation struct {
	Name        string
	Replicas    int
	WithinMs    float64
	Calls       Sample
	Commands    Sample // of a replica, as in all that follows
	Scripts     Sample // as the server counts them
	RedisMicros Sample // of the server's CPU
}

// Refreshers are processes that do nothing but keep a token fresh; each rotation is a run.
type Refreshers struct {
	Processes   int
	Rotations   int
	LifeSeconds float64
	Scripts     Sample // of a process and rotation, as the server counts them
	Commands    Sample // all that clients said, likewise
	RedisMicros Sample // of the server's CPU, likewise
	CallsEach   Sample // of a rotation
}

// Idle is what there is without a token: nobody has asked for one yet.
type Idle struct {
	Sources         int
	CredentialBytes Sample // of one Credential
	SourceBytes     Sample // of one Source, without its Fetcher
}

// Server is what one redis-server needs, of its CPU and its memory.
type Server struct {
	LookCPUMicros      Sample // for one look
	GetCPUMicros       Sample // for one GET
	EventCPUMicros     Sample // for one subscriber of an event
	EventBytes         Sample // that it is sent, of a stored token
	DialCPUMicros      Sample // for a connection, opened and closed
	SubscribeCPUMicros Sample // for one SUBSCRIBE
	ConnectionBytes    float64
	SubscriptionBytes  float64 // of a connection that hears one channel
	ChannelBytes       float64 // of each further channel
	CredentialBytes    float64
}

// Load reads a file.
func Load(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var f File
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &f, nil
}

// Save writes a file, or leaves the old one as it was.
func (f *File) Save(path string) error {
	text, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return err
	}
	whole := path + ".new"
	if err := os.WriteFile(whole, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(whole, path)
}
