package redistest

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/redis/go-redis/v9"
)

// Env is a Redis for one test, and its clients' links.
type Env interface {
	// Client returns a new client on the link of that name.
	Client(name string, mods ...func(*redis.Options)) *redis.Client
	// Link returns the link of that name.
	Link(name string) *Link
	// Admin returns a client that no fault touches and nothing counts, to look
	// at keys and to change them.
	Admin() *redis.Client
	// Virtual reports whether time is; if not, waiting takes as long as it says.
	Virtual() bool
}

// Each runs a test twice: in a bubble on miniredis, and on a real redis-server
// where there is one.
func Each(t *testing.T, f func(t *testing.T, env Env)) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, NewBubble(t)) })
	})
	t.Run("server", func(t *testing.T) { f(t, NewReal(t)) })
}

// Real is an Env on a redis-server: each link is a Proxy.
type Real struct {
	Server *Server
	t      testing.TB

	mu      sync.Mutex // guards proxies
	proxies map[string]*Proxy
}

// NewReal starts a redis-server; see [StartServer].
func NewReal(t testing.TB, args ...string) *Real {
	t.Helper()
	return &Real{Server: StartServer(t, args...), t: t, proxies: map[string]*Proxy{}}
}

// Client implements [Env].
func (r *Real) Client(name string, mods ...func(*redis.Options)) *redis.Client {
	return r.proxy(name).Client(r.t, mods...)
}

// Link implements [Env].
func (r *Real) Link(name string) *Link { return r.proxy(name).Link }

// Admin implements [Env].
func (r *Real) Admin() *redis.Client { return r.Server.Client(r.t) }

// Virtual implements [Env].
func (r *Real) Virtual() bool { return false }

func (r *Real) proxy(name string) *Proxy {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.proxies[name]
	if p == nil {
		p = NewProxy(r.t, r.Server.Addr())
		r.proxies[name] = p
	}
	return p
}
