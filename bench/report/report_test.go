package report

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
)

// The documents are those that the results give: nobody edits a figure.
func TestDocumentsAreMadeOfTheResults(t *testing.T) {
	f, err := results.Load("../results/latest.json")
	require.NoError(t, err)
	assert.GreaterOrEqual(t, f.Runs, Enough, "a trial is no result: make bench")
	files, err := Render(f)
	require.NoError(t, err)
	for name, text := range files {
		found, err := os.ReadFile(filepath.Join("../../docs", name))
		require.NoError(t, err)
		assert.Equal(t, string(text), string(found), "%s: run `go run ./cmd/report results/latest.json ../docs` in bench", name)
	}
}

func TestWrite(t *testing.T) {
	docs := t.TempDir()
	require.NoError(t, Write(example(), docs))
	for _, name := range []string{"performance.md", "scaling.md", "performance/fresh.svg", "performance/herd.svg", "performance/takeover.svg"} {
		text, err := os.ReadFile(filepath.Join(docs, name))
		require.NoError(t, err)
		assert.NotContains(t, string(text), "NaN", name)
		assert.NotContains(t, string(text), "Inf", name)
		assert.NotContains(t, string(text), "%!", name)
	}
}

func TestSomeMeasurementsAreNotEnough(t *testing.T) {
	f := example()
	f.Week = nil
	require.Error(t, Write(f, t.TempDir()))
}

// What was measured of fleets is in the pages.
func TestFleetsAreShown(t *testing.T) {
	files, err := Render(example())
	require.NoError(t, err)
	for _, row := range []string{
		"| **onetoken** | 1 | 1.80 | 18.0 | 18.0 | 18.0 | 4.0 | 2.0 | 12.0 | 70 | 900, 600 |",
		"| poll | 1 | 1.00 | 0.00 | 50 |",
		"| **onetoken** | 1 | 2.00 | 0.10 | 20 |",
		"| **onetoken**: 12 processes of `onetoken refresher`, a life of 14 s | 1 | 0.60 | 0.50 | 90 |",
		"10,000 Sources take 1,496 bytes each, and 192 for the Credential",
		"half within 2.0 ms, 99 of a\nhundred within 3.0 ms, all within 4.0 ms",
	} {
		assert.Contains(t, string(files["performance.md"]), row)
	}
	for _, row := range []string{
		"| a cold start, one of 200 at once | 4.0 | 2.0 | 70 | 900, 600 |",
		"| a rotation, in a fleet of 200 | 2.00 | 0.10 | 20 | 300, 400 |",
		"| ... of 12 processes that refresh and do nothing else | 0.60 | 0.50 | 90 | |",
		"sends 400 bytes for it to each",
	} {
		assert.Contains(t, string(files["scaling.md"]), row)
	}
}

// Pages of results from before something was measured are without it.
func TestOlderResults(t *testing.T) {
	f := example()
	f.PeerRotations, f.Refreshers, f.Idle = nil, nil, nil
	f.Real.Scripts, f.Real.LearnedP50, f.Server.EventBytes = nil, nil, nil
	files, err := Render(f)
	require.NoError(t, err)
	assert.NotContains(t, string(files["performance.md"]), "A peer's row")
	assert.NotContains(t, string(files["performance.md"]), "From the issuer's answer until")
	assert.NotContains(t, string(files["scaling.md"]), "Gbit/s")
	assert.Contains(t, string(files["scaling.md"]), "| looks of a replica for a rotation, in the real fleet | - |")
	assert.InDelta(t, 100*1000*(20+5.0)/5e6, loadOf(f, 1000, 1, 1).Peak, 1e-9, "each looks once")
}

func TestClaims(t *testing.T) {
	f := example()
	for _, c := range Claims(f) {
		assert.True(t, c.Holds(), "%s: %v", c.What, c.Found)
	}

	f.Herds[2].TimesNoLock = results.Sample{3, 3, 9}
	f.Fresh[2].Allocations = 1
	var missed []Claim
	for _, c := range Claims(f) {
		if !c.Holds() {
			missed = append(missed, c)
		}
	}
	require.Len(t, missed, 2)
	assert.Equal(t, "Fresh Get: allocations", missed[0].What)
	assert.Equal(t, "Cold herd of 200: p99, times that of no lock", missed[1].What)
	assert.InDelta(t, 50, missed[1].Over(), 0.01, "the median counts")

	files, err := Render(f)
	require.NoError(t, err)
	assert.Contains(t, string(files["performance.md"]), "| 2 x | 3 x | **missed by 50 %** |")
	assert.Contains(t, string(files["performance.md"]), "\n- Cold herd of 200: p99, times that of no lock: "+sharedMachine)
}

