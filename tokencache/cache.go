package tokencache

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"github.com/onetoken-go/onetoken/lock"
)

// Cache keeps the tokens of any number of credentials, each a [Source], in one
// Redis. All methods are safe for concurrent use. Close it when done.
type Cache struct {
	*shared
	jitter      *jitter
	stopProbing func() // ends the prober

	mu   sync.Mutex // guards made, and that no Source is made once work is closed
	made map[identity]*Source
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
		shared: &shared{
			config:      config,
			id:          rand.Text(),
			reports:     &reporter{observe: config.Observe, logger: config.Logger},
			fills:       newAdmission(config.MaxFills),
			directCalls: rate.NewLimiter(rate.Limit(config.DirectRate), max(1, int(config.DirectRate))),
			work:        work{closing: make(chan struct{})},
		},
		jitter: draws,
		made:   make(map[identity]*Source),
	}
	c.forget = c.letGo
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

// Source returns the Source of a Fetcher's credential: the same one for equal
// Credentials, whichever Fetcher came first. It does no I/O, and costs so little
// that a process may have ten thousand. If there is no Fetcher, or its Credential is the zero
// one, every method of the Source says so; after Close, every method returns ErrClosed.
func (c *Cache) Source(f Fetcher) *Source {
	s, isNew := c.source(f)
	if isNew {
		s.state.do(s.state.schedule)
	}
	return s
}

// Sources returns those that the Cache has now, in the order of their IDs: all that were made
// and not closed. None once the Cache is closed. It does no I/O, and costs some 2 ms for ten
// thousand.
func (c *Cache) Sources() []*Source {
	if c.work.isClosed() {
		return nil
	}
	sources := c.allSources()
	slices.SortFunc(sources, func(a, b *Source) int { return cmp.Compare(a.ID(), b.ID()) })
	return sources
}

func (c *Cache) source(f Fetcher) (s *Source, isNew bool) {
	credential, broken := credentialOf(f)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.made[credential.identity()]; s != nil && broken == nil {
		return s, false
	}
	s = &Source{engine: newEngine(c.shared, f, credential, c.jitter.of(credential.ID()))}
	s.state.shelf.copy = &s.copy
	if broken != nil {
		s.state.life.broken = fmt.Errorf("tokencache: %w", broken)
		s.state.life.saidClosed = true // of another Source, perhaps, that has this ID
		return s, false
	}
	if c.work.isClosed() {
		s.state.life.broken, s.state.life.saidClosed = ErrClosed, true
		close(s.state.life.gone)
		return s, false
	}
	c.made[credential.identity()] = s
	c.sources.Add(1)
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
func (c *Cache) letGo(of Credential, st *state) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := of.identity()
	if s := c.made[id]; s != nil && &s.state == st {
		delete(c.made, id)
		c.sources.Add(-1)
	}
}

// Close ends everything the Cache does: waiting callers get ErrClosed at once,
// but a call to the issuer that is under way is let finish, its token published
// and its lock released. It returns after two FetchTimeouts and a few
// RedisTimeouts at the latest; what was left behind by then, such as a Fetcher
// that ignores its context, ends by itself. Config.Observe and the Logger have another
// second to be told the rest. Always nil; may be repeated, and called from either.
func (c *Cache) Close() error {
	c.mu.Lock() // no Source is made afterwards
	c.work.close()
	c.mu.Unlock()

	c.fills.close()
	for _, s := range c.allSources() {
		s.retire(ErrClosed)
	}
	c.notifier.close()
	c.stopProbing()
	c.work.all.Wait()
	c.locker.Wait()
	c.redis.release()
	c.reports.close()
	return nil
}

// allSources is a snapshot.
func (c *Cache) allSources() []*Source {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.made))
}

// redisChanged is told by the breaker: also of another reason why Redis does not answer. Nobody
// else hears of it, so it is logged.
func (c *Cache) redisChanged(down bool, err error) {
	if !down {
		c.reports.log(slog.LevelInfo, "redis answers again", whoseAll(c.allSources())...)
		c.reports.event(Event{Kind: EventRecovered})
		c.spawn(c.resume)
		return
	}
	sources, without := c.allSources(), 0
	for _, s := range sources {
		if s.state.usable() == nil {
			without++
		}
	}
	attrs := []any{"err", redisErrorOf(err, "").Error(), "meanwhile", c.config.meanwhile(without)}
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
