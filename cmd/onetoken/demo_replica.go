package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

var errKilled = errors.New("this replica was killed")

// replica is what a process would be in a real fleet: a Cache, connections and
// a reader of its own. It shares nothing with the others but Redis.
type replica struct {
	fleet   *fleet
	number  int             // from 1, never given twice
	place   int             // in the fleet's picture
	reading context.Context // of its reader, which is its life
	wire    *wire
	rdb     *redis.Client
	cache   *tokencache.Cache
	source  *tokencache.Source
	dead    atomic.Bool
	held    atomic.Pointer[tokencache.Token] // the last one it was handed
	served  atomic.Bool                      // a wait has ended with a token
}

func newReplica(ctx context.Context, f *fleet, number, place int) (*replica, error) {
	r := &replica{fleet: f, number: number, place: place, reading: ctx, wire: &wire{dialer: f.dial}}
	r.rdb = redis.NewClient(&redis.Options{
		Addr:     "127.0.0.1:0", // a name only: the dialer knows where
		Dialer:   r.wire.dial,
		PoolSize: 4, // one fill at a time needs two; the rest of the process never asks
		// A thousand of these are in one process.
		ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10, PipelinePoolSize: -1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	logger := slog.New(mortal{f.logger.Handler(), &r.dead}).With("replica", number)
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: f.issuer.AppID(), AppSecret: tokencache.NewSecret(f.issuer.AppSecret()),
		BaseURL: "http://localhost", // never dialled: Transport is in the process
		Window:  f.o.window(), Transport: r, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	r.cache, err = tokencache.New(r.rdb, tokencache.Config{
		Replica: "replica " + strconv.Itoa(number), Logger: logger, Observe: r.observe,
	})
	if err != nil {
		return nil, err
	}
	r.source = r.cache.Source(feishu)
	return r, nil
}

// RoundTrip is the replica's way to the issuer.
func (r *replica) RoundTrip(req *http.Request) (*http.Response, error) { return r.fleet.call(r, req) }

// read asks for the token again and again, as requests to a service would.
func (r *replica) read() {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-r.reading.Done():
			return
		case <-pause.C:
		}
		if r.dead.Load() {
			return
		}
		r.readOnce()
		pause.Reset(time.Duration((0.5 + rand.Float64()) * float64(r.fleet.o.pause)))
	}
}

// readOnce hands a token out and checks with the issuer that it is good.
func (r *replica) readOnce() {
	tok, err := r.source.Get(r.reading)
	if r.dead.Load() || (err != nil && r.reading.Err() != nil) {
		return // nobody is there to be disappointed
	}
	tally := &r.fleet.tally
	tally.gets.Add(1)
	if err != nil {
		tally.fail(err)
		return
	}
	if !r.fleet.issuer.Valid(tok.AppAccessToken()) || !r.fleet.issuer.Valid(tok.TenantAccessToken()) {
		tally.invalid.Add(1)
	}
	if last := r.held.Load(); last == nil || !last.Equal(tok) {
		r.held.Store(&tok)
	}
}

// observe is told of each wait of a Get, in order: of a replica that has held no token, up
// to the first that ended with one.
func (r *replica) observe(e tokencache.Event) {
	if r.dead.Load() {
		return
	}
	switch {
	case e.Kind == tokencache.EventWait && !r.served.Load():
		r.fleet.tally.firstWaits.Add(1)
		r.served.Store(e.Err == nil)
	case e.Kind == tokencache.EventWait:
		r.fleet.tally.lateWaits.Add(1)
	case e.Kind == tokencache.EventPublish && e.Outcome == tokencache.OutcomeStored:
		r.fleet.tally.refresh(r.number)
	}
}

func (r *replica) die() {
	r.dead.Store(true)
	r.wire.cut()
}

func (r *replica) close() {
	_ = r.cache.Close()
	_ = r.rdb.Close()
}

// wire is a replica's connections to Redis, which can be cut all at once.
type wire struct {
	dialer dialer

	mu    sync.Mutex // guards the rest
	isCut bool
	conns []net.Conn
}

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := w.dialer(ctx)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isCut {
		_ = conn.Close()
		return nil, errKilled
	}
	w.conns = append(w.conns, conn)
	return conn, nil
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for _, conn := range w.conns {
		_ = conn.Close()
	}
}

// mortal logs for as long as its replica lives: what goes on in a killed one
// would not go on in a killed process.
type mortal struct {
	slog.Handler
	dead *atomic.Bool
}

// Enabled is asked before anything is logged.
func (m mortal) Enabled(ctx context.Context, level slog.Level) bool {
	return !m.dead.Load() && m.Handler.Enabled(ctx, level)
}

// WithAttrs stays mortal.
func (m mortal) WithAttrs(attrs []slog.Attr) slog.Handler {
	return mortal{m.Handler.WithAttrs(attrs), m.dead}
}

// WithGroup stays mortal.
func (m mortal) WithGroup(name string) slog.Handler {
	return mortal{m.Handler.WithGroup(name), m.dead}
}
