package chaos

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	ms = time.Millisecond
	s  = time.Second
)

// ends of tokens, by what everybody knows.
var ends = map[string]time.Duration{"a": 6 * s, "b": 9 * s, "c": 13 * s, "old": 6 * s, "new": 9500 * ms, "longest": time.Hour}

// clean is a hand-made history with nothing wrong: two replicas, two rotations
// with a fault between, all of it in round numbers.
func clean() *history {
	return &history{
		Over: 10 * s,
		Pairs: map[string]pair{
			"a": {Minted: 0, End: ends["a"]},
			"b": {Minted: 3 * s, End: ends["b"]},
			"c": {Minted: 7 * s, End: ends["c"]},
		},
		Calls: []call{
			{At: 100 * ms, Granted: true, Minted: true},
			{At: 3 * s, Granted: true, Minted: true},
			{At: 7 * s, Granted: true, Minted: true},
		},
		Faults: []fault{{period: period{4 * s, 5 * s}, Kind: killHolder, Hit: 1, Places: []int{1}}},
		Stored: []stored{
			{period{0, 100 * ms}, true, ""},
			{period{100 * ms, 3 * s}, true, "a"},
			{period{3 * s, 7 * s}, true, "b"},
			{period{7 * s, 10 * s}, true, "c"},
		},
		Processes: []*process{
			{Number: 1, Place: 0, Born: 1, Ended: true, Gets: []get{
				first(0, 150*ms, "a"),
				many(200*ms, 3200*ms, "a"),
				many(3200*ms, 5500*ms, "b"),
				many(7100*ms, 8500*ms, "c"),
			}},
			{Number: 2, Place: 1, Born: 1, Killed: 4 * s, Gets: []get{first(0, 160*ms, "a")}},
			{Number: 3, Place: 1, Born: 4200 * ms, Ended: true, Gets: []get{
				first(4300*ms, 5100*ms, "b"),
				many(7200*ms, 8500*ms, "c"),
			}},
		},
	}
}

// first is a Get without a copy.
func first(start, end time.Duration, token string) get {
	return get{Start: start, End: end, Count: 1, Token: token, Ends: ends[token], Worst: end - start}
}

// held is a Get with a copy that is usable for another second.
func held(start, end time.Duration, token string) get {
	g := first(start, end, token)
	g.Usable = start + s
	return g
}

// many are Gets in a row.
func many(from, to time.Duration, token string) get {
	return get{First: from, Start: to - ms, End: to, Count: 100, Usable: to + s, Token: token, Ends: ends[token], Worst: ms / 2}
}

func TestNothingWrong(t *testing.T) {
	assert.Empty(t, clean().violations())
}

