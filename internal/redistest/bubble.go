package redistest

import (
	"cmp"
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// address of the Redis in a bubble: a literal one, as go-redis looks up names,
// and a look-up leaves the bubble.
var address = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 6379}

// settle is how long go-redis goes on dialing, in the background, for a client
// that is closed: until it is refused five times, 100 ms apart. A bubble must
// not end before, as its time stops with the test.
const settle = 3 * time.Second

// Bubble is a Redis in virtual time.
type Bubble struct {
	server   *miniredis.Miniredis
	password string // of Admin; set before there are clients

	mu      sync.Mutex // guards what follows
	links   map[string]*Link
	order   []*Link // as they were made, so that a run can be repeated
	clients []*redis.Client
	failing map[*rule]struct{} // on every link, later ones too
	stepped bool               // the server's clock is not ours any more
	ahead   time.Duration      // of ours
}

// NewBubble makes a Redis inside a testing/synctest bubble. It closes itself
// and its clients when the test ends.
func NewBubble(t testing.TB) *Bubble {
	b := &Bubble{server: miniredis.NewMiniRedis(), links: map[string]*Link{}, failing: map[*rule]struct{}{}}
	b.server.ClockTTL(true)
	t.Cleanup(b.close)
	return b
}

// Server returns the miniredis. Never Start it: sockets have no place in a
// bubble.
func (b *Bubble) Server() *miniredis.Miniredis {
	b.tick()
	return b.server
}

// StepClock sets the server's clock, and with it all that ends at a moment of that clock:
// what is left of every key shrinks by d, or grows if d is negative.
func (b *Bubble) StepClock(d time.Duration) {
	b.tick() // what ended before the step has ended
	b.mu.Lock()
	b.stepped = true
	b.ahead += d
	b.mu.Unlock()
	if d < 0 { // forward, miniredis does so itself
		for _, key := range b.server.Keys() {
			if ttl := b.server.TTL(key); ttl > 0 {
				b.server.SetTTL(key, ttl-d)
			}
		}
	}
	b.tick()
}

// tick tells a server whose clock has been set what time it is. Its own stands still then.
func (b *Bubble) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stepped {
		b.server.SetTime(time.Now().Add(b.ahead))
	}
}

// ticking is a connection to the server.
type ticking struct {
	net.Conn
	bubble *Bubble
}

func (t ticking) Write(p []byte) (int, error) {
	t.bubble.tick()
	return t.Conn.Write(p)
}

func (b *Bubble) dialServer() (net.Conn, error) {
	conn, err := b.server.Dial()
	if err != nil {
		return nil, err
	}
	return ticking{conn, b}, nil
}

// RequirePassword makes the server want one, before there is any client. Admin knows
// it; others have to be told by their options.
func (b *Bubble) RequirePassword(password string) {
	b.password = password
	b.server.RequireAuth(password)
}

// Client returns a new client on the link of that name, with the options a
// user's own has by default, but for those that keep a bubble quiet; then mods
// change them.
func (b *Bubble) Client(name string, mods ...func(*redis.Options)) *redis.Client {
	link := b.Link(name)
	return b.client(func(ctx context.Context) (net.Conn, error) { return b.dial(ctx, link) }, mods...)
}

// Admin returns a client that no fault touches and nothing counts.
func (b *Bubble) Admin() *redis.Client {
	return b.client(
		func(context.Context) (net.Conn, error) { return b.dialServer() },
		func(o *redis.Options) { o.Password = b.password },
	)
}

// Virtual implements [Env].
func (b *Bubble) Virtual() bool { return true }

// Link returns the link of that name.
func (b *Bubble) Link(name string) *Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.links[name]
	if l == nil {
		l = newLink()
		for r := range b.failing {
			l.add(r)
		}
		b.links[name] = l
		b.order = append(b.order, l)
	}
	return l
}

// Each calls f for every link there is.
func (b *Bubble) Each(f func(*Link)) {
	b.mu.Lock()
	links := slices.Clone(b.order)
	b.mu.Unlock()
	for _, l := range links {
		f(l)
	}
}

// FailCommands makes the server answer matching commands with an error on every
// link, later ones too. It leaves connections their set-up, unlike miniredis'
// SetError, which makes go-redis fall back to RESP2.
func (b *Bubble) FailCommands(text string, match Match) (undo func()) {
	r := &rule{match: match, left: -1, text: text}
	b.mu.Lock()
	b.failing[r] = struct{}{}
	b.mu.Unlock()
	b.Each(func(l *Link) { l.add(r) })
	return func() {
		b.mu.Lock()
		delete(b.failing, r)
		b.mu.Unlock()
		b.Each(func(l *Link) { l.remove(r) })
	}
}

func (b *Bubble) client(dial func(context.Context) (net.Conn, error), mods ...func(*redis.Options)) *redis.Client {
	o := options(address.String(), mods...)
	timeout := cmp.Or(o.DialTimeout, 5*time.Second)
	// The default dialer applies DialTimeout itself; for a subscription nobody
	// else does.
	o.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(withPlace(ctx, timeout), timeout)
		defer cancel()
		return dial(ctx)
	}
	c := redis.NewClient(o)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clients = append(b.clients, c)
	return c
}

func (b *Bubble) dial(ctx context.Context, link *Link) (net.Conn, error) {
	if err := link.admit(ctx); err != nil {
		return nil, err
	}
	server, err := b.dialServer()
	if err != nil {
		return nil, dialError(err)
	}
	near, far := net.Pipe()
	return &pipe{Conn: near, relay: link.join(far, server)}, nil
}

func (b *Bubble) close() {
	b.mu.Lock()
	clients := b.clients
	b.mu.Unlock()
	for _, c := range clients {
		_ = c.Close()
	}
	b.Each(func(l *Link) {
		l.Down() // first: a dial that gets through would start the server again
		l.BlackHole(false)
	})
	time.Sleep(settle)
	b.server.Close()
	synctest.Wait()
}
