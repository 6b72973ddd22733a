package tokencache_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// latency of the issuer in most tests.
const latency = 130 * time.Millisecond

// usual is an issuer as Feishu's: 2 h, with a window of 30 min.
func usual() feishutest.Config { return feishutest.Config{Latency: latency} }

// with changes the Config of a replica's Cache.
func with(change func(*tokencache.Config)) option {
	return func(c *replicaConfig) { change(&c.cache) }
}

func noDirect(c *tokencache.Config) { c.NoDirect = true }

// fetching gives a replica a Fetcher of its own for the fleet's credential.
func fetching(f tokencache.Fetcher) option { return func(c *replicaConfig) { c.fetcher = f } }

// via sends a replica's calls to the issuer through another transport.
func via(rt http.RoundTripper) option { return func(c *replicaConfig) { c.through = rt } }

// script matches the commands that run one of our scripts or redislock's.
func script(names ...string) redistest.Match {
	return func(name string, args []string) bool { return slices.Contains(names, scriptOf(name, args)) }
}

// scriptOf names the script that a command runs, "" for none. Ours are known by
// their files, redislock's by how many arguments they have.
func scriptOf(name string, args []string) string {
	if name != "EVAL" && name != "EVALSHA" {
		return ""
	}
	if ours := ourScripts()[args[0]]; ours == "read" && len(args) == 8 {
		return "look" // which takes the lock
	} else if ours != "" {
		return ours
	}
	switch len(args) {
	case 6:
		return "obtain"
	case 5:
		return "extend"
	case 4:
		return "release"
	}
	panic(fmt.Sprintf("unknown script with %d arguments", len(args)))
}

// ourScripts gives names to hashes and to texts.
var ourScripts = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for _, name := range []string{"read", "publish", "fail", "invalidate"} {
		text, err := os.ReadFile("scripts/" + name + ".lua")
		if err != nil {
			panic(err)
		}
		names[string(text)], names[redis.NewScript(string(text)).Hash()] = name, name
	}
	return names
})

// stall is a transport whose answers can be kept back: a process that is stopped
// between asking the issuer and hearing of it, or killed there.
type stall struct {
	http.RoundTripper

	mu   sync.Mutex // guards gate
	gate chan struct{}
}

func (f *fleet) stall() *stall { return &stall{RoundTripper: f.issuer.RoundTripper()} }

// begin keeps answers back from now on; let gives them.
func (s *stall) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
}

func (s *stall) let() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.gate)
	s.gate = nil
}

// RoundTrip asks at once; the answer has to wait.
func (s *stall) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(r)
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate == nil {
		return resp, err
	}
	select {
	case <-gate:
		return resp, err
	case <-r.Context().Done():
		if err == nil {
			_ = resp.Body.Close()
		}
		return nil, r.Context().Err()
	}
}

// getting calls Get in the background. The result is to be received.
type result struct {
	tok  tokencache.Token
	err  error
	took time.Duration
}

func (r *replica) getting(ctx context.Context) <-chan result {
	done := make(chan result, 1)
	go func() {
		start := time.Now()
		tok, err := r.get(ctx)
		done <- result{tok, err, time.Since(start)}
	}()
	return done
}

// all has every replica call Get at the same time, a nanosecond apart.
func all(ctx context.Context, replicas []*replica) []result {
	results := make([]result, len(replicas))
	var mu sync.Mutex
	together(replicas, func(r *replica) {
		res := <-r.getting(ctx)
		mu.Lock()
		defer mu.Unlock()
		results[slices.Index(replicas, r)] = res
	})
	return results
}

// withinAll has every replica call Get at the same time, and wants the same
// token for all, within a time.
func withinAll(replicas []*replica, limit time.Duration) {
	f := replicas[0].fleet
	f.t.Helper()
	results := all(context.Background(), replicas)
	for i, res := range results {
		require.NoError(f.t, res.err, replicas[i].name)
		assert.LessOrEqual(f.t, res.took, limit, replicas[i].name)
		assert.True(f.t, res.tok.Equal(results[0].tok), "%s has another token", replicas[i].name)
	}
}

// lockKey is "" while nobody holds the lock.
func (f *fleet) lockKey() string { return key("lock")(f) }

// lockKeyAfter is for after a Get: its caller has the token a moment before the
// lock is released.
func (f *fleet) lockKeyAfter() string {
	time.Sleep(time.Millisecond)
	return f.lockKey()
}

// keyName is the name that a key of the credential has or would have.
func (f *fleet) keyName(kind string) string {
	f.t.Helper()
	status, err := f.replicas[0].source.Status(context.Background())
	require.NoError(f.t, err)
	return "onetoken:{" + status.ID + "}:" + kind
}

// stored is the app access token in Redis, "" if there is none.
func (f *fleet) stored() string {
	return tokencache.AppOf(f.replicas[0].source, f.redis.Admin().HGetAll(context.Background(), f.tokenKey()).Val())
}

// nothingLeft closes every Cache and checks that none of them left a lock or a
// subscription. Goroutines the bubble checks itself.
func (f *fleet) nothingLeft() {
	f.t.Helper()
	f.close()
	assert.Empty(f.t, f.lockKey(), "a lock is left")
	time.Sleep(time.Second) // for the server to see connections close
	assert.Empty(f.t, f.redis.Admin().PubSubChannels(context.Background(), "*").Val(), "a subscription is left")
}

// sleepUntilDue lets a fleet's token come into everybody's window.
func (f *fleet) sleepUntilDue() {
	f.t.Helper()
	ttl := f.redis.Admin().PTTL(context.Background(), f.tokenKey()).Val()
	require.Greater(f.t, ttl, 24*time.Minute)
	time.Sleep(ttl - 24*time.Minute)
}

// only returns the events of some kinds, as "kind outcome".
func (r *replica) only(kinds ...tokencache.EventKind) (events []string) {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if slices.Contains(kinds, e.Kind) {
			events = append(events, strings.TrimSpace(e.Kind.String()+" "+detailOf(e)))
		}
	}
	return events
}