// Every check finds what it is there for, and nobody else does.
func TestViolations(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(h *history)
		says  string
	}{
		"dead when the Get began":         {add(held(6*s, 6*s+ms, "a")), "6s: process 1 (replica 0): was handed the token a 0s after its end"},
		"the last of many began too late": {add(many(5600*ms, 6200*ms, "a")), "6.199s: process 1 (replica 0): was handed the token a 199ms after its end"},
		"believed to live longer":         {add(outliving(held(5*s, 5*s, "b"))), "5s: process 1 (replica 0): takes the token b for one that lives 6ms longer than it does"},
		"dead by what it knew": {add(knownToEnd(5*s+deadOf(900*ms)-ms, held(4200*ms, 4200*ms, "b"), held(5*s, 5*s, "b"))...),
			"5s: process 1 (replica 0): was handed the token b, which it knew to be dead for 1ms"},
		"stalled, but for less than it was dead": {both(add(knownToEnd(5*s+deadOf(900*ms)-101*ms, held(4200*ms, 4200*ms, "b"), held(5*s, 5100*ms, "b"))...), stalled(4990*ms, 5100*ms)),
			"5s: process 1 (replica 0): was handed the token b, which it knew to be dead for 101ms"},
		"nobody's token":              {add(held(5*s, 5*s, "x")), "5s: process 1 (replica 0): was handed the token x, which the issuer has not minted"},
		"failed with a copy":          {add(failed(held(4*s, 4*s+ms, ""))), "4s: process 1 (replica 0): failed with a usable copy: why"},
		"failed with a token to read": {add(failed(first(4*s, 5*s, ""))), "4s: process 1 (replica 0): failed with a token in Redis to read: why"},
		"failed with neither": {both(add(failed(first(4*s, 5*s, ""))), emptyRedis),
			"4s: process 1 (replica 0): failed, though the issuer did not: why"},
		"waited with a copy": {add(held(4*s, 4*s+atOnce+ms, "b")), "4s: process 1 (replica 0): waited for 101ms with a copy usable for another 1s"},
		"stalled, but for less than that": {both(add(held(4*s, 4500*ms, "b")), stalled(4100*ms, 4300*ms)),
			"4s: process 1 (replica 0): waited for 310ms with a copy usable for another 1s"},
		"lost its copy": {add(until(7500*ms, held(4*s, 4*s+ms, "b")), first(5*s, 5*s+ms, "b")),
			"5s: process 1 (replica 0): found no copy, where there was one usable for another 2.5s"},
		"waited too long without a copy": {add(first(3*s, 3*s+lease+spread+latency+ms, "b")), "3s: process 1 (replica 0): waited for 1.539s without a copy, where 1.538s are allowed"},
		"failed too late":                {both(add(failed(first(3600*ms, 9*s, ""))), emptyRedis, issuerFails), "3.6s: process 1 (replica 0): waited for 5.4s without a copy, where 3.038s are allowed"},
		"waited longer than its time": {both(add(first(3*s, 3*s+patience+ms, "b")), func(h *history) { h.Faults[0].Failing = 5 }),
			"3s: process 1 (replica 0): waited for 20.001s without a copy, where 20s are allowed"},
		"a call too many": {func(h *history) { h.Calls = append(h.Calls, call{At: s, Granted: true}) },
			"0s to 4s (without a fault): 3 successful calls, where 2 are explained: 2 rotations, 0 direct, 0 by the fault"},
		"a direct call for no reason": {calledDirectly(4500 * ms), "4.5s: process 1 (replica 0) asked the issuer directly, with nothing between it and Redis"},
		"a direct call, though another was cut off": {both(calledDirectly(4500*ms), cutOff, func(h *history) { h.Faults[0].Places = []int{1} }),
			"4.5s: process 1 (replica 0) asked the issuer directly, with nothing between it and Redis"},
		"a direct call long after": {both(calledDirectly(5*s+probe(s)+latency+around+ms), cutOff),
			"7.821s: process 1 (replica 0) asked the issuer directly, with nothing between it and Redis"},
		"and a stall of less than a lease": {both(func(h *history) { h.Calls = append(h.Calls, call{At: s, Granted: true}) }, stalled(s, s+lease*2/3)),
			"0s to 4s (without a fault): 3 successful calls, where 2 are explained: 2 rotations, 0 direct, 0 by the fault"},
		"two calls too many for one fault": {func(h *history) {
			h.Calls = append(h.Calls, call{At: 5 * s, Granted: true}, call{At: 6 * s, Granted: true})
		},
			"4s to 10s (holder killed in mid-call): 3 successful calls, where 2 are explained: 1 rotations, 0 direct, 1 by the fault"},
		"stored token went back": {func(h *history) { h.Stored = append(h.Stored, stored{period{5 * s, 6 * s}, true, "a"}) },
			"5s: in Redis c made way for a, which ends 7s earlier"},
		"never fresh again": {func(h *history) { h.Processes[2].Gets = nil },
			"4s: holder killed in mid-call: processes [3] have had no fresh token since"},
		"fresh again too late": {func(h *history) {
			h.Processes[2].Gets = []get{first(4300*ms, 5100*ms, "a"), first(8900*ms, 9*s, "c")}
		}, "4s: holder killed in mid-call: fresh again after 4s, where 2.725s are allowed"},
		"stopped, unseen": {both(stopped(4*s, 5*s), stalled(4*s, 4509*ms)),
			"4s: process 1 (replica 0): stopped for 1s, of which its heartbeat saw 499ms"},
		"the run could not go on": {func(h *history) { h.Troubles = []string{"nobody asks"} }, "nobody asks"},
		"ended by itself":         {func(h *history) { h.Processes[2].Trouble = "ended by itself: panic" }, "process 3 (replica 1) ended by itself: panic"},
		"did not end":             {func(h *history) { h.Processes[0].Ended = false }, "process 1 (replica 0) did not end when told to"},
	} {
		t.Run(name, func(t *testing.T) {
			h := clean()
			c.spoil(h)
			says := h.violations()
			require.Len(t, says, 1, says)
			line, _, _ := strings.Cut(says[0], "\n") // without the account of calls
			assert.Equal(t, c.says, line)
		})
	}
}

