package tokencache

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWindowOfFeishu(t *testing.T) {
	for _, test := range []struct {
		name      string
		refresher bool
		draw      float64
		refresh   time.Duration
	}{
		{"refresher goes first", true, 0, 29*time.Minute + 30*time.Second},
		{"refresher in the middle", true, 0.5, 29*time.Minute + 15250*time.Millisecond},
		{"last refresher", true, almost1, 29*time.Minute + 500*time.Millisecond},
		{"replica goes first", false, 0, 26*time.Minute + 33*time.Second},
		{"replica in the middle", false, 0.5, 25*time.Minute + 34*time.Second},
		{"last replica", false, almost1, 24*time.Minute + 35*time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := windowOf(feishuWindow, feishuLife, test.refresher, test.draw)
			assert.InDelta(t, test.refresh, w.refresh, 1, "refresh at %v", w.refresh)
			assert.Equal(t, 2*time.Minute, w.urgent)
			assert.Equal(t, 10*time.Second, w.dead)
		})
	}
}

// The lives of row 25 of the faults: what is left of a token, and issuers with
// short ones.
func TestF25WindowOfLives(t *testing.T) {
	for _, test := range []struct {
		name                    string
		issuerWindow, life      time.Duration
		first, last             time.Duration // refresh of a replica, by draw
		urgent, dead            time.Duration
		lease, pause, remaining time.Duration // remaining: of the issuer's window at the first refresh
	}{
		{
			"2 h", feishuWindow, 2 * time.Hour, 1593 * time.Second, 1475 * time.Second,
			2 * time.Minute, 10 * time.Second, 5 * time.Second, time.Minute, 207 * time.Second,
		},
		{
			"4567 s, a remaining life", feishuWindow, 4567 * time.Second, 1593 * time.Second, 1475 * time.Second,
			2 * time.Minute, 10 * time.Second, 5 * time.Second, time.Minute, 207 * time.Second,
		},
		{
			"1800 s, the whole window", feishuWindow, 1800 * time.Second, 1593 * time.Second, 1475 * time.Second,
			2 * time.Minute, 10 * time.Second, 5 * time.Second, time.Minute, 207 * time.Second,
		},
		{
			"1799 s, in the window", feishuWindow, 1799 * time.Second, 377775 * time.Millisecond, 349791667 * time.Microsecond,
			2 * time.Minute, 10 * time.Second, 5 * time.Second, 41975 * time.Millisecond, 0,
		},
		{
			"20 s", 0, 20 * time.Second, 3375 * time.Millisecond, 3125 * time.Millisecond,
			1875 * time.Millisecond, 400 * time.Millisecond, 937500 * time.Microsecond, 375 * time.Millisecond, 0,
		},
		{
			"10 s", 0, 10 * time.Second, 1125 * time.Millisecond, 1041667 * time.Microsecond,
			625 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, 250 * time.Millisecond, 0,
		},
		{
			"1 s, the shortest", 0, time.Second, 112500 * time.Microsecond, 104166667 * time.Nanosecond,
			62500 * time.Microsecond, 20 * time.Millisecond, 500 * time.Millisecond, 31250 * time.Microsecond, 0,
		},
		{
			"24 h without a window", 0, 24 * time.Hour, 19413 * time.Second, 17975 * time.Second,
			2 * time.Minute, 10 * time.Second, 5 * time.Second, time.Minute, 0,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := windowOf(test.issuerWindow, test.life, false, 0)
			assert.InDelta(t, test.first, w.refresh, float64(time.Microsecond), "first at %v", w.refresh)
			last := windowOf(test.issuerWindow, test.life, false, almost1).refresh
			assert.InDelta(t, test.last, last, float64(time.Microsecond), "last at %v", last)
			assert.Equal(t, test.urgent, w.urgent)
			assert.Equal(t, test.dead, w.dead)
			assert.Equal(t, test.lease, leaseOf(test.issuerWindow, test.life))
			assert.Equal(t, test.pause, pauseOf(test.issuerWindow, test.life))
			if test.remaining > 0 {
				assert.Equal(t, test.remaining, test.issuerWindow-w.refresh)
			}
		})
	}
}

