package tokencache

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

const (
	feishuWindow = 30 * time.Minute
	feishuLife   = 2 * time.Hour

	almost1 = 1 - 1.0/(1<<53) // the largest draw
)

// someLife is more often short than long.
func someLife(random *rand.Rand) time.Duration {
	longest := time.Second << random.IntN(17)
	return min(defaultMaxLife, time.Second+time.Duration(random.Int64N(int64(longest))))
}

func feishuCopy(remaining time.Duration, from instant) *localCopy {
	return newLocalCopy(NewToken("a", "t", feishuLife), remaining, from, windowOf(feishuWindow, feishuLife, true, 0), 0)
}

// moved is a later look at the clocks, each moved on its own.
func moved(from instant, mono, wall time.Duration) instant {
	return instant{mono: from.mono + mono, wall: from.wall + int64(wall)}
}

// lonelySource is one whose Redis is not to be reached.
func lonelySource(t testing.TB) *Source {
	t.Helper()
	return lonelyCache(t).Source(FetchFunc(MustCredential(CredentialConfig{Issuer: "test"}), noToken))
}

func lonelyCache(t testing.TB) *Cache {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Dialer: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("for the test")
	}})
	cache, err := New(rdb, Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, cache.Close())
		require.NoError(t, rdb.Close())
	})
	return cache
}

// holdOf is why no fill starts.
func holdOf(s *Source) (h hold) {
	s.state.do(func() { h = s.state.pacer.hold })
	return h
}

func noToken(context.Context) (Token, error) { return Token{}, errors.New("for the test") }

// lonely is a breaker that nobody probes for.
func lonely() *breaker { return newBreaker(noJitter, func(bool, error) {}) }

func noJitter() float64 { return 0 }

// guarded is a guard with a client that has go-redis' own long time-outs.
func guarded(t *testing.T, b *redistest.Bubble, mods ...func(*redis.Options)) (*guard, *breaker) {
	breaker := lonely()
	return newGuard(b.Client("us", mods...), time.Second, breaker), breaker
}

func promptly(o *redis.Options)  { o.ContextTimeoutEnabled = true }
func atLeisure(o *redis.Options) { o.ContextTimeoutEnabled = false }

// offline is a client that nobody asks anything.
func offline(t *testing.T) redis.UniversalClient {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// reply is an error that Redis answered.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

var _ redis.Error = reply("")

// between is a hook of a client, which does something when a script has been answered, or before it is
// sent.
type between struct {
	mu     sync.Mutex // guards below
	before map[*redis.Script]func()
	after  map[*redis.Script]func()
}

func (b *between) DialHook(next redis.DialHook) redis.DialHook { return next }

func (b *between) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (b *between) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		b.take(b.before, cmd)
		err := next(ctx, cmd)
		if cmd.Err() == nil {
			b.take(b.after, cmd)
		}
		return err
	}
}

// atNext has something done before the next run of a script is sent, and afterNext when it was answered.
func (b *between) atNext(script *redis.Script, what func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before[script] = what
}

func (b *between) afterNext(script *redis.Script, what func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.after[script] = what
}

// take does what was to be done at a script, once.
func (b *between) take(todo map[*redis.Script]func(), cmd redis.Cmder) {
	args := cmd.Args()
	if len(args) < 2 {
		return
	}
	b.mu.Lock()
	var what func()
	for script, f := range todo {
		if args[1] == script.Hash() {
			what = f
			delete(todo, script)
		}
	}
	b.mu.Unlock()
	if what != nil {
		what()
	}
}

// bubbleCache is one with a Redis in a bubble. Its client heeds deadlines, so that hooks run in the
// goroutine of whoever asks.
func bubbleCache(t *testing.T, fetch func(context.Context) (Token, error)) (*Source, *between, *redistest.Bubble) {
	t.Helper()
	b := redistest.NewBubble(t)
	for _, script := range []*redis.Script{readScript, publishScript, invalidateScript, failScript} {
		require.NoError(t, script.Load(t.Context(), b.Admin()).Err())
	}
	hook := &between{before: map[*redis.Script]func(){}, after: map[*redis.Script]func(){}}
	rdb := b.Client("ours", func(o *redis.Options) { o.ContextTimeoutEnabled = true })
	rdb.AddHook(hook)
	cache, err := New(rdb, Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cache.Close()) })
	return cache.Source(FetchFunc(MustCredential(CredentialConfig{Issuer: "test", Window: 30 * time.Minute}), fetch)), hook, b
}