// What looks wrong and has a reason is none.
func TestExcused(t *testing.T) {
	for name, spoil := range map[string]func(h *history){
		"died while the Get was under way":                add(held(6*s-deadFor, 6*s-deadFor+50*ms, "a")),
		"not yet dead by what it knew":                    add(knownToEnd(5*s+deadOf(900*ms), held(4200*ms, 4200*ms, "b"), held(5*s, 5*s, "b"))...),
		"dead as it was told, though waited for":          add(knownToEnd(5200*ms, first(100*ms, 500*ms, "a"), held(5100*ms, 5100*ms, "a"))...),
		"dead for less, as it was told less":              add(knownToEnd(5*s+100*ms, held(600*ms, 600*ms, "a"), held(5*s, 5*s, "a"))...),
		"dead by what it knew, but the clock stepped":     both(add(knownToEnd(5*s+deadOf(900*ms)-100*ms, held(4200*ms, 4200*ms, "b"), held(5*s, 5100*ms, "b"))...), stalled(4990*ms, 5100*ms)),
		"the issuer failed, and there is nothing to read": both(add(failed(first(4*s, 5*s, ""))), emptyRedis, issuerFails),
		"and cut off from what there is":                  both(add(failed(first(4*s, 5*s, ""))), issuerFails, cutOff),
		"the issuer failed a pause ago":                   both(add(failed(first(5*s+s, 6*s, ""))), emptyRedis, issuerFails),
		"waited, but stood still":                         both(add(held(4*s, 4500*ms, "b")), stalled(4050*ms, 4490*ms)),
		"waited, as the copy ended before the look":       both(add(get{Start: 4 * s, End: 5 * s, Count: 1, Usable: 4*s + tightness, Token: "b", Ends: ends["b"]})),
		"and after a stall":                               both(add(held(4*s, 5500*ms, "b")), stalled(3990*ms, 5*s)),
		"stopped, and the heartbeat saw it":               both(stopped(4*s, 5*s), stalled(4*s+490*ms, 5*s)),
		"waited without a copy":                           add(first(4*s, 5*s, "b")),
		"its copy was shorter than it had seemed":         add(until(5*s+shrinks, held(4*s, 4*s+ms, "b")), first(5*s, 5*s+ms, "b")),
		"its copy has ended in a stall":                   both(add(until(7500*ms, held(4*s, 4*s+ms, "b")), first(5*s, 6500*ms, "b")), stalled(5*s, 6500*ms)),
		"one call for the fault":                          func(h *history) { h.Calls = append(h.Calls, call{At: 4 * s, Granted: true}) },
		"one call for a machine that stood still":         both(func(h *history) { h.Calls = append(h.Calls, call{At: s, Granted: true}) }, stalled(s, 2*s)),
		"waited long, for a lease and a call":             add(first(3*s, 3*s+lease+spread+latency, "b")),
		"waited long, for the lease of a cold process":    both(add(first(3*s, 3*s+coldLease+spread+latency, "c")), func(h *history) { h.Faults[0].Cold = true }),
		"waited long, with Redis in trouble":              both(add(first(3*s, 7*s, "b")), cutOff),
		"waited long, as the issuer was slow":             both(add(first(3*s, 6*s, "b")), func(h *history) { h.Faults[0].Latency = 2 * s }),
		"waited long, as the issuer failed twice":         both(add(first(3*s, 7*s, "b")), func(h *history) { h.Faults[0].Failing = 2 }),
		"failed calls":                                    func(h *history) { h.Calls = append(h.Calls, call{At: s}) },
		"a direct call, cut off":                          both(calledDirectly(4500*ms), cutOff),
		"a direct call, with the breaker still open":      both(calledDirectly(5*s+probe(s)+latency+ms), cutOff),
		"a direct call, as Redis cut its clients off":     both(calledDirectly(4500*ms), func(h *history) { h.Faults[0].Kind = killClients }),
		"a direct call after a stop":                      both(calledDirectly(5200*ms), stopped(4*s, 5*s), stalled(4*s, 5*s)),
		"a direct call on a machine that stood still":     both(calledDirectly(3500*ms), func(h *history) { h.Stalls = []stall{{period{2900 * ms, 3400 * ms}, slowCommand}} }),
		"a direct call, when Redis did not answer us":     both(calledDirectly(3500*ms), func(h *history) { h.Stored[1].To, h.Stored[2].Known, h.Stored[2].Token = 3*s, false, "" }),
		"went back, as Redis was restarted": func(h *history) {
			h.Faults[0].Kind = restartRedis
			h.Stored = []stored{{period{3 * s, 4 * s}, true, "b"}, {period{4 * s, 5 * s}, false, ""}, {period{5 * s, 6 * s}, true, "a"}}
		},
		"fresh again late, on a machine that stood still": func(h *history) {
			h.Processes[2].Gets = []get{first(4300*ms, 5100*ms, "a"), first(7900*ms, 8*s, "c")}
			h.Stalls = []stall{{period{5 * s, 6 * s}, s}}
		},
		"killed before it was fresh": func(h *history) { h.Processes[2] = &process{Number: 3, Place: 1, Born: 4200 * ms, Killed: 5 * s} },
	} {
		t.Run(name, func(t *testing.T) {
			h := clean()
			spoil(h)
			assert.Empty(t, h.violations())
		})
	}
}

