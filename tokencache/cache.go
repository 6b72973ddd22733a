package tokencache

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"github.com/onetoken-go/onetoken/lock"
)

// Cache keeps the tokens of any number of credentials, each a [Source], in one
// Redis. All methods are safe for concurrent use. Close it when done.
type Cache struct {
	config      Config
	id          string // random: Config.Replica may be the name of several
	redis       *guard
	breaker     *breaker
	jitter      *jitter
	reports     *reporter
	locker      *lock.Locker
	notifier    *notifier
	fills       *admission
	directCalls *rate.Limiter
	stopProbing func()       // ends the prober
	runners     atomic.Int32 // calls of Run

	mu      sync.Mutex // guards below
	sources map[identity]*Source
	closed  bool
	closing chan struct{}
	work    sync.WaitGroup // whatever Close waits for
}

// New makes a Cache on a Redis client, for standalone, Sentinel or Cluster, which
// stays the caller's to close, after the Cache. It does no I/O and starts nothing.
// The error joins every complaint. A Ring is one: it spreads what belongs together
// over servers that know nothing of each other.
//
// A client that was told to wait for ever (ReadTimeout or WriteTimeout below 0) gets
// time-outs for the Cache's commands, so that a connection that swallows one comes back;
// hooks of such a client do not see them.
//
// Hooks of all others do, go-redis' tracing included. Tokens are sealed by then; the password of
// Redis is in the arguments of HELLO and AUTH, which redisotel records unless it is given
// WithDBStatement(false).
func New(rdb redis.UniversalClient, config Config) (*Cache, error) {
	config = config.withDefaults()
	draws, noDraws := newJitter(config.Jitter)
	err := errors.Join(config.validate(), noDraws)
	_, isRing := rdb.(*redis.Ring)
	switch {
	case isNil(rdb):
		err = errors.Join(err, errors.New("New needs a redis client"))
	case isRing:
		err = errors.Join(err, errors.New("New cannot use a redis.Ring: make a Client, FailoverClient or ClusterClient"))
	}
	if err != nil {
		return nil, fmt.Errorf("tokencache: %w", err)
	}
	c := &Cache{
		config:      config,
		id:          rand.Text(),
		jitter:      draws,
		reports:     &reporter{observe: config.Observe, logger: config.Logger},
		fills:       newAdmission(config.MaxFills),
		directCalls: rate.NewLimiter(rate.Limit(config.DirectRate), max(1, int(config.DirectRate))),
		sources:     make(map[identity]*Source),
		closing:     make(chan struct{}),
	}
	c.breaker = newBreaker(draws.of("breaker").draw, c.redisChanged)
	c.redis = newGuard(rdb, config.RedisTimeout, c.breaker)
	probing, stop := context.WithCancel(context.Background())
	c.stopProbing = stop
	c.breaker.onOpen = func() {
		c.spawn(func() { newProber(c.redis, c.breaker).run(probing) })
	}
	c.locker = lock.New(c.redis)
	c.notifier = &notifier{
		rdb: c.redis.subscriber(), timeout: 2 * config.RedisTimeout, jitter: draws.of("notifier").draw,
		spawn: c.spawn, channels: make(map[string]*channel),
	}
	return c, nil
}

func (c *Cache) replica() replica { return replica{name: c.config.Replica, id: c.id} }

// Source returns the Source of a Fetcher's credential: the same one for equal
// Credentials, whichever Fetcher came first. It does no I/O, and costs so little
// that a process may have ten thousand. If there is no Fetcher, or its Credential is the zero
// one, every method of the Source says so; after Close, every method returns ErrClosed.
func (c *Cache) Source(f Fetcher) *Source {
	s, isNew := c.source(f)
	if isNew {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.schedule()
	}
	return s
}

// Sources returns those that the Cache has now, in the order of their IDs: all that were made
// and not closed. None once the Cache is closed. It does no I/O, and costs some 2 ms for ten
// thousand.
func (c *Cache) Sources() []*Source {
	c.mu.Lock()
	sources := c.allSources()
	if c.closed {
		sources = nil
	}
	c.mu.Unlock()
	slices.SortFunc(sources, func(a, b *Source) int { return cmp.Compare(a.ID(), b.ID()) })
	return sources
}

func (c *Cache) source(f Fetcher) (s *Source, isNew bool) {
	credential, broken := credentialOf(f)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sources[credential.identity()]; s != nil && broken == nil {
		return s, false
	}
	s = &Source{inner: &inner{
		cache:      c,
		fetcher:    f,
		credential: credential,
		store:      store{redis: c.redis, keys: keysOf(c.config.Prefix, credential.ID()), seal: credential.get().seal, url: credential.IssuerURL()},
		jitter:     c.jitter.of(credential.ID()),
		changed:    newBell(),
		gone:       make(chan struct{}),
	}}
	s.shelf = shelf{copy: &s.copy, window: credential.Window(), jitter: s.jitter, rejected: make(rejections)}
	s.pacer.jitter = s.jitter
	if broken != nil {
		s.broken = fmt.Errorf("tokencache: %w", broken)
		return s, false
	}
	if c.closed {
		s.broken = ErrClosed
		close(s.gone)
		return s, false
	}
	c.sources[credential.identity()] = s
	return s, true
}

