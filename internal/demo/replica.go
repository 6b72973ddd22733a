package demo

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

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
	logger := slog.New(mortal{f.config.Logger.Handler(), &r.dead}).With("replica", number)
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: f.issuer.AppID(), AppSecret: tokencache.NewSecret(f.issuer.AppSecret()),
		BaseURL: "http://localhost", // never dialled: Transport is in the process
		Window:  f.config.window(), Transport: r, Logger: logger,
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
		pause.Reset(time.Duration((0.5 + rand.Float64()) * float64(r.fleet.config.Pause)))
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
