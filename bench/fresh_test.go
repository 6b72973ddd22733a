package bench_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// TestFreshGet reads copies that are fresh, of one Source and of many at random,
// on one core and on all. The ways are taken in turn, a few milliseconds each, so
// that whatever else the machine does falls on all alike, and each time another way
// begins, as one that allocates leaves garbage to the next.
func TestFreshGet(t *testing.T) {
	ours, end := peers.OurLocal(redistest.StartServer(t).Client(t))
	defer end()
	for _, n := range []int{1, sized(10_000, 100)} {
		var ways []freshWay
		for _, local := range append(peers.Locals(), ours) {
			read := local.Fill(n)
			one := []uint32{uint32(n - 1)}
			ways = append(ways, freshWay{
				name: local.Name, read: read,
				allocations: testing.AllocsPerRun(1000, func() { read(one) }),
			})
		}
		for _, parallel := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d Sources, parallel %v", n, parallel), func(t *testing.T) {
				freshGets(t, ways, n, parallel)
			})
		}
	}
}

type freshWay struct {
	name        string
	read        func(picks []uint32)
	allocations float64
}

func freshGets(t *testing.T, ways []freshWay, n int, parallel bool) {
	picks := make([]uint32, sized(1<<17, 1<<10))
	for i := range picks {
		picks[i] = rand.Uint32N(uint32(n))
	}
	read := reading
	if parallel {
		read = readingOnAllCores
	}
	out := make([]results.Fresh, len(ways))
	for i, way := range ways {
		out[i] = results.Fresh{Name: way.name, Sources: n, Parallel: parallel, Allocations: way.allocations}
	}
	repeat(t, func(int) {
		times := make([][]time.Duration, len(ways))
		for turn := range sized(18, 1) {
			for next := range ways {
				i := (turn + next) % len(ways)
				times[i] = append(times[i], read(ways[i].read, picks))
			}
		}
		floor := middle(times[0])
		for i := range ways {
			took := middle(times[i])
			out[i].Nanoseconds.Add(float64(took) / float64(len(picks)))
			out[i].TimesFloor.Add(float64(took) / float64(floor))
		}
	})
	for _, f := range out {
		t.Logf("%-28s %6.1f ns %5.2f x floor, %v allocations", f.Name, f.Nanoseconds.Median(), f.TimesFloor.Median(), f.Allocations)
		if f.Name == peers.Onetoken {
			shall(t, f.Allocations == 0, "no allocations")
		}
	}
	found.Fresh = append(found.Fresh, out...)
}

func reading(read func([]uint32), picks []uint32) time.Duration {
	start := time.Now()
	read(picks)
	return time.Since(start)
}

// readingOnAllCores shares the picks among them, as testing.B's RunParallel would.
func readingOnAllCores(read func([]uint32), picks []uint32) time.Duration {
	start := time.Now()
	var wg sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	for part := range slices.Chunk(picks, (len(picks)+cores-1)/cores) {
		wg.Go(func() { read(part) })
	}
	wg.Wait()
	return time.Since(start)
}

func middle(d []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(d))[len(d)/2]
}
