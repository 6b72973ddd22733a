// Package real runs fleets on real Redis, as people run it: alone, in a Cluster,
// behind sentinels, with TLS, under the least of an ACL, and in trouble. Time is real
// too, so the tests are few, wait for what they expect, and run side by side.
// Everything else is in the bubbles of tokencache.
package real

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

const (
	size = 5 // of a fleet
	// patience is for what comes by itself, on a busy machine.
	patience = 40 * time.Second
	// atOnce is how long a Get with a copy may take. It waits for nothing, so what
	// it takes is the machine's: less than a time-out of Redis, by far less than a
	// failover.
	atOnce = 500 * time.Millisecond
)

// issuer is a Fetcher that mints a token at every call, and remembers them.
type issuer struct {
	app     string
	window  time.Duration
	latency time.Duration
	asked   chan struct{} // told of every call that begins, if there is room

	mu     sync.Mutex // guards below
	life   time.Duration
	fails  error
	failed int
	minted []string
	began  []time.Time // the calls that minted them
	ends   map[string]time.Time
}

func newIssuer(app string, life time.Duration) *issuer {
	return &issuer{app: app, life: life, asked: make(chan struct{}, 100), ends: map[string]time.Time{}}
}

func (i *issuer) Credential() tokencache.Credential {
	return tokencachetest.Credential(i.app, i.window)
}

func (i *issuer) Fetch(ctx context.Context) (tokencache.Token, error) {
	began := time.Now()
	select {
	case i.asked <- struct{}{}:
	default:
	}
	select {
	case <-time.After(i.latency):
	case <-ctx.Done():
		return tokencache.Token{}, ctx.Err()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fails != nil {
		i.failed++
		return tokencache.Token{}, i.fails
	}
	token := fmt.Sprintf("%s-%d", i.app, len(i.minted)+1)
	i.minted, i.began = append(i.minted, token), append(i.began, began)
	i.ends[token] = time.Now().Add(i.life)
	return tokencache.NewToken(token, "", i.life), nil
}

func (i *issuer) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fails = err
}

// calls are the successful ones.
func (i *issuer) calls() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.minted)
}

func (i *issuer) failures() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.failed
}

// alive reports whether a token is one of ours, and not past its end.
func (i *issuer) alive(tok tokencache.Token) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return time.Now().Before(i.ends[tok.AppAccessToken()])
}

// number is 1 for the first token, 0 for none of ours.
func (i *issuer) number(tok tokencache.Token) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Index(i.minted, tok.AppAccessToken()) + 1
}

// closest is how long after another call the next has begun, at the least.
func (i *issuer) closest() time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	least := time.Duration(math.MaxInt64)
	for n := 1; n < len(i.began); n++ {
		least = min(least, i.began[n].Sub(i.began[n-1]))
	}
	return least
}

// end is when a token of ours is over.
func (i *issuer) end(tok tokencache.Token) time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.ends[tok.AppAccessToken()]
}

// replica is a Cache with a client and a Source of its own.
type replica struct {
	*tokencache.Source
	cache *tokencache.Cache

	mu     sync.Mutex // guards events
	events []tokencache.Event
}

// newReplica makes one. Jitter is little, so that nothing takes long.
func newReplica(t *testing.T, rdb redis.UniversalClient, i *issuer, mods ...func(*tokencache.Config)) *replica {
	r := &replica{}
	config := tokencache.Config{
		Logger:  slog.New(slog.DiscardHandler),
		Jitter:  func() float64 { return rand.Float64() / 20 },
		Observe: r.observe,
	}
	for _, mod := range mods {
		mod(&config)
	}
	cache, err := tokencache.New(rdb, config)
	require.NoError(t, err)
	t.Cleanup(func() {
		cache.Close()
		if t.Failed() {
			t.Log(strings.Join(r.told(), "\n"))
		}
	})
	r.cache, r.Source = cache, cache.Source(i)
	return r
}

