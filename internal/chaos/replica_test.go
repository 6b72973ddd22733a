//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

// assignment makes a process a replica. It travels in the environment: arguments are
// for everybody to see, and it has a secret.
type assignment struct {
	Number, Place int
	Began         time.Time // of the run
	Longest       time.Duration
	Redis, Issuer string
	AppID, Secret string
}

const (
	assignmentEnv = "ONETOKEN_CHAOS_REPLICA"
	placeHeader   = "Chaos-Place" // of the request to the issuer: who asks

	callers = 3
)

// assigned returns what this process is to do, if it is a replica.
func assigned() (a assignment, ok bool) {
	text, ok := os.LookupEnv(assignmentEnv)
	if !ok {
		return a, false
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		panic("chaos: the assignment cannot be read") // without quoting it
	}
	return a, true
}

// replica calls Get until its standard input ends, as it does when the test dies, and
// tells of everything on its standard output. Whatever happens, it does not live for ever.
func replica(a assignment) (code int) {
	time.AfterFunc(a.Longest, func() { os.Exit(4) })
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		time.AfterFunc(2*patience, func() { os.Exit(3) })
		close(stop)
	}()
	out := &recorder{began: a.Began, out: os.Stdout}
	out.step(stepBorn)
	over := make(chan struct{}) // what is called for when it is told to stop can stall as well
	go heartbeat(over, time.Now, out.stall)

	rdb := redis.NewClient(&redis.Options{Addr: a.Redis, ContextTimeoutEnabled: a.Number%2 == 1}) // the cache has a way for each
	defer func() { _ = rdb.Close() }()
	cache, err := tokencache.New(rdb, tokencache.Config{
		Replica: strconv.Itoa(a.Number),
		Logger:  slog.New(slog.DiscardHandler),
		Observe: out.event,
	})
	if err != nil {
		panic(err)
	}
	feishu, err := a.fetcher()
	if err != nil {
		panic(err)
	}
	source := cache.Source(feishu)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() { (&caller{source: source, out: out}).run(stop) })
	}
	wg.Wait()
	_ = cache.Close()
	close(over)
	out.step(stepEnded)
	return 0
}

// fetcher is of the one credential that all replicas share.
func (a assignment) fetcher() (*fetcher.Feishu, error) {
	return fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: a.AppID, AppSecret: tokencache.NewSecret(a.Secret), BaseURL: a.Issuer, Window: window,
		Transport: signed{strconv.Itoa(a.Place), &http.Transport{DisableKeepAlives: true}},
	})
}

// signed says whose request it is.
type signed struct {
	place string
	base  http.RoundTripper
}

func (s signed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(placeHeader, s.place)
	return s.base.RoundTrip(r)
}

// event keeps what the report counts.
func (r *recorder) event(e tokencache.Event) {
	switch {
	case e.Kind == tokencache.EventTakeover:
		r.step(stepTakeover)
	case e.Kind == tokencache.EventCall && e.Err == nil:
		r.step(stepCall)
	case e.Kind == tokencache.EventDirectCall && e.Err == nil:
		r.step(stepDirect)
	}
}

// caller of Get, at an easy pace.
type caller struct {
	source *tokencache.Source
	out    *recorder
	streak streak
}

func (c *caller) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			c.write(c.streak.flush())
			return
		case <-time.After(5*time.Millisecond + rand.N(15*time.Millisecond)):
			c.write(c.streak.add(c.get()))
		}
	}
}

func (c *caller) write(gets []get) {
	for _, g := range gets {
		c.out.get(g)
	}
}

// get looks for the copy first: what it could hand out, the Get after it can as well.
func (c *caller) get() get {
	g := get{Count: 1}
	if held, ok := c.source.Peek(); ok {
		g.Usable = c.out.at(held.Expiry()) - deadFor
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	start := time.Now()
	tok, err := c.source.Get(ctx)
	end := time.Now()
	g.Start, g.End = c.out.at(start), c.out.at(end)
	g.Worst = g.took()
	if err != nil {
		g.Err = err.Error()
		return g
	}
	g.Token, g.Ends = nameOf(tok), c.out.at(tok.Expiry())
	return g
}
