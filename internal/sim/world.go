package sim

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// world is one run: Redis, the issuers, the fleet, and what is known of them.
type world struct {
	t     testing.TB
	s     Scenario
	draws draws

	redis  *redistest.Bubble
	admin  *redis.Client
	apps   []*app
	hand   *lane // of those who make faults and look on
	log    *timeline
	tally  *Tally
	check  *checker
	words  *words
	calls  *calls
	clock  *clock
	events *events
	gets   sync.WaitGroup // readers
	ends   sync.WaitGroup // of crashed and closed replicas
	over   chan struct{}  // no reading any more
	quiet  atomic.Bool    // the faults are long over
	asking atomic.Int32   // calls of issuers that are under way

	mu         sync.Mutex // guards below
	replicas   []*replica // the present ones, by index
	conditions []*condition
	troubles   []*trouble
	armed      []chan *replica              // faults that wait for a call
	builds     []int                        // by index: of the next replica that starts
	past       map[string]map[string]string // fields, by app and kind of record, as a fault has found them
}

// password of Redis, to look for where it should not be.
const password = "password-of-redis"

func newWorld(t testing.TB, s Scenario) *world {
	w := &world{
		t: t, s: s, draws: draws(s.Seed), redis: redistest.NewBubble(t), hand: newLane(0),
		log: newTimeline(), tally: NewTally(), words: &words{}, calls: &calls{},
		clock: newClock(), events: newEvents(), over: make(chan struct{}), past: map[string]map[string]string{},
		builds:   make([]int, s.replicas+1),
		replicas: make([]*replica, s.replicas+1), // and one that looks in when all is over
	}
	w.redis.RequirePassword(password)
	w.admin = w.redis.Admin()
	w.check = newChecker(w)
	for i := range s.apps {
		w.apps = append(w.apps, &app{
			index: i, name: string(rune('A' + i)), numbers: map[string]int{},
			issuer: feishutest.New(feishutest.Config{
				AppID: fmt.Sprintf("cli_sim%d", i), AppSecret: fmt.Sprintf("secret-of-the-app-%d", i),
				Life: s.life, Window: s.window, MintEveryCall: s.mints, Latency: s.latency + time.Duration(i)*time.Microsecond,
			}),
		})
	}
	w.learnKeys()
	return w
}

// learnKeys asks a Cache that nobody uses how the apps are called in Redis.
func (w *world) learnKeys() {
	cache, err := tokencache.New(w.admin, tokencache.Config{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range w.apps {
		a.key = cache.Source(w.fetcher(a, nil)).ID()
	}
	_ = cache.Close()
}

// fetcher calls the issuer of an app by that way.
func (w *world) fetcher(a *app, way http.RoundTripper) tokencache.Fetcher {
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: a.issuer.AppID(), AppSecret: tokencache.NewSecret(a.issuer.AppSecret()), Window: w.s.window,
		Transport: way, Logger: w.words.logger(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return feishu
}

// present returns the replica that has the index now; nil between a crash and the
// restart.
func (w *world) present(index int) *replica {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.replicas[index]
}

// alive returns all that are there, by index.
func (w *world) alive() (all []*replica) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.replicas {
		if r != nil {
			all = append(all, r)
		}
	}
	return all
}
