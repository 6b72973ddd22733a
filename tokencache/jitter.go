package tokencache

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// jitter draws from [0, 1). It never calls Config.Jitter, which is somebody else's code,
// while a fill or a lock waits for the draw: New has drawn a ring of numbers ahead, and
// they are used in turn.
type jitter struct {
	ring *[jitterRing]float64 // nil: math/rand/v2
	next atomic.Uint32
}

// jitterRing is how many numbers are drawn ahead.
const jitterRing = 1024

// newJitter draws ahead; nil draws nothing.
func newJitter(draw func() float64) (j *jitter, err error) {
	if draw == nil {
		return &jitter{}, nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a Jitter that panicked with a %T", p)
		}
	}()
	ring := new([jitterRing]float64)
	for i := range ring {
		if ring[i] = draw(); !(ring[i] >= 0 && ring[i] < 1) { // NaN is neither
			return nil, errors.New("a Jitter outside of [0, 1)")
		}
	}
	return &jitter{ring: ring}, nil
}

func (j *jitter) draw() float64 {
	if j.ring == nil {
		return rand.Float64()
	}
	return j.ring[(j.next.Add(1)-1)%jitterRing]
}

// upTo draws a duration from [0, most).
func (j *jitter) upTo(most time.Duration) time.Duration {
	return time.Duration(j.draw() * float64(most))
}

// of draws from the same numbers, beginning at a place that the name decides: what one Source
// draws does not depend on what others draw at the same moment, so that a run can be repeated.
func (j *jitter) of(name string) *jitter {
	own := &jitter{ring: j.ring}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	own.next.Store(h.Sum32() % jitterRing)
	return own
}
