package tokencache_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
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

// nothingLeft closes every Cache and checks that none of them left a lock or a
// subscription. Goroutines the bubble checks itself.
func (f *fleet) nothingLeft() {
	f.t.Helper()
	f.close()
	assert.Empty(f.t, f.lockKey(), "a lock is left")
	time.Sleep(time.Second) // for the server to see connections close
	assert.Empty(f.t, f.redis.Admin().PubSubChannels(context.Background(), "*").Val(), "a subscription is left")
}

// jitter makes runs repeatable.
func (f *fleet) jitter() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rng.Float64()
}

// latency of the issuer in most tests.
const latency = 130 * time.Millisecond

// usual is an issuer as Feishu's: 2 h, with a window of 30 min.
func usual() feishutest.Config { return feishutest.Config{Latency: latency} }

// takeover is the most that jitter and polls add to a lease before somebody else
// has the lock: 300 ms, and round trips.
const takeover = 350 * time.Millisecond

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

// with changes the Config of a replica's Cache.
func with(change func(*tokencache.Config)) option {
	return func(c *replicaConfig) { change(&c.cache) }
}

func noDirect(c *tokencache.Config) { c.NoDirect = true }

// fetching gives a replica a Fetcher of its own for the fleet's credential.
func fetching(f tokencache.Fetcher) option { return func(c *replicaConfig) { c.fetcher = f } }

// via sends a replica's calls to the issuer through another transport.
func via(rt http.RoundTripper) option { return func(c *replicaConfig) { c.through = rt } }

// oneTry is a client whose own retries do not hide an answer behind a time-out.
func oneTry(c *replicaConfig) {
	c.redis = append(c.redis, func(o *redis.Options) { o.MaxRetries = -1 })
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

// run starts Run and returns what ends it and waits for it.
func (r *replica) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.cache.Run(ctx) }()
	return func() {
		cancel()
		assert.NoError(r.fleet.t, <-ended, "the end of ctx is no error")
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

// readAtOnce is read, for replicas with a copy: no Get may wait or fail.
func (f *fleet) readAtOnce(replicas []*replica, every, during time.Duration) {
	f.t.Helper()
	end := time.Now().Add(during)
	together(replicas, func(r *replica) {
		for time.Now().Before(end) {
			r.within(0)
			time.Sleep(every)
		}
	})
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

func (f *fleet) stats() feishutest.Stats { return f.issuer.Stats() }

func (f *fleet) resetCounts() { f.redis.Each((*redistest.Link).ResetCounts) }

func (f *fleet) looks(replicas ...*replica) (n int) {
	for _, r := range replicas {
		n += r.link.Count("EVALSHA", "EVAL")
	}
	return n
}

// feishu is a Fetcher for the fleet's issuer.
func (f *fleet) feishu() tokencache.Fetcher {
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: f.issuer.AppID(), AppSecret: tokencache.NewSecret(f.issuer.AppSecret()), Transport: f.issuer.RoundTripper()})
	require.NoError(f.t, err)
	return feishu
}

// credential is the credential that the fleet's replicas share.
func (f *fleet) credential() tokencache.Credential {
	return f.feishu().Credential()
}

// id is the credential's in Redis.
func (f *fleet) id() string {
	status, err := f.replicas[0].source.Status(context.Background())
	require.NoError(f.t, err)
	return status.ID
}

// keyName is the name that a key of the credential has or would have.
func (f *fleet) keyName(kind string) string {
	f.t.Helper()
	return "onetoken:{" + f.id() + "}:" + kind
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

// keyOf is the one key of a kind.
func (f *fleet) keyOf(kind string) string {
	f.t.Helper()
	k := key(kind)(f)
	require.NotEmpty(f.t, k, "no key %s", kind)
	return k
}

func (f *fleet) tokenKey() string { return key("token")(f) }

// lockKey is "" while nobody holds the lock.
func (f *fleet) lockKey() string { return key("lock")(f) }

// lockKeyAfter is for after a Get: its caller has the token a moment before the
// lock is released.
func (f *fleet) lockKeyAfter() string {
	time.Sleep(time.Millisecond)
	return f.lockKey()
}

// stored is the app access token in Redis, "" if there is none.
func (f *fleet) stored() string {
	return tokencache.AppOf(f.replicas[0].source, f.redis.Admin().HGetAll(context.Background(), f.tokenKey()).Val())
}

func (f *fleet) admin(do any) {
	f.t.Helper()
	switch do := do.(type) {
	case func(*redis.Client, context.Context) *redis.StatusCmd:
		require.NoError(f.t, do(f.redis.Admin(), context.Background()).Err())
	default:
		require.Fail(f.t, "unknown command")
	}
}

// send publishes an event that somebody sends, and returns when it has arrived.
func (f *fleet) send(event string) {
	f.t.Helper()
	require.NoError(f.t, f.redis.Admin().Publish(f.t.Context(), "onetoken:{"+f.replicas[0].source.ID()+"}:events", event).Err())
	time.Sleep(time.Millisecond)
}

func (f *fleet) subscribers(channel string) int64 {
	counts, err := f.redis.Admin().PubSubNumSub(context.Background(), channel).Result()
	require.NoError(f.t, err)
	return counts[channel]
}

// remembering returns what brings the stored token back as it stands now, and has everyone look.
func (f *fleet) remembering() (forget func()) {
	ctx, admin, key := context.Background(), f.redis.Admin(), f.tokenKey()
	record, ends := admin.HGetAll(ctx, key).Val(), time.Now().Add(admin.PTTL(ctx, key).Val())
	require.NotEmpty(f.t, record)
	return func() {
		require.NoError(f.t, admin.Del(ctx, key).Err())
		require.NoError(f.t, admin.HSet(ctx, key, record).Err())
		require.NoError(f.t, admin.PExpire(ctx, key, time.Until(ends)).Err())
		f.redis.Each((*redistest.Link).Cut)
	}
}

// warmScripts makes Redis know the scripts, and have nothing else.
func (f *fleet) warmScripts() {
	f.t.Helper()
	r := f.replica()
	tok := r.mustGet()
	require.NoError(f.t, r.source.Invalidate(context.Background(), tok))
	r.stop()
	require.NoError(f.t, f.redis.Admin().FlushDB(context.Background()).Err())
}

// loadScripts has a replica of another app run all scripts once, and leave.
func (f *fleet) loadScripts() {
	results := []error{errForTest, nil}
	r := f.replica(func(c *replicaConfig) {
		issuer := tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "first", App: "of all"})
		c.fetcher = tokencache.FetchFunc(issuer, func(context.Context) (tokencache.Token, error) {
			err := results[0]
			results = results[1:]
			return tokencache.NewToken("a", "t", time.Hour), err
		})
	})
	_, err := r.source.Get(context.Background())
	require.ErrorIs(f.t, err, errForTest)
	tok, err := r.source.Get(context.Background())
	require.NoError(f.t, err)
	require.NoError(f.t, r.source.Invalidate(context.Background(), tok))
	r.stop()
	f.replicas = nil
}

// sleepUntilDue lets a fleet's token come into everybody's window.
func (f *fleet) sleepUntilDue() {
	f.t.Helper()
	ttl := f.redis.Admin().PTTL(context.Background(), f.tokenKey()).Val()
	require.Greater(f.t, ttl, 24*time.Minute)
	time.Sleep(ttl - 24*time.Minute)
}

// sleepUntilLeft lets time pass until the issuer gives a token so much longer.
func (f *fleet) sleepUntilLeft(tok tokencache.Token, left time.Duration) {
	time.Sleep(f.issuer.Remaining(tok.AppAccessToken()) - left)
}