func add(gets ...get) func(*history) {
	return func(h *history) { h.Processes[0].Gets = append(h.Processes[0].Gets, gets...) }
}

func until(usable time.Duration, g get) get {
	g.Usable = usable
	return g
}

func outliving(g get) get {
	g.Ends += precision + ms
	return g
}

func knownToEnd(at time.Duration, gets ...get) []get {
	for n := range gets {
		gets[n].Ends = at
	}
	return gets
}

func failed(g get) get {
	g.Err = "why"
	return g
}

func both(all ...func(*history)) func(*history) {
	return func(h *history) {
		for _, f := range all {
			f(h)
		}
	}
}

// calledDirectly has process 1 answered by the issuer, as often as is explained by a fault.
func calledDirectly(at time.Duration) func(*history) {
	return func(h *history) {
		h.Processes[0].Direct = []time.Duration{at}
		h.Calls = append(h.Calls, call{At: at, Granted: true})
	}
}

func emptyRedis(h *history) {
	h.Stored[2].To = 3500 * ms
	h.Stored[3] = stored{period{3500 * ms, 10 * s}, true, ""}
}

func issuerFails(h *history) { h.Faults[0].Failing, h.Faults[0].Latency = 1, 0 }

func cutOff(h *history) { h.Faults[0].Places, h.Faults[0].Outage = []int{0}, true }

func stalled(from, to time.Duration) func(*history) {
	return func(h *history) {
		h.Processes[0].Stalls = []stall{{period{from, to}, to - from - beat}}
	}
}

func stopped(from, to time.Duration) func(*history) {
	return func(h *history) { h.Processes[0].Stops = []period{{from, to}} }
}

