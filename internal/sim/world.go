package sim

import (
	"fmt"
	"io"
	"log/slog"
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

	redis *redistest.Bubble
	admin *redis.Client
	apps  []*app
	hand  *lane // of those who make faults and look on
	log   *timeline
	tally *Tally
	check *checker
	words *words
	calls *calls
	gets  sync.WaitGroup // readers
	ends  sync.WaitGroup // of crashed and closed replicas
	over  chan struct{}  // no reading any more
	quiet atomic.Bool    // the faults are long over

	mu         sync.Mutex // guards below
	replicas   []*replica // the present ones, by index
	conditions []*condition
	troubles   []*trouble
	armed      []chan *replica // faults that wait for a call
}

// app is one credential.
type app struct {
	index  int
	name   string // A, B
	issuer *feishutest.Issuer
	key    string      // of the credential within Redis' keys
	keeps  atomic.Bool // the issuer hands out what it has revoked

	mu      sync.Mutex     // guards below
	numbers map[string]int // by app access token
	pairs   []feishutest.Pair
}

// password of Redis, to look for where it should not be.
const password = "password-of-redis"

func newWorld(t testing.TB, s Scenario) *world {
	w := &world{
		t: t, s: s, draws: draws(s.Seed), redis: redistest.NewBubble(t), hand: newLane(0),
		log: newTimeline(), tally: NewTally(), words: &words{}, calls: &calls{}, over: make(chan struct{}),
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
		a.key = cache.Source(w.fetcher(a, nil)).Key()
	}
	_ = cache.Close()
}

// fetcher calls the issuer of an app by that way.
func (w *world) fetcher(a *app, way http.RoundTripper) tokencache.Fetcher {
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: a.issuer.AppID(), AppSecret: a.issuer.AppSecret(), Window: w.s.window,
		Transport: way, Logger: w.words.logger(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return feishu
}

// keep has the issuer hand out what it has revoked, or not.
func (a *app) keep(on bool) {
	a.issuer.SetKeepRevoked(on)
	a.keeps.Store(on)
}

// inVain reports whether a call brought nothing that was needed: a token that had been
// given out before, or a new one before the window of the last.
func (a *app) inVain(c feishutest.Call, window time.Duration) bool {
	return c.Granted() && (!c.Minted || c.Remaining >= window)
}

// label names a token without showing it: A2 is the second of app A.
func (a *app) label(token string) string {
	if token == "" {
		return "none"
	}
	n, _ := a.pair(token)
	if n == 0 {
		return a.name + "?"
	}
	return fmt.Sprintf("%s%d", a.name, n)
}

// pair returns the number of a token, from 1, and what the issuer knows of it; 0 for
// one that it never gave out.
func (a *app) pair(token string) (int, feishutest.Pair) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.numbers[token] == 0 {
		a.pairs = a.issuer.Pairs()
		for i, p := range a.pairs {
			a.numbers[p.App] = i + 1
		}
	}
	n := a.numbers[token]
	if n == 0 {
		return 0, feishutest.Pair{}
	}
	return n, a.pairs[n-1]
}

// wasRevoked reports whether the current token of that moment, or the one before it, had
// been revoked. That may be found out late, since a rejection does not count while one
// before it cools.
func (a *app) wasRevoked(at time.Time) bool {
	current, before := false, false
	for _, p := range a.issuer.Pairs() {
		if !p.Minted.After(at) {
			current, before = !p.Revoked.IsZero(), current
		}
	}
	return current || before
}

// words collects everything that may be shown to somebody, to search it for secrets.
type words struct {
	mu   sync.Mutex // guards seen
	seen map[string]bool
}

func (w *words) add(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == nil {
		w.seen = map[string]bool{}
	}
	w.seen[text] = true
}

// Write takes what is logged.
func (w *words) Write(p []byte) (int, error) {
	w.add(string(p))
	return len(p), nil
}

func (w *words) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(io.Writer(w), &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey { // each line once
				return slog.Attr{}
			}
			return a
		},
	}))
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
