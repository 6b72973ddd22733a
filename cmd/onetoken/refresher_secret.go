package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/internal/pulse"
	"github.com/onetoken-go/onetoken/internal/smallfile"
	"github.com/onetoken-go/onetoken/internal/watch"
	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

// rotation follows the file of the secret. The secret is part of the credential's identity,
// so a new one is a Source of its own: both run until the new one has a token, then the old one
// is forgotten. A file that cannot be used changes nothing.
type rotation struct {
	logger  *slog.Logger
	session *session // nil before begin

	refused chan struct{} // the issuer did not take a secret
	adopted chan struct{} // there may be a token of the new secret
	told    reasons       // why the file could not be used; of run alone

	mu    sync.Mutex // guards below
	live  *identity
	next  *identity // of a newer secret that has no token yet; nil: none
	byKey map[string]*identity
	unfit unfitness

	teller  *watch.Teller
	telling sync.WaitGroup
	hush    context.CancelFunc // ends telling
}

// unfitness of the file; the zero one is none.
type unfitness struct {
	why   string
	since time.Time
}

// identity is what a secret makes of the credential.
type identity struct {
	logger *slog.Logger // names it
	id     string       // of the credential
	source *tokencache.Source
	watch  *watch.Watch
	read   time.Time // when its secret was
}

func newRotation(logger *slog.Logger) *rotation {
	return &rotation{
		logger:  logger,
		refused: make(chan struct{}, 1), adopted: make(chan struct{}, 1), byKey: make(map[string]*identity),
		teller: watch.NewTeller(), hush: func() {},
	}
}

// begin is before any event of the session's Cache.
func (r *rotation) begin(s *session) {
	r.session = s
	ctx, hush := context.WithCancel(context.Background())
	r.hush = hush
	r.telling.Go(func() { r.teller.Run(ctx) })
	r.live = r.identify(s.issuer)
}

// identify makes the Source of a secret. Its events wait for the lock, and so find it.
func (r *rotation) identify(f tokencache.Fetcher) *identity {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := &identity{id: f.Credential().ID(), source: r.session.cache.Source(f), read: time.Now()}
	id.logger = r.logger.With(witness.Whose(id.source.ID())...)
	id.watch = watch.New(watch.Config{
		Logger: id.logger, Words: r.session.env.words, Teller: r.teller,
		Meanwhile: func() (string, time.Duration) { return r.meanwhile(id) },
		Again:     func(ctx context.Context) time.Duration { return witness.AskedAgainIn(ctx, id.source) },
	})
	r.byKey[id.source.ID()] = id
	return id
}

// forget is of a secret that nobody needs any more; nil is none.
func (r *rotation) forget(id *identity) {
	if id == nil {
		return
	}
	r.mu.Lock()
	delete(r.byKey, id.source.ID())
	r.mu.Unlock()
	_ = id.source.Close()
}

// observe is told of the events of both Sources.
func (r *rotation) observe(e tokencache.Event) {
	r.mu.Lock()
	id := r.byKey[e.ID]
	r.mu.Unlock()
	if id == nil {
		return
	}
	id.watch.Observe(e)
	if r.session.account.rejects(e.Err) {
		nudge(r.refused)
	}
	if e.Kind == tokencache.EventAdopt {
		nudge(r.adopted)
	}
}

// nudge never blocks: one that is not heard yet stands for all.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// peek is a token that can be used, of whichever secret has one.
func (r *rotation) peek() (tokencache.Token, bool) {
	live, next := r.identities()
	tok, ok := live.source.Peek()
	if !ok && next != nil {
		tok, ok = next.source.Peek()
	}
	return tok, ok
}

// look is what the pulse wants to see.
func (r *rotation) look() pulse.Look {
	tok, ok := r.peek()
	return pulse.Look{Usable: ok, Remaining: time.Until(tok.Expiry())}
}

// whyNot is of the newest secret, if that has been tried.
func (r *rotation) whyNot() string {
	live, next := r.identities()
	if next != nil {
		if _, why := next.watch.Failing(); why != nil {
			return next.watch.WhyNot()
		}
	}
	return live.watch.WhyNot()
}

