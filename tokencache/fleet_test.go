package tokencache_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// The tests of the numbered faults run whole fleets in virtual time: a bubble
// with one miniredis, one lookalike issuer and any number of replicas, each with
// a client, a link and a Cache of its own. docs/failures.md lists the rows.

// fleet is what the replicas of a test share.
type fleet struct {
	t      *testing.T
	redis  *redistest.Bubble
	issuer *feishutest.Issuer
	rng    *rand.Rand
	mu     sync.Mutex // guards rng

	replicas []*replica
}

// virtual runs a test in a bubble with a fleet that has no replicas yet.
func virtual(t *testing.T, c feishutest.Config, test func(t *testing.T, f *fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{
			t:      t,
			redis:  redistest.NewBubble(t),
			issuer: feishutest.New(c),
			rng:    rand.New(rand.NewPCG(1, 2)),
		}
		t.Cleanup(f.close)
		test(t, f)
	})
}

func (f *fleet) close() {
	for _, r := range f.replicas {
		r.stop()
	}
}

// jitter makes runs repeatable.
func (f *fleet) jitter() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rng.Float64()
}

// replica is one process of the fleet.
type replica struct {
	fleet  *fleet
	name   string
	link   *redistest.Link
	cache  *tokencache.Cache
	source *tokencache.Source

	mu     sync.Mutex // guards below
	events []tokencache.Event
}

// option changes a replica before it starts.
type option func(*replicaConfig)

type replicaConfig struct {
	cache   tokencache.Config
	redis   []func(*redis.Options)
	hooks   []redis.Hook
	fetcher tokencache.Fetcher
	secret  string
	through http.RoundTripper
}

func (f *fleet) replica(options ...option) *replica {
	f.t.Helper()
	name := fmt.Sprintf("r%d", len(f.replicas))
	r := &replica{fleet: f, name: name, link: f.redis.Link(name)}
	c := replicaConfig{
		cache:   tokencache.Config{Replica: name, Observe: r.observe, Jitter: f.jitter, Logger: slog.New(slog.DiscardHandler)},
		secret:  f.issuer.AppSecret(),
		through: f.issuer.RoundTripper(),
	}
	for _, o := range options {
		o(&c)
	}
	if c.fetcher == nil {
		feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: f.issuer.AppID(), AppSecret: tokencache.NewSecret(c.secret), Transport: c.through})
		require.NoError(f.t, err)
		c.fetcher = feishu
	}
	client := f.redis.Client(name, c.redis...)
	for _, hook := range c.hooks {
		client.AddHook(hook)
	}
	cache, err := tokencache.New(client, c.cache)
	require.NoError(f.t, err)
	r.cache, r.source = cache, cache.Source(c.fetcher)
	f.replicas = append(f.replicas, r)
	return r
}

func (f *fleet) start(n int, options ...option) []*replica {
	f.t.Helper()
	for range n {
		f.replica(options...)
	}
	return f.replicas[len(f.replicas)-n:]
}

func (r *replica) observe(e tokencache.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// count returns how many events of a kind there were, with that outcome unless
// it is empty. Those of steps that are over have been told by then.
func (r *replica) count(kind tokencache.EventKind, outcome string) (n int) {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind == kind && (outcome == "" || detailOf(e) == outcome) {
			n++
		}
	}
	return n
}

// detailOf is what refines an event's kind, if anything does.
func detailOf(e tokencache.Event) string {
	return cmp.Or(string(e.Outcome), string(e.Trouble), e.Reason)
}

func (f *fleet) count(kind tokencache.EventKind, outcome string) (n int) {
	for _, r := range f.replicas {
		n += r.count(kind, outcome)
	}
	return n
}

func (r *replica) stop() { assert.NoError(r.fleet.t, r.cache.Close()) }

// get checks I1 with the issuer at hand-out.
func (r *replica) get(ctx context.Context) (tokencache.Token, error) {
	tok, err := r.source.Get(ctx)
	if err == nil {
		assert.True(r.fleet.t, r.fleet.issuer.Valid(tok.AppAccessToken()), "%s was handed a dead token", r.name)
		assert.True(r.fleet.t, r.fleet.issuer.Valid(tok.TenantAccessToken()))
	}
	return tok, err
}

func (r *replica) mustGet() tokencache.Token {
	r.fleet.t.Helper()
	tok, err := r.get(context.Background())
	require.NoError(r.fleet.t, err, r.name)
	return tok
}

// within is mustGet with a limit in virtual time; 0: at once.
func (r *replica) within(limit time.Duration) tokencache.Token {
	r.fleet.t.Helper()
	start := time.Now()
	tok := r.mustGet()
	assert.LessOrEqual(r.fleet.t, time.Since(start), limit, r.name)
	return tok
}

// together runs do for every replica at once, a nanosecond apart, and waits.
func together(replicas []*replica, do func(*replica)) {
	var wg sync.WaitGroup
	for i, r := range replicas {
		wg.Go(func() {
			time.Sleep(time.Duration(i+1) * time.Nanosecond)
			do(r)
		})
	}
	wg.Wait()
}

// read has every replica call Get every so often for a while.
func read(replicas []*replica, every, during time.Duration) {
	end := time.Now().Add(during)
	together(replicas, func(r *replica) {
		for time.Now().Before(end) {
			r.mustGet()
			time.Sleep(every)
		}
	})
}

func key(kind string) func(f *fleet) string {
	return func(f *fleet) string {
		keys, err := f.redis.Admin().Keys(context.Background(), "onetoken:{*}:"+kind+"*").Result()
		require.NoError(f.t, err)
		if len(keys) == 0 {
			return ""
		}
		return keys[0]
	}
}

func (f *fleet) tokenKey() string { return key("token")(f) }

func (f *fleet) stats() feishutest.Stats { return f.issuer.Stats() }

var errForTest = errors.New("for the test")
