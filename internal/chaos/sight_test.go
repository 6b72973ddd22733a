package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSight(t *testing.T) {
	blindly := func(h *history) { h.Stored = nil }
	removed := func(at time.Duration, gone bool) func(*history) {
		return func(h *history) { h.Removals = []removal{{at, gone}} }
	}
	for name, c := range map[string]struct {
		spoil func(h *history)
		says  []string
	}{
		"saw all":                       {func(*history) {}, nil},
		"saw none":                      {blindly, []string{"the watch saw 0 of 3 tokens that the fleet shared"}},
		"missed one":                    {func(h *history) { h.Stored = h.Stored[:3] }, nil},
		"nothing was shared":            {both(blindly, func(h *history) { h.Processes = h.Processes[:1]; h.Processes[0].Gets = nil }), nil},
		"each replica asked for itself": {both(blindly, calledDirectly(3500*ms), func(h *history) { delete(h.Pairs, "a"); delete(h.Pairs, "c") }), nil},
		"minted in an outage":           {both(blindly, cutOff, func(h *history) { h.Faults[0].From = 0 }), nil},
		"removed":                       {removed(4*s, true), nil},
		"not removed, though there":     {removed(4*s, false), []string{"4s: there was no token to remove, where the watch saw b"}},
		"nor a moment later":            {both(removed(4*s, false), func(h *history) { h.Stored[2].To = 4*s - gapless + ms }), []string{"4s: there was no token to remove, where the watch saw b"}},
		"not seen for a while":          {both(removed(4*s, false), func(h *history) { h.Stored[2].To = 4*s - gapless }), nil},
		"nothing there":                 {removed(50*ms, false), nil},
		"its time may have been up":     {removed(ends["b"]-2*shrinks, false), nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := clean()
			c.spoil(h)
			assert.Equal(t, c.says, h.sightless())
		})
	}
}

func TestSightOfMany(t *testing.T) {
	h := &history{Pairs: map[string]pair{}, Processes: []*process{{}}}
	for n := range 20 {
		token := string(rune('a' + n))
		h.Pairs[token] = pair{0, s}
		h.Processes[0].Gets = append(h.Processes[0].Gets, first(0, 0, token))
		if n >= 4 {
			h.Stored = append(h.Stored, stored{Known: true, Token: token})
		}
	}
	assert.Equal(t, []string{"the watch saw 16 of 20 tokens that the fleet shared"}, h.sightless())
	h.Stored = append(h.Stored, stored{Known: true, Token: "a"})
	assert.Empty(t, h.sightless())
}
