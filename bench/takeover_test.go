package bench_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// victimEnv makes this program the process that is killed: it names the Redis, the
// number of locks and the run.
const victimEnv = "ONETOKEN_BENCH_VICTIM"

// What the product does with these tokens: see "Keys and records" in docs/design.md, lock's
// Lease and takeoverJitter in tokencache's wait.go.
const (
	lease          = 5 * time.Second
	extension      = lease / 3
	takeoverSpread = 300 * time.Millisecond
)

// TestTakeover kills a process that holds many locks, in mid-call. Callers of another
// one, without copies, wait for each. Leases are at any point between two extensions
// when the process is killed: the locks were taken one after the other.
func TestTakeover(t *testing.T) {
	locks := sized(50, 3)
	server := redistest.StartServer(t)
	out := &results.Takeover{Locks: locks, LeaseSeconds: lease.Seconds(), SpreadSeconds: takeoverSpread.Seconds()}
	repeat(t, func(run int) {
		victim := startVictim(t, server, locks, run)
		var mu sync.Mutex // guards what follows
		killed, calls := time.Time{}, 0
		cache := peers.NewCache(server.Client(t), tokencache.Config{Replica: "survivor"})
		var waiters sync.WaitGroup
		for i := range locks {
			source := cache.Source(peers.Fetcher(victimApp(run, i), func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				calls++
				out.Seconds.AddTime(time.Since(killed), time.Second)
				return nil
			}))
			waiters.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				defer cancel()
				_, err := source.Get(ctx)
				assert.NoError(t, err)
			})
		}
		// They wait, and leases were extended.
		time.Sleep(time.Duration(sized(500, 100))*time.Millisecond + rand.N(time.Duration(sized(int(extension), 1))))
		mu.Lock()
		assert.Zero(t, calls, "before the kill")
		killed = time.Now()
		mu.Unlock()
		require.NoError(t, victim.Process.Kill())
		_ = victim.Wait()
		waiters.Wait()
		assert.Equal(t, locks, calls)
		require.NoError(t, cache.Close())
	})
	t.Logf("%d takeovers, after %.1f s (%.1f to %.1f)", len(out.Seconds), out.Seconds.Median(), out.Seconds.Min(), out.Seconds.Max())
	found.Takeover = out
}

func victimApp(run, i int) string { return fmt.Sprintf("cli_orphan_%d_%d", run, i) }

// startVictim returns once the process is in all of its calls.
func startVictim(t *testing.T, server *redistest.Server, locks, run int) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run", "^TestVictim$", "-test.timeout", "1m")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d", victimEnv, server.Addr(), locks, run))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	in, calls := bufio.NewScanner(out), 0
	for calls < locks && in.Scan() {
		calls += strings.Count(in.Text(), inCall)
	}
	require.Equal(t, locks, calls, "calls of the victim")
	return cmd
}

// inCall is what the victim says when the issuer would be asked.
const inCall = "in call"

// TestVictim is the process that is killed, and nothing else.
func TestVictim(t *testing.T) {
	var addr string
	var locks, run int
	if n, _ := fmt.Sscan(os.Getenv(victimEnv), &addr, &locks, &run); n != 3 {
		return
	}
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	defer rdb.Close()
	cache := peers.NewCache(rdb, tokencache.Config{Replica: "victim"})
	var wg sync.WaitGroup
	for i := range locks {
		source := cache.Source(peers.Fetcher(victimApp(run, i), func(ctx context.Context) error {
			fmt.Println(inCall)
			<-ctx.Done()
			return ctx.Err()
		}))
		wg.Go(func() { _, _ = source.Get(context.Background()) })
		time.Sleep(extension / time.Duration(locks))
	}
	wg.Wait()
}