func TestWindowOfIsOrdered(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		issuerWindow, life, draw := someWindow(random), someLife(random), random.Float64()
		about := fmt.Sprintf("window %v, life %v, draw %v", issuerWindow, life, draw)
		refresher := windowOf(issuerWindow, life, true, draw)
		replica := windowOf(issuerWindow, life, false, draw)
		for _, w := range []window{refresher, replica} {
			require.Positive(t, w.dead, about)
			require.Less(t, w.dead, w.urgent, about)
			require.Less(t, w.urgent, w.refresh, about)
			require.Less(t, w.refresh, life, about)
			require.GreaterOrEqual(t, w.urgent-w.dead, min(110*time.Second, span(issuerWindow, life)/3), "%s: time for the issuer", about)
			if life >= issuerWindow && issuerWindow > 0 {
				require.LessOrEqual(t, w.refresh, issuerWindow-min(time.Second, issuerWindow/4), "%s: rounding", about)
			}
		}
		otherDraw := random.Float64()
		require.Greater(t, refresher.refresh, windowOf(issuerWindow, life, false, otherDraw).refresh, "%s: the refresher goes first", about)
	}
}

func TestSpanLeavesAMargin(t *testing.T) {
	for _, test := range []struct {
		name               string
		issuerWindow, life time.Duration
		want               time.Duration
	}{
		{"half a minute of a long window", 30 * time.Minute, 2 * time.Hour, 29*time.Minute + 30*time.Second},
		{"half a minute is a quarter", 2 * time.Minute, time.Hour, 90 * time.Second},
		{"a quarter of a short one", time.Minute, time.Hour, 45 * time.Second},
		{"more than a second for rounding", 4 * time.Second, time.Hour, 2750 * time.Millisecond},
		{"half of the shortest", time.Second, time.Hour, 500 * time.Millisecond},
		{"life as long as the window", time.Minute, time.Minute, 45 * time.Second},
		{"life 1 ns shorter than the window", time.Minute, time.Minute - 1, 15*time.Second - 15*time.Second/4},
		{"no window: a quarter of the life", 0, 40 * time.Second, 7500 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.InDelta(t, test.want, span(test.issuerWindow, test.life), 1)
		})
	}
}

func TestLeaseAndPauseHaveBounds(t *testing.T) {
	assert.Equal(t, 5*time.Second, leaseOf(feishuWindow, 0), "before the first token")
	random := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		issuerWindow, life := someWindow(random), someLife(random)
		about := fmt.Sprintf("window %v, life %v", issuerWindow, life)
		w := span(issuerWindow, life)

		lease := leaseOf(issuerWindow, life)
		require.GreaterOrEqual(t, lease, 500*time.Millisecond, about)
		require.LessOrEqual(t, lease, 5*time.Second, about)
		require.LessOrEqual(t, lease, max(500*time.Millisecond, w/4), "%s: no time for a successor", about)

		pause := pauseOf(issuerWindow, life)
		require.GreaterOrEqual(t, pause, min(250*time.Millisecond, w/4), about)
		require.LessOrEqual(t, pause, time.Minute, about)
		require.LessOrEqual(t, pause, max(250*time.Millisecond, w/10), "%s: too few tries in the window", about)
	}
}

func TestPhaseOf(t *testing.T) {
	w := windowOf(feishuWindow, feishuLife, true, 0)
	for _, test := range []struct {
		name      string
		remaining time.Duration
		want      phase
		state     string
	}{
		{"2 h", 2 * time.Hour, fresh, "fresh"},
		{"29.5 min + 1 ns", 1770*time.Second + 1, fresh, "fresh"},
		{"29.5 min", 1770 * time.Second, due, "due"},
		{"2 min + 1 ns", 2*time.Minute + 1, due, "due"},
		{"2 min", 2 * time.Minute, urgent, "urgent"},
		{"10 s + 1 ns", 10*time.Second + 1, urgent, "urgent"},
		{"10 s", 10 * time.Second, dead, "absent"},
		{"10 s - 1 ns", 10*time.Second - 1, dead, "absent"},
		{"0", 0, dead, "absent"},
		{"an hour ago", -time.Hour, dead, "absent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, w.phaseOf(test.remaining))
			assert.Equal(t, test.state, string(w.phaseOf(test.remaining).state()))
			rest := w.untilNext(test.remaining)
			assert.Equal(t, test.want == dead, rest == 0, "only what is dead stays so")
			assert.Equal(t, test.want, w.phaseOf(test.remaining-max(0, rest-1)), "1 ns before")
			assert.Equal(t, max(test.want, 1)-1, w.phaseOf(test.remaining-rest), "then the next")
		})
	}
}

// someWindow is more often short than long; one in three issuers has none.
func someWindow(random *rand.Rand) time.Duration {
	if random.IntN(3) == 0 {
		return 0
	}
	longest := time.Second << random.IntN(14)
	return time.Second + time.Duration(random.Int64N(int64(longest)))
}