// credentialOf is whose token f gets, and what is wrong with that.
func credentialOf(f Fetcher) (credential Credential, err error) {
	if f == nil {
		return Credential{}, errors.New("Source needs a Fetcher")
	}
	defer func() {
		if p := recover(); p != nil { // a nil pointer, mostly
			credential, err = Credential{}, fmt.Errorf("Credential of the %T panicked with a %T: is it nil?", f, p)
		}
	}()
	credential = f.Credential()
	if credential.IsZero() {
		err = errors.New("the Fetcher's Credential is the zero one: make it with NewCredential")
	}
	if ff, ok := f.(fetchFunc); ok && ff.fetch == nil {
		err = errors.Join(err, errors.New("FetchFunc needs a function"))
	}
	return credential, err
}

// letGo keeps nothing of a Source any more.
func (c *Cache) letGo(s *Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id := s.credential.identity(); c.sources[id] == s {
		delete(c.sources, id)
	}
}

// Close ends everything the Cache does: waiting callers get ErrClosed at once (but
// one that looks in Redis itself when it has looked: see [Source.Get]),
// but a call to the issuer that is under way is let finish, its token published
// and its lock released. It returns after two FetchTimeouts and a few
// RedisTimeouts at the latest; what was left behind by then, such as a Fetcher
// that ignores its context, ends by itself. Config.Observe and the Logger have another
// second to be told the rest. Always nil; may be repeated, and called from either.
func (c *Cache) Close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.closing)
	}
	sources := c.allSources()
	c.mu.Unlock()

	c.fills.close()
	for _, s := range sources {
		s.close(ErrClosed)
	}
	c.notifier.close()
	c.stopProbing()
	c.work.Wait()
	c.locker.Wait()
	c.redis.release()
	c.reports.close()
	return nil
}

// allSources is a snapshot. The caller holds c.mu.
func (c *Cache) allSources() []*Source {
	sources := make([]*Source, 0, len(c.sources))
	for _, s := range c.sources {
		sources = append(sources, s)
	}
	return sources
}

func (c *Cache) countSources() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sources)
}

// spawn runs f in a goroutine that Close waits for; false once closed.
func (c *Cache) spawn(f func()) bool {
	if !c.begin() {
		return false
	}
	go func() {
		defer c.end()
		defer c.contain()
		f()
	}()
	return true
}

// begin and end enclose what Close waits for.
func (c *Cache) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.work.Add(1)
	return true
}

func (c *Cache) end() { c.work.Done() }

// redisChanged is told by the breaker: also of another reason why Redis does not answer. Nobody
// else hears of it, so it is logged.
func (c *Cache) redisChanged(down bool, err error) {
	if !down {
		c.mu.Lock()
		sources := c.allSources()
		c.mu.Unlock()
		c.reports.log(slog.LevelInfo, "redis answers again", whoseAll(sources)...)
		c.reports.event(Event{Kind: EventRecovered})
		c.spawn(c.resume)
		return
	}
	c.mu.Lock()
	sources := c.allSources()
	c.mu.Unlock()
	without := 0
	for _, s := range sources {
		if s.usable() == nil {
			without++
		}
	}
	attrs := []any{"err", redisErrorOf(err, "").Error(), "meanwhile", c.meanwhile(without)}
	if without > 0 {
		attrs = append(attrs, "without_token", without)
	}
	c.reports.log(slog.LevelWarn, "redis does not answer", whoseAll(sources, attrs...)...)
}

// whoseAll is the attributes of a line about all credentials: their number, or the one that there is.
func whoseAll(sources []*Source, more ...any) []any {
	if len(sources) == 1 {
		return whose(sources[0].ID(), more...)
	}
	return append([]any{"credentials", len(sources)}, more...)
}

// meanwhile says what there is for whoever wants a token while Redis is in trouble, where so many
// credentials have none at hand.
func (c *Cache) meanwhile(without int) string {
	switch {
	case without == 0:
		return "tokens at hand serve"
	case c.config.NoDirect:
		return "whoever has no token at hand gets none, as NoDirect is set"
	}
	return "whoever has no token at hand asks the issuer directly"
}

// contain is deferred in a goroutine of ours that may run the code of others, such as a hook
// of the Redis client: it does not end the process.
func (c *Cache) contain() {
	if p := recover(); p != nil {
		c.panicked("", p)
	}
}

// panicked reports a panic, which was not that of a callback. Its value is nobody's business.
func (c *Cache) panicked(key string, p any) {
	c.reports.log(slog.LevelError, "panic survived", whose(key, "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))...)
}