// The best peer of a run counts, not the one with the best median.
func TestRatiosAreTakenWithinARun(t *testing.T) {
	a, b := results.Sample{10, 40}, results.Sample{30, 20}
	assert.Equal(t, results.Sample{10, 20}, lowest([]results.Sample{a, b}))
	assert.Equal(t, results.Sample{0.5, 2}, by(results.Sample{5, 80}, a))
	assert.Equal(t, results.Sample{10, 40}, a, "left alone")
}

// What we suppose is said once, and only of what is missed.
func TestGuesses(t *testing.T) {
	assert.Equal(t, []guess{{Why: "slow", Whats: []string{"a", "c"}}}, guesses([]Claim{
		{What: "a", Limit: 1, Found: 2, Why: "slow"},
		{What: "b", Limit: 1, Found: 1, Why: "slow"},
		{What: "c", Limit: 1, Found: 3, Why: "slow"},
		{What: "d", Limit: 1, Found: 3},
	}))
}

// The page says where cores were of no use.
func TestSpeedUp(t *testing.T) {
	floor := func(parallel bool, ns float64) results.Fresh {
		return results.Fresh{Name: peers.Floor, Sources: 1, Parallel: parallel, Nanoseconds: results.Sample{ns}}
	}
	assert.Contains(t, speedUp([]results.Fresh{floor(false, 50), floor(true, 50)}), "1.00 times as fast as on one. So the cores here")
	assert.NotContains(t, speedUp([]results.Fresh{floor(false, 50), floor(true, 25)}), "So the cores")
}

// Twice the replicas are twice the load, and a core has its limit.
func TestScaling(t *testing.T) {
	f := example()
	one, two := loadOf(f, 1000, 1, 1), loadOf(f, 2000, 1, 1)
	assert.InDelta(t, 2000, one.Connections, 0)
	assert.InDelta(t, 2*one.CPU, two.CPU, 1e-9)
	assert.InDelta(t, 1000*20.0/86400, one.Commands, 1e-9)
	assert.InDelta(t, 100*1000*(20*20+10*5.0+10*100)/1e6/86400, one.CPU, 1e-9)
	assert.InDelta(t, 100*1000*(0.1*20+5.0)/5e6, one.Peak, 1e-9, "the event and the looks")
	assert.InDelta(t, 400_000, one.EventBytes, 0)
	assert.InDelta(t, (1000*2*100+1000*15)/1e6, one.Reconnect, 1e-9)
	assert.Empty(t, one.Ends())

	ends := newScaling(f)
	assert.InDelta(t, 12.5e6/400, ends.ReplicasByLink, 1e-6, "a tenth of a second of 125 MB/s")
	assert.InDelta(t, assumptions.BusyAtMost, loadOf(f, int(ends.AppsByCPU), 10_000, 1).CPU, 0.01)
	assert.Contains(t, loadOf(f, int(ends.AppsByCPU)+10_000, 10_000, 1).Ends(), "CPU")
	assert.Empty(t, loadOf(f, int(ends.ReplicasByPause), 1, 1).Ends())
	assert.Equal(t, "pause", loadOf(f, int(ends.ReplicasByPause)+1, 1, 1).Ends())
	assert.Contains(t, loadOf(f, 1000, 1_000_000, int(ends.AppsByMemory)/1000).Ends(), "memory")
}

func TestFigures(t *testing.T) {
	for want, got := range map[string]string{
		"2.00 (1.00 to 3.00)": spread(results.Sample{3, 1, 2}, 2),
		"1.5":                 spread(results.Sample{1.5, 1.5}, 1),
		"1,234":               figure(1234.4, 2),
		"123.4":               figure(123.44, 3),
		"0.1":                 figure(0.1, 1),
		"999":                 group(999.4),
		"1,000,000":           group(1e6),
		"120,000,000":         about(116_739_752),
		"42":                  about(42),
		"2.0 KiB":             sizeOf(2048),
		"12 bytes":            sizeOf(12),
		"-":                   spread(nil, 1),
		"3.0 GiB":             sizeOf(3 << 30),
	} {
		assert.Equal(t, want, got)
	}
}

