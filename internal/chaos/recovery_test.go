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
		"many, which began before the fault":     {process{Born: 1, Gets: []get{many(s, 4*s, "longest")}}, 0, nil},
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

func TestBound(t *testing.T) {
	second := period{0, s}
	for name, c := range map[string]struct {
		fault fault
		more  time.Duration // than a rotation takes without any fault
	}{
		"a lost lock":               {fault{period: second}, latency},
		"Redis was not there":       {fault{period: second, Outage: true}, latency + 1500*ms + redisTimeout},
		"nor for long":              {fault{period: period{0, time.Minute}, Outage: true}, latency + 6*s + redisTimeout},
		"the issuer was slow":       {fault{period: second, Latency: 2 * s}, 2 * s},
		"it failed once":            {fault{period: second, Failing: 1}, latency + 1200*ms},
		"it failed again and again": {fault{period: second, Failing: 5}, latency + 4800*ms},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, calm+c.more, c.fault.bound())
		})
	}
}

func TestLargestStall(t *testing.T) {
	h := clean()
	assert.Zero(t, h.largestStall())
	stalled(s, s+100*ms)(h)
	assert.Equal(t, 90*ms, h.largestStall())
	h.Processes[0].Stops = []period{{s, s + 50*ms}}
	assert.Zero(t, h.largestStall(), "we did that")
	h.Stalls = []stall{{period{0, s}, 20 * ms}}
	assert.Equal(t, 20*ms, h.largestStall(), "of the test itself")
}
