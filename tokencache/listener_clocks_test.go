package tokencache

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// F46: whatever the clocks did since the last look, and however late the event is, a copy that is
// made of one outlives its token by less than the margin that is never handed out. Both at once, to
// the same extent, is what nobody can tell.
func TestF46CopiesOfEventsDoNotOutliveTheirToken(t *testing.T) {
	const ms, day = time.Millisecond, 24 * time.Hour
	adopted, looks, s := 0, 0, lonelySource(t)
	for _, life := range []time.Duration{time.Second, 4 * time.Second, time.Minute, 2 * time.Hour} {
		for _, age := range []time.Duration{0, time.Second, time.Hour, 3 * day} { // of the anchor
			for _, look := range []time.Duration{0, ms, 900 * ms, 3 * time.Second} { // on its way to Redis
				for _, step := range []time.Duration{-time.Hour, -3 * time.Second, -60 * ms, 0, 60 * ms, 3 * time.Second, time.Hour} {
					for _, late := range []time.Duration{0, ms, 30 * ms, 900 * ms, 3 * time.Second, time.Hour} {
						for _, drift := range []float64{-1e-4, 0, 1e-4} { // of the monotonic clock
							for _, wall := range []time.Duration{-time.Hour, -ms, 0, ms, time.Hour} { // set meanwhile
								if min(step, late) > life/100 {
									continue // both at once
								}
								left := life * 3 / 4
								s.copy.Store(nil)
								at, redis := now(), time.UnixMilli(1_700_000_000_000)
								s.state.shelf.anchor = anchor{
									at:    instant{at.mono - age - look - time.Duration(drift*float64(age)), at.wall - int64(age+look+wall)},
									redis: redis.Add(-age), epoch: 1,
								}
								stored := redis.Add(step - late)
								h := wire.TokenHint{
									Fingerprint: wire.Fingerprint("a", ""), Life: life,
									At: wire.TokenTimes{StoredAt: stored, CheckedAt: stored.Add(-ms), EndsAt: stored.Add(left)},
								}
								var err error
								h.Sealed, err = s.store.seal.SealToken(s.ID(), "a", "", life, h.At)
								require.NoError(t, err)
								s.listener.heard(wire.EventToken, h.String())
								c := s.copy.Load()
								if c == nil {
									looks++
									continue
								}
								adopted++
								assert.LessOrEqual(t, c.remaining-c.window.dead, left-late,
									"life %v, anchor %v, look %v, step %v, late %v, drift %v, wall %v", life, age, look, step, late, drift, wall)
							}
						}
					}
				}
			}
		}
	}
	assert.Positive(t, adopted)
	assert.Positive(t, looks)
}
