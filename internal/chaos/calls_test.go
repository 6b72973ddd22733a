package chaos

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestStandstills(t *testing.T) {
	whole := period{0, 10 * s}
	for name, c := range map[string]struct {
		stalls []period
		count  int
	}{
		"none":                           {nil, 0},
		"one":                            {[]period{{s, 2 * s}}, 1},
		"too short":                      {[]period{{s, s + lease/2}}, 0},
		"one, seen by all":               {[]period{{s, 2 * s}, {s + ms, 2*s + ms}, {s - ms, 2*s - ms}}, 1},
		"two":                            {[]period{{4 * s, 5 * s}, {s, 2 * s}}, 2},
		"one after the other":            {[]period{{s, 2 * s}, {2 * s, 2*s + lease}}, 2},
		"for as long as several leases":  {[]period{{s, s + 3*lease}}, 3},
		"what is counted begins in time": {[]period{{10 * s, 11 * s}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := &history{Processes: []*process{{}, {}}}
			for n, p := range c.stalls {
				seen := h.Processes[n%2]
				seen.Stalls = append(seen.Stalls, stall{p, p.To - p.From})
			}
			assert.Equal(t, c.count, h.standstills(whole))
		})
	}
	h := &history{Processes: []*process{{Stops: []period{{s, 2 * s}}, Stalls: []stall{{period{s, 2 * s}, s}}}}}
	assert.Zero(t, h.standstills(whole), "we did that")
}
