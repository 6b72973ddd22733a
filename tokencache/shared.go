package tokencache

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"

	"github.com/onetoken-go/onetoken/lock"
)

// shared is what the Sources of a Cache have in common: all of the Cache that one of them knows.
type shared struct {
	config      Config
	id          string // random: Config.Replica may be the name of several
	redis       *guard
	breaker     *breaker
	reports     *reporter
	locker      *lock.Locker
	notifier    *notifier
	fills       *admission
	directCalls *rate.Limiter
	runners     atomic.Int32 // calls of Run
	sources     atomic.Int32 // how many there are
	work        work
	forget      func(Credential, *state) // Cache.letGo: the Cache keeps nothing of that Source any more
}

func (c *shared) replica() replica { return replica{name: c.config.Replica, id: c.id} }

// spawn runs f in a goroutine that Close waits for. It returns false once the Cache is closed.
func (c *shared) spawn(f func()) bool {
	if !c.work.begin() {
		return false
	}
	go func() {
		defer c.work.end()
		defer c.contain()
		f()
	}()
	return true
}

// contain is deferred in a goroutine of ours that may run the code of others, such as a hook
// of the Redis client: a panic of theirs does not end the process.
func (c *shared) contain() {
	if p := recover(); p != nil {
		c.panicked("", p)
	}
}

// panicked reports a panic, which was not that of a callback. It tells the type of the panic's
// value only, as the value may hold anything.
func (c *shared) panicked(key string, p any) {
	c.reports.log(slog.LevelError, "panic survived", whose(key, "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))...)
}

// work is what Close waits for.
type work struct {
	mu      sync.Mutex // guards closed, and that nothing begins once it is set
	closed  bool
	closing chan struct{} // closed when closed is set
	all     sync.WaitGroup
}

// begin and end enclose a piece of work. Begin returns false once the Cache is closed.
func (w *work) begin() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.all.Add(1)
	return true
}

func (w *work) end() { w.all.Done() }

// close has nothing begin any more.
func (w *work) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		close(w.closing)
	}
}

func (w *work) isClosed() bool { return isClosed(w.closing) }