func TestAccountOfCalls(t *testing.T) {
	h := clean()
	h.Processes[0].Calls = []time.Duration{3*s + ms}
	h.Processes[2].Takeovers = []time.Duration{2 * s}
	assert.Equal(t, "\n\t2s: process 3 (replica 1) took over"+
		"\n\t3s: the issuer answered: granted true, minted true; 0s of the token before were left"+
		"\n\t3.001s: process 1 (replica 0) called", h.account(period{s, 4 * s}))
}

func TestCosts(t *testing.T) {
	assert.Equal(t, 3, fault{Hit: 3}.costs())
	assert.Equal(t, 1, fault{Outage: true}.costs())
	assert.Zero(t, fault{Latency: s}.costs(), "the lease is extended")
}

func TestReadable(t *testing.T) {
	h, g := clean(), first(4*s, 5*s, "")
	p := h.Processes[0]
	assert.True(t, h.readable(p, g))
	h.Stored[2].From = 4*s + ms
	assert.False(t, h.readable(p, g), "not there at first")
	h = clean()
	h.Stored[2].To = 5*s - ms
	assert.False(t, h.readable(p, g), "not there in the end")
	h = clean()
	h.Pairs["b"] = pair{0, 5*s + deadFor}
	assert.False(t, h.readable(p, g), "there, but of no use any more")
	h = clean()
	cutOff(h)
	assert.False(t, h.readable(p, g), "cut off")
	assert.True(t, h.readable(h.Processes[2], g), "another was")
	assert.False(t, h.readable(p, first(5*s+probe(s), 7*s, "")), "the breaker may not have probed yet")
	assert.True(t, h.readable(p, first(5*s+probe(s)+ms, 8*s, "")))
}

func TestMissingKinds(t *testing.T) {
	h := clean()
	assert.NotContains(t, h.missing(), killHolder)
	assert.Len(t, h.missing(), len(kinds)-1)
	for _, k := range kinds {
		h.Faults = append(h.Faults, fault{Kind: k})
	}
	assert.Empty(t, h.missing())
}

func TestDirectCallWithoutReasonExplainsNoCall(t *testing.T) {
	h := clean()
	calledDirectly(4500 * ms)(h)
	assert.Zero(t, h.direct(period{0, h.Over}))
	cutOff(h)
	assert.Equal(t, 1, h.direct(period{0, h.Over}))
}

func TestLockLeft(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(h *history)
		ok    bool
	}{
		"in good order":             {func(*history) {}, false},
		"long after a kill":         {killedAt(8*s - lease - ms), false},
		"after a kill":              {killedAt(8*s - lease), true},
		"by one that was stopped":   {stopped(6*s, 7*s), true},
		"long after a stop":         {stopped(s, 8*s-lease-redisTimeout-ms), false},
		"as it was cut off":         {both(cutOff, func(h *history) { h.Faults[0].To = 8*s - ms }), true},
		"as the breaker was open":   {both(cutOff, func(h *history) { h.Faults[0].period = period{7*s - probe(s), 8*s - probe(s)} }), true},
		"after any other fault":     {func(h *history) { h.Faults[0].To = 8 * s }, false},
		"by one that stood still":   {stalled(7*s, 7*s+slowCommand+beat), true},
		"by one that did for a bit": {stalled(7*s, 7*s+slowCommand), false},
	} {
		t.Run(name, func(t *testing.T) {
			h := clean()
			h.Ended, h.LockLeft = 8*s, true
			c.spoil(h)
			if c.ok {
				assert.Empty(t, h.leftLock())
			} else {
				assert.Equal(t, []string{"8s: a lock is left by processes that ended in good order"}, h.leftLock())
			}
			h.LockLeft = false
			assert.Empty(t, h.leftLock())
		})
	}
}

func killedAt(at time.Duration) func(*history) {
	return func(h *history) { h.Processes[0].Killed = at }
}

func TestDeadOf(t *testing.T) {
	assert.Equal(t, deadFor, deadOf(life-latency))
	assert.Equal(t, 100*ms, deadOf(5*s))
	assert.Equal(t, deadFor, deadOf(5*s+1))
	assert.Equal(t, 20*ms, deadOf(1))
	assert.Zero(t, deadOf(-s))
}
