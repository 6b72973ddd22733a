package tokencache_test

import (
	"cmp"
	"context"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

// mostGoroutines is the most that a crowd may need: one for each fill and for its command,
// two for each connection in the bubble and its server, and some for the process.
const mostGoroutines = 64*3 + userPool*6 + 100

// A process starts with very many credentials. It does not take its own haste for trouble
// with Redis: fills queue, not commands.
func TestManyColdSourcesUnderRun(t *testing.T) {
	n := many(t)
	for _, trip := range []time.Duration{0, 2 * time.Millisecond, 20 * time.Millisecond} {
		t.Run(trip.String(), func(t *testing.T) {
			crowded(t, n, tokencache.Config{}, func(t *testing.T, w *crowd) {
				w.link.Delay(trip)
				stop := w.run()
				defer stop()
				begin, rounds := time.Now(), (n+63)/64
				limit := time.Duration(1.5 * float64(rounds) * float64(w.latency+5*trip))
				most := 0
				for w.filled() < n && time.Since(begin) < 3*limit {
					time.Sleep(10*time.Millisecond + 7*time.Nanosecond)
					most = max(most, runtime.NumGoroutine())
				}
				took := time.Since(begin)
				synctest.Wait()
				t.Logf("%d filled in %v (limit %v), %d goroutines, %d calls at once, %v", w.filled(), took, limit, most, w.mostCalling, w.link.Counts())
				assert.Equal(t, n, w.filled())
				assert.LessOrEqual(t, took, limit)
				assert.Zero(t, w.count(tokencache.EventDegraded))
				assert.Zero(t, w.count(tokencache.EventDirectCall))
				assert.Equal(t, n, w.count(tokencache.EventCall))
				assert.LessOrEqual(t, most, mostGoroutines)
				assert.LessOrEqual(t, w.mostCalling, 64)
			})
		})
	}
}

// I7: callers that are fewer than the places do not notice that these are limited.
func TestI7AsManyCallersAsFills(t *testing.T) {
	const trip = 2 * time.Millisecond
	crowded(t, 64, tokencache.Config{}, func(t *testing.T, w *crowd) {
		_, err := w.get(0, time.Minute) // connects
		require.NoError(t, err)
		w.link.Delay(trip)
		var all sync.WaitGroup
		for i := 1; i < 20; i++ { // as many as the client has connections
			all.Go(func() {
				took, err := w.get(i, time.Minute)
				assert.NoError(t, err)
				assert.LessOrEqual(t, took, latency+4*trip+trip, "and a trip to connect") // HELLO
			})
		}
		all.Wait()
	})
}

// Callers go first, also for a fill that queues already; and nothing keeps them from ending
// while they queue.
func TestQueuedFills(t *testing.T) {
	const n = 100
	crowded(t, n, tokencache.Config{MaxFills: 1}, func(t *testing.T, w *crowd) {
		defer w.run()()
		time.Sleep(latency / 2) // one runs, and all others queue
		next := n
		queued := func() int {
			for next--; w.has(next) || next == int(w.last.Load()); next-- {
			}
			return next
		}
		overtaking := queued()
		took, err := w.get(overtaking, 5*time.Second)
		require.NoError(t, err)
		assert.LessOrEqual(t, took, 2*latency, "it overtakes 98")

		var all sync.WaitGroup
		leaving, refreshed, forgotten := queued(), queued(), queued()
		all.Go(func() {
			took, err := w.get(leaving, latency/4)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, latency/4, took, "its own time")
		})
		all.Go(func() {
			begin := time.Now()
			_, _, err := w.sources[refreshed].Refresh(t.Context())
			assert.NoError(t, err)
			assert.LessOrEqual(t, time.Since(begin), 5*latency, "the fill that runs, the one above, its own that queued, and one that comes in between")
		})
		all.Go(func() {
			begin := time.Now()
			_, err := w.get(forgotten, time.Minute)
			assert.ErrorIs(t, err, tokencache.ErrClosed)
			assert.Equal(t, latency/2, time.Since(begin), "when it is forgotten")
		})
		time.Sleep(latency / 2)
		_ = w.sources[forgotten].Close()
		all.Wait()

		calls := w.count(tokencache.EventCall)
		time.Sleep(latency / 2)
		closed := queued()
		begin, fills := time.Now(), w.count(tokencache.EventFill)
		all.Go(func() {
			_, err := w.get(closed, time.Minute)
			assert.ErrorIs(t, err, tokencache.ErrClosed)
			assert.Zero(t, time.Since(begin))
		})
		synctest.Wait()
		require.NoError(t, w.cache.Close())
		all.Wait()
		assert.LessOrEqual(t, time.Since(begin), latency, "the call that is under way")
		assert.Equal(t, calls+1, w.count(tokencache.EventCall))
		assert.Greater(t, w.count(tokencache.EventFill), fills+80, "those that queued have ended, too")
	})
}

// Fills that wait for a lock in other hands, or sit out a failure, have no place meanwhile.
func TestSleepersLeaveTheirPlace(t *testing.T) {
	const n, sleepers = 60, 20
	crowded(t, n, tokencache.Config{MaxFills: 4}, func(t *testing.T, w *crowd) {
		for i := range sleepers {
			base := "onetoken:{" + w.sources[i].ID() + "}:"
			if i%2 == 0 {
				require.NoError(t, w.redis.Admin().Set(t.Context(), base+"lock", "another's", 5*time.Second).Err())
				continue
			}
			until := time.Now().Add(5 * time.Second).UnixMilli()
			require.NoError(t, w.redis.Admin().HSet(t.Context(), base+"failure", "issuer", "many", "class", "transient", "until", until, "attempts", 1).Err())
			require.NoError(t, w.redis.Admin().PExpire(t.Context(), base+"failure", time.Minute).Err())
		}
		var all sync.WaitGroup
		begin := time.Now()
		for i := range sleepers {
			all.Go(func() {
				_, err := w.get(i, time.Minute)
				assert.NoError(t, err)
				assert.InDelta(t, 5.5, time.Since(begin).Seconds(), 1, "%d: when the lock is free, the failure over", i)
			})
		}
		time.Sleep(time.Millisecond)
		for i := sleepers; i < n; i++ {
			all.Go(func() {
				_, err := w.get(i, 3*time.Second)
				assert.NoError(t, err, i)
			})
		}
		all.Wait()
	})
}

// Fills of every purpose count: those of Refresh and those that put a token back.
func TestEveryFillHasAPlace(t *testing.T) {
	const n = 40
	crowded(t, n, tokencache.Config{MaxFills: 5}, func(t *testing.T, w *crowd) {
		each := func(do func(i int)) {
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() { do(i) })
			}
			all.Wait()
		}
		w.link.Down()
		each(func(i int) {
			_, err := w.get(i, time.Minute)
			assert.NoError(t, err)
		})
		require.Equal(t, n, w.count(tokencache.EventDirectCall))
		w.link.Heal()
		time.Sleep(20 * time.Second)
		assert.GreaterOrEqual(t, w.count(tokencache.EventPutBack), n)
		each(func(i int) {
			_, _, err := w.sources[i].Refresh(t.Context())
			assert.NoError(t, err)
		})
		assert.Equal(t, 5, w.mostCalling)
	})
}

// many is 1,000 credentials, as each costs some 10 ms of a processor, or ONETOKEN_SOURCES.
func many(t *testing.T) int {
	text := cmp.Or(os.Getenv("ONETOKEN_SOURCES"), "1000")
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}