// holds reports whether it has that token, without asking for it.
func (r *replica) holds(tok tokencache.Token) bool {
	got, _ := r.Peek()
	return got.Equal(tok)
}

// also is another credential in the same Cache.
func (r *replica) also(i *issuer) *replica {
	return &replica{Source: r.cache.Source(i), cache: r.cache}
}

func noDirect(c *tokencache.Config) { c.NoDirect = true }

// patient is for where nothing is wrong but the machine's being busy.
func patient(c *tokencache.Config) { c.RedisTimeout = 10 * time.Second }

func (r *replica) observe(e tokencache.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *replica) count(kind tokencache.EventKind) (n int) {
	r.settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// settle returns when all events of what has been done are there: they come in order, so a
// last one is made, by a Source without a Fetcher.
func (r *replica) settle() {
	marker := r.cache.Source(nil)
	r.mu.Lock()
	had := len(r.events)
	r.mu.Unlock()
	_, _ = marker.Get(context.Background())
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		r.mu.Lock()
		seen := slices.ContainsFunc(r.events[had:], func(e tokencache.Event) bool { return e.ID == marker.ID() })
		r.events = slices.DeleteFunc(r.events, func(e tokencache.Event) bool { return seen && e.ID == marker.ID() })
		r.mu.Unlock()
		if seen {
			return
		}
	}
}

// told is the text of the last events, to look at when a test fails.
func (r *replica) told() (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events[max(0, len(r.events)-30):] {
		lines = append(lines, fmt.Sprintf("%v %s %v %v", e.Kind, e.Outcome, e.Duration.Round(time.Millisecond), e.Err))
	}
	return lines
}

// newFleet is so many replicas, each with a client of its own.
func newFleet(t *testing.T, client clients, i *issuer, mods ...func(*tokencache.Config)) []*replica {
	fleet := make([]*replica, size)
	for n := range fleet {
		fleet[n] = newReplica(t, client(t), i, mods...)
	}
	return fleet
}

// all has every replica do something at the same time, and joins their errors.
func all(fleet []*replica, do func(*replica) error) error {
	errs := make([]error, len(fleet))
	var wg sync.WaitGroup
	for n, r := range fleet {
		wg.Go(func() { errs[n] = do(r) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// getAll has all replicas get their token at once, which has to be one, and returns
// it.
func getAll(t *testing.T, fleet []*replica) tokencache.Token {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, all(fleet, func(r *replica) error { _, err := r.Get(ctx); return err }))
	first, _ := fleet[0].Peek()
	for _, r := range fleet {
		tok, ok := r.Peek()
		require.True(t, ok && tok.Equal(first), "one token for all")
	}
	return first
}

// reading has every replica read over and over, until stopped: each Get has to return
// a live token, at once.
func reading(t *testing.T, fleet []*replica, i *issuer) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, r := range fleet {
		wg.Go(func() {
			for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
				start := time.Now()
				tok, err := r.Get(context.Background())
				took := time.Since(start)
				if !assert.NoError(t, err) || !assert.Less(t, took, atOnce) || !assert.True(t, i.alive(tok), "a dead token") {
					return
				}
			}
		})
	}
	stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// eventually waits for what has to come.
func eventually(t *testing.T, yes func() bool, about ...any) {
	t.Helper()
	require.Eventually(t, yes, patience, 10*time.Millisecond, about...)
}

// soon reports whether something comes true for all replicas at the same moment, by the
// time an event has arrived.
func soon(fleet []*replica, yes func(*replica) bool) bool {
	for deadline := time.Now().Add(atOnce); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if !slices.ContainsFunc(fleet, func(r *replica) bool { return !yes(r) }) {
			return true
		}
	}
	return false
}

// unlocked waits until the lock is released. It is so a moment after the token is out.
func unlocked(t *testing.T, r *replica) {
	t.Helper()
	eventually(t, func() bool {
		status, err := r.Status(t.Context())
		return err == nil && status.Locked == 0
	}, "a lock is left")
}
