package chaos

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReport(t *testing.T) {
	h := clean()
	p := h.Processes[0]
	p.Direct, p.Takeovers = append(p.Direct, s), append(p.Takeovers, s, 2*s)
	p.Gets = append(p.Gets, held(4*s, 4*s+20*ms, "b"))
	p.Gets = append(p.Gets, held(7*s, 9*s, "b"))
	p.Stops = []period{{7 * s, 8 * s}}
	h.Stalls = []stall{{period{0, s}, 15 * ms}}
	h.Stored[1].Known = false
	text := h.report(5, 1)
	for _, line := range []string{
		"chaos: 2 replicas, 10s, seed 5\n",
		"  Gets                                  405  in 3 processes\n",
		"  successful calls                        3  allowed: 3 rotations + 1 by faults + 1 direct\n",
		"    holder killed in mid-call             1\n",
		"    issuer fails                          0\n",
		"  direct calls                            1\n",
		"  takeovers                               2\n",
		"  worst Get with a copy                20ms  but for stopped processes\n",
		"  worst Get without one               800ms\n",
		"  worst recovery                     1.575s  allowed: 2.725s, and the largest stall; after: holder killed in mid-call\n",
		"  recoveries not to be judged             0  the machine stood still for more than a lease\n",
		"  largest stall                        15ms  of a heartbeat of 10ms\n",
		"  violations                              1\n",
	} {
		assert.Contains(t, text, line)
	}
}