// example is a run in which all holds.
func example() *results.File {
	s := func(v ...float64) results.Sample { return v }
	f := &results.File{
		Runs:     3,
		IssuerMs: 130,
		Machine:  results.Machine{Versions: map[string]string{"example.com/peer": "v1.0.0"}},
		WarmFill: &results.WarmFill{Get: s(50), Fill: s(70), TimesGet: s(1.4), Aside: s(140), AsideTimesGet: s(2.8), RoundTrips: 1},
		Rotation: &results.Rotation{Goroutines: 64, IssuerMs: 2000, Rotations: s(3), Gets: s(1e9), Waited: s(0), Burst: 1000, LongestBurst: s(20)},
		FanOut:   &results.FanOut{Replicas: 200, Calls: s(1), GrantedCalls: s(1), Granted: s(10), Refused: s(11), TimesGranted: s(1.1)},
		Takeover: &results.Takeover{Locks: 3, LeaseSeconds: 5, SpreadSeconds: 0.3, Seconds: s(3.5, 4, 5)},
		Many:     []results.Many{{Sources: 10_000, Bytes: s(1900), WholeBytes: s(2100), Goroutines: s(0), IdleCPU: s(0.1), Fill: s(5000), TimesIssuer: s(1.2), IssuerAtOnce: 50}},
		Week:     &results.Week{Replicas: 500, Days: 7, Rotations: 10, Commands: map[string]float64{"EVALSHA": 19, "PUBLISH": 1}, Sent: 2000, Received: 3000, Dials: 10, Calls: 70},
		Real: &results.Real{Replicas: 200, LifeSeconds: 12, Rotations: 5, Commands: s(2), Sent: s(300), Received: s(400), ServerCommands: s(2), ServerReceived: s(310), ServerSent: s(420), Connections: 2,
			Scripts: s(0.1), RedisMicros: s(20), CallsEach: s(1), LearnedP50: s(2), LearnedP99: s(3), LearnedMax: s(4)},
		Server: &results.Server{
			LookCPUMicros: s(20), GetCPUMicros: s(10), EventCPUMicros: s(5), EventBytes: s(400), DialCPUMicros: s(100), SubscribeCPUMicros: s(15),
			ConnectionBytes: 2000, SubscriptionBytes: 2100, ChannelBytes: 100, CredentialBytes: 1200,
		},
		PeerRotations: []results.PeerRotation{{Name: "poll", Replicas: 200, WithinMs: 400, Calls: s(1), Commands: s(1), Scripts: s(0), RedisMicros: s(50)}},
		Refreshers:    &results.Refreshers{Processes: 12, Rotations: 3, LifeSeconds: 14, Scripts: s(0.5), Commands: s(0.6), RedisMicros: s(90), CallsEach: s(1)},
		Door:          &results.Door{Rate: 1000, Connections: 16, NginxP50: s(80), NginxP99: s(200), DoorP50: s(100), DoorP99: s(300), TimesNginx: s(1.5), Requests: 1000},
		Gateways: []results.Gateway{
			{Connections: 100, NginxP50: s(2000), GatewayP50: s(2500), NginxRate: s(40_000), GatewayRate: s(35_000), TimesP50: s(1.25), TimesRate: s(0.875), Calls: 1000},
			{APIMillis: 20, Connections: 100, NginxP50: s(21_000), GatewayP50: s(22_000), NginxRate: s(4_700), GatewayRate: s(4_500), TimesP50: s(1.05), TimesRate: s(0.96), Calls: 1000},
		},
		Idle: &results.Idle{Sources: 10_000, CredentialBytes: s(192), SourceBytes: s(1496)},
	}
	for _, name := range []string{peers.Floor, "peer", peers.Onetoken} {
		ratio := map[string]float64{peers.Floor: 1, "peer": 1.5, peers.Onetoken: 1.1}[name]
		f.Fresh = append(f.Fresh, results.Fresh{Name: name, Sources: 1, Nanoseconds: s(30), TimesFloor: s(ratio)})
	}
	for _, name := range []string{peers.NoLock, "poll", peers.Onetoken} {
		p99 := map[string]float64{peers.NoLock: 10, "poll": 90, peers.Onetoken: 18}[name]
		f.Herds = append(f.Herds, results.Herd{
			Name: name, Replicas: 200, Calls: s(1), P50: s(p99), P99: s(p99), Max: s(p99),
			TimesNoLock: s(p99 / 10), Commands: s(4), Sent: s(900), Received: s(600), Scripts: s(2), RedisCommands: s(12), RedisMicros: s(70),
		})
	}
	return f
}
