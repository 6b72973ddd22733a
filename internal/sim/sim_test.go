package sim_test

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/sim"
)

var (
	seeds   = flag.Int("sim.seeds", defaultSeeds(), "how many seeds TestSeeds plays, profile by profile in turn; ONETOKEN_SIM_SEEDS is the default")
	first   = flag.Uint64("sim.first", 1, "the first of them")
	seed    = flag.Int64("sim.seed", -1, "play this seed alone and print its timeline")
	stop    = flag.Bool("sim.stop", false, "stop at the first seed that fails")
	profile = flag.String("sim.profile", "", "play this profile alone")
)

func defaultSeeds() int {
	if n, err := strconv.Atoi(os.Getenv("ONETOKEN_SIM_SEEDS")); err == nil && n > 0 {
		return n
	}
	return 40
}

// shards run side by side, each a run at a time.
const shards = 4

// play runs one scenario in a bubble of its own.
func play(t *testing.T, s sim.Scenario) (result sim.Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { result = sim.Run(t, s) })
	return result
}

// scenarios are the runs to play: seed by seed, the profile of each in turn.
func scenarios() (list []sim.Scenario) {
	profiles := sim.Profiles()
	add := func(seed uint64, p sim.Profile) {
		if *profile == "" || p.Name == *profile {
			list = append(list, sim.NewScenario(seed, p))
		}
	}
	if *seed >= 0 {
		for _, p := range profiles {
			add(uint64(*seed), p)
		}
		return list
	}
	for n := range uint64(*seeds) {
		seed := *first + n
		if *profile != "" {
			for _, p := range profiles {
				add(seed, p)
			}
			continue
		}
		add(seed, profiles[seed%uint64(len(profiles))])
	}
	return list
}

func TestSeeds(t *testing.T) {
	list, total, begin := scenarios(), sim.NewTally(), time.Now()
	var failed atomic.Bool
	require.NotEmpty(t, list, "no run: is there a profile %q?", *profile)
	t.Run("shard", func(t *testing.T) {
		for n := range shards {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				for i := n; i < len(list); i += shards {
					if *stop && failed.Load() {
						return
					}
					result := play(t, list[i])
					total.Add(result.Tally)
					report(t, list[i], result)
					if len(result.Violations) > 0 {
						failed.Store(true)
					}
				}
			})
		}
	})
	t.Logf("%d runs in %v\n%v", len(list), time.Since(begin).Round(time.Millisecond), total)
	if len(list) >= 300 && (*profile == "" || *profile == "all") {
		for _, name := range sim.FaultNames() {
			assert.Positive(t, total.Count("fault "+name), "no fault %q", name)
		}
		for _, name := range sim.Outcomes() {
			assert.Positive(t, total.Count("outcome "+name), "no outcome %q", name)
		}
	}
	if len(list) >= 300 && *profile == "" {
		for _, name := range sim.Sights() {
			assert.Positive(t, total.Count(name), "nothing %s", name)
		}
	}
	if len(list) >= 300 && *profile == "fields" {
		for _, name := range sim.Damages() {
			assert.Positive(t, total.Count(name), "no %s", name)
		}
	}
}

// report prints what a failing run needs, and all there is of one that was asked for.
func report(t *testing.T, s sim.Scenario, r sim.Result) {
	t.Helper()
	if *seed >= 0 {
		t.Logf("seed %d, profile %s:\n%s", s.Seed, s.Profile.Name, strings.Join(r.Timeline, "\n"))
	}
	if len(r.Violations) == 0 {
		return
	}
	near := ""
	if *seed < 0 {
		near = "\n" + strings.Join(r.Near, "\n")
	}
	t.Errorf("seed %d, profile %s:\n  %s%s\nplay it again: %s", s.Seed, s.Profile.Name, strings.Join(r.Violations, "\n  "), near, sim.Replay(s))
}

// A seed is the same run every time, to the nanosecond.
func TestSeedsRepeat(t *testing.T) {
	for i, p := range sim.Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			s := sim.NewScenario(*first+999+uint64(i), p)
			once, again := play(t, s), play(t, s)
			require.NotEmpty(t, once.Timeline)
			for i := range min(len(once.Timeline), len(again.Timeline)) {
				require.Equal(t, once.Timeline[i], again.Timeline[i], "line %d, after %s", i, strings.Join(once.Timeline[max(0, i-5):i], "\n"))
			}
			require.Len(t, again.Timeline, len(once.Timeline))
		})
	}
}