// shown are the Sources for the metrics: not that of a secret that has no token yet, which
// would look like an outage.
func (r *rotation) shown() []*tokencache.Source {
	live, _ := r.identities()
	return []*tokencache.Source{live.source}
}

func (r *rotation) identities() (live, next *identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live, r.next
}

// meanwhile is what there is while the secret of id brings no token, and for how much longer.
func (r *rotation) meanwhile(id *identity) (serves string, remaining time.Duration) {
	live, _ := r.identities()
	if tok, ok := id.source.Peek(); ok {
		return "the token at hand serves", time.Until(tok.Expiry())
	}
	if tok, ok := live.source.Peek(); ok && live != id {
		return "the secret that the file held before serves", time.Until(tok.Expiry())
	}
	return "there is no token", 0
}

// run ends with ctx, or when there is no file to follow. A read that does not end is left behind.
func (r *rotation) run(ctx context.Context) {
	file, ok := r.session.env.files[r.session.account.variables.secret]
	if !ok {
		return
	}
	readings := make(chan reading)
	go followFile(ctx, file, r.refused, readings)
	silence := time.NewTimer(secretPoll + readTime)
	defer silence.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case got, more := <-readings:
			if !more {
				return
			}
			silence.Reset(secretPoll + readTime)
			r.take(ctx, got.raw, got.err)
		case <-silence.C:
			r.take(ctx, "", errRestless)
		case <-r.adopted:
		}
		r.promote()
	}
}

// take is told what the file holds now.
func (r *rotation) take(ctx context.Context, raw string, err error) {
	if ctx.Err() != nil {
		return
	}
	live, _ := r.identities()
	f, err := r.fetcher(smallfile.CutNewline(raw), err)
	variable := r.session.account.variables.secret + "_FILE"
	if err != nil {
		r.setUnfit(err.Error())
		if r.told.add(err.Error()) {
			live.logger.Warn("the file of the secret cannot be used: the secret it held before is kept until it can, and no restart is needed", "variable", variable, "err", err)
		}
		return
	}
	if len(r.told) > 0 {
		live.logger.Info("the file of the secret can be used again", "variable", variable)
	}
	r.told = nil
	r.setUnfit("")
	r.turnTo(f)
}

func (r *rotation) setUnfit(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	since := r.unfit.since
	if r.unfit.why == "" {
		since = time.Now()
	}
	r.unfit = unfitness{why: why, since: since}
}

func (r *rotation) unfitness() unfitness {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unfit
}

// fetcher is of the secret that was read. Its errors hold nothing of it.
func (r *rotation) fetcher(secret string, err error) (tokencache.Fetcher, error) {
	switch {
	case err != nil:
		return nil, err
	case secret == "":
		return nil, errors.New("it is empty")
	}
	f, err := r.session.account.fetcher(tokencache.NewSecret(secret), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, errors.New(r.session.env.reworded(err))
	}
	return f, nil
}

// turnTo makes f the newest, unless it is.
func (r *rotation) turnTo(f tokencache.Fetcher) {
	live, next := r.identities()
	switch {
	case next != nil && f.Credential().ID() == next.id, next == nil && f.Credential().ID() == live.id:
		return
	case f.Credential().ID() == live.id:
		live.logger.Info("the secret has changed back")
		r.setNext(nil)
	default:
		id := r.identify(f)
		id.logger.Info("the secret has changed: the old one serves until the new one has a token")
		r.setNext(id)
	}
	r.forget(next)
}

func (r *rotation) setNext(id *identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = id
}

// promote lets go of the old secret once the new one has a token.
func (r *rotation) promote() {
	old, next := r.identities()
	if next == nil {
		return
	}
	if _, ok := next.source.Peek(); !ok {
		return
	}
	r.mu.Lock()
	r.live, r.next = next, nil
	r.mu.Unlock()
	r.forget(old)
	next.logger.Info("the new secret is in use, and the old one forgotten")
}

// end is after the last event: it waits until every failure has been told.
func (r *rotation) end() {
	r.hush()
	r.telling.Wait()
}
