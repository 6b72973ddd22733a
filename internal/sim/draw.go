package sim

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// draws makes every number of a run from its seed and from what the number is for,
// never from how many were drawn before: goroutines that happen to run in another
// order still draw the same.
type draws uint64

// of returns 64 bits for a purpose.
func (d draws) of(purpose string, numbers ...int64) uint64 {
	h := fnv.New64a()
	var b [8]byte
	put := func(n uint64) {
		for i := range b {
			b[i] = byte(n >> (8 * i))
		}
		_, _ = h.Write(b[:])
	}
	put(uint64(d))
	for _, n := range numbers {
		put(uint64(n))
	}
	_, _ = h.Write([]byte(purpose))
	return mix(h.Sum64())
}

// mix spreads the bits: FNV's upper ones hardly move with the last byte.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit returns a number from [0, 1).
func (d draws) unit(purpose string, numbers ...int64) float64 {
	return float64(d.of(purpose, numbers...)>>11) / (1 << 53)
}

// sequence returns a generator of its own for one purpose. Only one goroutine may
// draw from it.
func (d draws) sequence(purpose string, numbers ...int64) *rand.Rand {
	return rand.New(rand.NewPCG(d.of(purpose, numbers...), uint64(d)))
}

// between draws evenly.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	return from + time.Duration(r.Int64N(int64(to-from)))
}

// spread draws evenly by order of magnitude: as many short ones as long ones.
func spread(r *rand.Rand, from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	f, t := math.Log(float64(from)), math.Log(float64(to))
	return time.Duration(math.Exp(f + r.Float64()*(t-f)))
}

// In a bubble whatever happens at the same nanosecond happens in an order that the
// Go scheduler chooses. So whoever can wake up has nanoseconds of his own: those
// that leave his remainder when divided by lanes.
const lanes = 256

// lane is one remainder, of which no instant is used twice.
type lane struct {
	number int64

	mu    sync.Mutex // guards taken
	taken map[int64]bool
}

func newLane(number int) *lane { return &lane{number: int64(number), taken: map[int64]bool{}} }

// after returns the first free moment of the lane in d or later, as a duration from
// now.
func (l *lane) after(d time.Duration) time.Duration {
	now := time.Now().UnixNano()
	at := now + max(0, int64(d))
	at += (l.number - at%lanes + lanes) % lanes
	l.mu.Lock()
	defer l.mu.Unlock()
	for at <= now || l.taken[at] {
		at += lanes
	}
	if len(l.taken) > 10000 {
		l.forget(now)
	}
	l.taken[at] = true
	return time.Duration(at - now)
}

// forget lets go of what is past. The caller holds l.mu.
func (l *lane) forget(now int64) {
	for at := range l.taken { // in any order: it only deletes
		if at < now {
			delete(l.taken, at)
		}
	}
}

// until sleeps for about d, and returns early, with false, once over is closed.
func (l *lane) until(over <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(l.after(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-over:
		return false
	}
}

// sleep is until without an end.
func (l *lane) sleep(d time.Duration) { time.Sleep(l.after(d)) }
