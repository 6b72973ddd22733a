package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// replica is one life of a process. After a crash the index has another.
type replica struct {
	w        *world
	index    int
	life     int // of this index, from 1
	build    int // 0 is this one: see translator
	name     string
	noDirect bool

	link    *redistest.Link
	client  *redis.Client
	cache   *tokencache.Cache
	sources []*tokencache.Source

	requests, replies, calls, own   *lane
	subscriptions, probes, messages *lane

	since time.Time     // of the start
	gone  chan struct{} // closed by a crash or by Close
	once  sync.Once

	refreshing atomic.Int32
	refreshed  atomic.Int64 // when the last Refresh ended, in Unix nanoseconds
	extends    atomic.Int64 // commands that kept a lease

	mu       sync.Mutex         // guards below
	stop     context.CancelFunc // of Run; nil while it is not active
	drawn    int64              // jitters at the instant
	drawnAt  int64
	rejected map[string]rejection     // by app access token, as this process has seen
	told     []string                 // by app: the last token that Redis was told the rejection of
	filled   []time.Time              // by app: the end of the last fill
	putBacks [][]time.Time            // by app: the last that failed
	had      []tokencache.Token       // by app: the copy when the last call began; zero if there was none
	outlast  map[string]time.Duration // by app access token: see outlasts
	heardOf  map[string]bool          // events, by what they say
	newest   []int                    // by app: the number of the latest event heard
	handed   []handed                 // by app: the latest that was handed out
}

// start starts a replica that nobody reads from yet.
func (w *world) start(index, life int) *replica {
	r := &replica{
		w: w, index: index, life: life, build: w.buildOf(index), name: fmt.Sprintf("r%d.%d", index, life),
		noDirect: index >= w.s.replicas-w.s.noDirect && index < w.s.replicas,
		requests: newLane(8*index + 1), replies: newLane(8*index + 2), calls: newLane(8*index + 3), own: newLane(8*index + 4),
		subscriptions: newLane(8*index + 5), probes: newLane(8*index + 6), messages: newLane(8*index + 7),
		since: time.Now(), gone: make(chan struct{}), rejected: map[string]rejection{},
		outlast: map[string]time.Duration{}, heardOf: map[string]bool{}, newest: make([]int, w.s.apps), handed: make([]handed, w.s.apps),
		told: make([]string, w.s.apps), filled: make([]time.Time, w.s.apps), putBacks: make([][]time.Time, w.s.apps), had: make([]tokencache.Token, w.s.apps),
	}
	r.link = w.redis.Link(r.name)
	r.link.Shape(r.shape())
	w.join(r)
	r.client = w.redis.Client(r.name, func(o *redis.Options) {
		o.Password = password
		o.ContextTimeoutEnabled = index%2 == 1 // see tokencache's guard
		o.MinRetryBackoff = -1                 // go-redis would draw the pause
		// Not a part of the commands' time-out: what is left of a command that timed out
		// would dial again at the moment of those that came after it.
		o.DialerRetryTimeout = 97003019
	})
	r.open()
	w.log.add(r.name, "starts")
	return r
}

// open makes the Cache and its Sources.
func (r *replica) open() {
	cache, err := tokencache.New(r.client, tokencache.Config{
		Replica: r.name, Jitter: r.jitter, Observe: r.observe, Logger: r.w.words.logger(),
		FetchTimeout: r.w.s.fetchTimeout, NoDirect: r.noDirect,
		DirectRate: directRate,
	})
	if err != nil {
		r.w.t.Fatal(err)
	}
	r.cache = cache
	if r.index < r.w.s.ahead && r.w.weather(r).idle == nil {
		r.startRun() // before there are Sources: it takes them in any order
		r.own.sleep(time.Microsecond)
	}
	for _, a := range r.w.apps {
		r.sources = append(r.sources, cache.Source(r.w.fetcher(a, door{r, a})))
		r.own.sleep(time.Microsecond)
	}
}

// startRun has the replica keep its tokens fresh, if it is one that does.
func (r *replica) startRun() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.index >= r.w.s.ahead || r.stop != nil || r.isGone() {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.w.ends.Go(func() { r.said(r.cache.Run(ctx)) })
}

func (r *replica) stopRun() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop != nil {
		r.stop()
		r.stop = nil
	}
}

// begin starts a replica with its readers.
func (w *world) begin(index, life int) *replica {
	r := w.start(index, life)
	w.mu.Lock()
	w.replicas[index] = r
	w.mu.Unlock()
	for _, a := range w.apps {
		for n := range readers {
			w.gets.Go(func() { r.read(a, n) })
		}
	}
	return r
}

// calling notes the copy that there is as a call begins.
func (r *replica) calling(a *app) {
	tok, _ := r.sources[a.index].Peek()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.had[a.index] = tok
}

func (r *replica) hadAtCall(a *app) tokencache.Token {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.had[a.index]
}

// jitter draws by the moment. New draws all at once, and the Cache uses them in turn: how
// many it has used must not depend on the order of what one moment brings.
func (r *replica) jitter() float64 {
	now := time.Now().UnixNano()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.drawnAt != now {
		r.drawnAt, r.drawn = now, 0
	}
	r.drawn++
	return r.w.draws.unit("jitter", int64(r.index), int64(r.life), now, r.drawn)
}

func (r *replica) isGone() bool {
	select {
	case <-r.gone:
		return true
	default:
		return false
	}
}

// said has what the product returns searched for secrets.
func (r *replica) said(err error) { r.w.words.add(fmt.Sprintf("%v %+v %#v", err, err, err)) }

// leave takes the replica off the fleet; false if somebody has done so before.
func (r *replica) leave() (first bool) {
	r.once.Do(func() {
		first = true
		r.w.mu.Lock()
		if r.w.replicas[r.index] == r {
			r.w.replicas[r.index] = nil
		}
		r.w.mu.Unlock()
	})
	return first
}

// crash is kill -9: from this moment on nothing of it reaches anybody. What runs on
// in this process finds every door shut, and ends.
func (r *replica) crash() bool {
	if !r.leave() {
		return false
	}
	r.w.log.add(r.name, "crashes")
	close(r.gone)
	r.link.Down()
	r.w.ends.Go(func() {
		r.stopRun()
		r.said(r.cache.Close())
		_ = r.client.Close()
	})
	return true
}

// close is SIGTERM: what is under way is finished.
func (r *replica) close() bool {
	if !r.leave() {
		return false
	}
	r.w.log.add(r.name, "closes")
	begin := time.Now()
	r.stopRun()
	r.said(r.cache.Close())
	close(r.gone)
	took := time.Since(begin)
	r.w.log.add(r.name, "has closed after %v", took)
	if most := 2*r.w.s.fetchTimeout + 10*time.Second; took > most {
		r.w.check.violated("I6", r.name, "Close took %v, more than %v", took, most)
	}
	_, err := r.sources[0].Get(context.Background())
	if r.said(err); !errors.Is(err, tokencache.ErrClosed) {
		r.w.check.violated("I6", r.name, "Get after Close: %v", plain(err))
	}
	_ = r.client.Close()
	return true
}
