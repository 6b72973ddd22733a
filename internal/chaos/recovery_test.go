package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRecovery(t *testing.T) {
	f := fault{period: period{2 * s, 3 * s}}
	for name, c := range map[string]struct {
		process process
		took    time.Duration
		waiting []int
	}{
		"a fresh token, a Get at a time":         {process{Born: 1, Gets: []get{first(3*s, 3600*ms, "new")}}, 600 * ms, nil},
		"it had one all the time":                {process{Born: 1, Gets: []get{many(s, 2900*ms, "old"), many(3600*ms, 4*s, "new"), many(4*s, 5*s, "new")}}, 600 * ms, nil},
		"it got one in the fault":                {process{Born: 1, Gets: []get{many(2*s, 4*s, "longest")}}, 0, nil},
		"it had a fresh one before the fault":    {process{Born: 1, Gets: []get{first(s, 1900*ms, "longest"), many(1900*ms, 4*s, "longest")}}, 0, []int{7}},
		"many, which began before the fault":     {process{Born: 1, Gets: []get{many(s, 4*s, "longest")}}, 0, []int{7}},
		"since the one before was due":           {process{Born: 1, Gets: []get{many(s, 4*s, "b"), first(9*s-fresh, 9*s-fresh+600*ms, "c")}}, 600 * ms, nil},
		"before the one before was due":          {process{Born: 1, Gets: []get{many(s, 4*s, "b"), first(9*s-fresh, 9*s-fresh-ms, "c")}}, 0, nil},
		"an old token does not count":            {process{Born: 1, Gets: []get{many(3*s, 4*s, "old")}}, 0, []int{7}},
		"nor what was handed out before":         {process{Born: 1, Gets: []get{first(2*s, 3*s-ms, "longest")}}, 0, []int{7}},
		"nor a failure":                          {process{Born: 1, Gets: []get{failed(first(3*s, 4*s, ""))}}, 0, []int{7}},
		"born later, it has as long":             {process{Born: 3500 * ms, Gets: []get{first(3500*ms, 3600*ms, "new")}}, 100 * ms, nil},
		"not born yet":                           {process{}, 0, []int{7}},
		"killed by the fault":                    {process{Born: 1, Killed: 3 * s}, 0, nil},
		"fresh at first is not fresh in the end": {process{Born: 1, Gets: []get{first(3*s, 9500*ms-fresh, "new")}}, 0, []int{7}},
		"fresh by a moment":                      {process{Born: 1, Gets: []get{first(3*s, 9500*ms-fresh-1, "new")}}, 6500*ms - fresh - 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.process.Number = 7
			h := &history{Processes: []*process{&c.process}}
			r := h.recovery(f)
			assert.Equal(t, c.took, r.Took)
			assert.Equal(t, c.waiting, r.Waiting)
		})
	}
}

func TestStallsOfARecovery(t *testing.T) {
	late := func(took time.Duration, stalls ...stall) *history {
		h := clean()
		h.Processes[2].Gets = []get{first(4300*ms, 5100*ms, "a"), first(5*s, 5*s+took, "longest")}
		h.Pairs["longest"], h.Stalls = pair{5 * s, ends["longest"]}, stalls
		return h
	}
	bound := late(0).Faults[0].bound()
	assert.Empty(t, late(bound).lateRecoveries())
	assert.Len(t, late(bound+ms).lateRecoveries(), 1)
	assert.Len(t, late(bound+ms, stall{period{s, 4*s - ms}, s}).lateRecoveries(), 1, "that was before")
	assert.Len(t, late(bound+ms, stall{period{5*s + bound + 2*ms, 9 * s}, s}).lateRecoveries(), 1, "and that after")
	assert.Empty(t, late(bound+ms, stall{period{5 * s, 6 * s}, ms}).lateRecoveries())

	standing := stall{period{5 * s, 7 * s}, lease + ms}
	assert.Zero(t, late(bound+lease, standing).unjudged())
	assert.Equal(t, 1, late(bound+lease+ms, standing).unjudged())
	assert.Equal(t, []string{"the machine was too slow to tell of 1 recoveries in 1"}, late(bound+lease+ms, standing).lateRecoveries())
	assert.Zero(t, late(bound+lease+2*ms, standing).unjudged(), "a violation all the same")
	h := late(bound+lease+ms, standing)
	h.Faults = append(h.Faults, fault{period: period{4 * s, 5500 * ms}})
	assert.Empty(t, h.lateRecoveries(), "no more than half")
}

func TestBound(t *testing.T) {
	second := period{0, s}
	for name, c := range map[string]struct {
		fault fault
		more  time.Duration // than a rotation takes without any fault
	}{
		"a lost lock":                         {fault{period: second}, latency},
		"Redis was not there":                 {fault{period: second, Outage: true}, latency + 1500*ms + redisTimeout},
		"nor for long":                        {fault{period: period{0, time.Minute}, Outage: true}, latency + 6*s + redisTimeout},
		"the issuer was slow":                 {fault{period: second, Latency: 2 * s}, 2 * s},
		"a lost lock, of one without a token": {fault{period: second, Cold: true}, coldLease - lease + latency},
		"it failed once":                      {fault{period: second, Failing: 1}, latency + 1200*ms},
		"it failed again and again":           {fault{period: second, Failing: 5}, latency + 4800*ms},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, calm+c.more, c.fault.bound())
		})
	}
}

func TestCold(t *testing.T) {
	h := clean()
	assert.False(t, h.cold(s))
	h.Processes[0].Gets = []get{failed(first(0, 100*ms, ""))}
	assert.True(t, h.cold(s))
	h.Processes[0].Killed = s
	assert.False(t, h.cold(s), "it is dead")
}

func TestLargestStall(t *testing.T) {
	h := clean()
	assert.Zero(t, h.largestStall(period{0, 10 * s}))
	stalled(s, s+100*ms)(h)
	assert.Equal(t, 90*ms, h.largestStall(period{0, 10 * s}))
	h.Processes[0].Stops = []period{{s, s + 50*ms}}
	assert.Zero(t, h.largestStall(period{0, 10 * s}), "we did that")
	h.Stalls = []stall{{period{0, s}, 20 * ms}}
	assert.Equal(t, 20*ms, h.largestStall(period{0, 10 * s}), "of the test itself")
}
