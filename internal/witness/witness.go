// Package witness knows what a Cache did for one command, by its events: whether the issuer was
// asked, and what was in trouble.
package witness

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Witness observes a Cache at work. All methods are safe for concurrent use.
type Witness struct {
	logger *slog.Logger

	mu      sync.Mutex // guards the rest
	seen    Seen
	marker  string        // the id whose events are of no interest but that Settle waits for one
	settled chan struct{} // closed at that one
}

// Seen is what was seen so far.
type Seen struct {
	Called    bool               // the issuer was asked
	Direct    bool               // without Redis
	Refused   error              // what the last such call came to; nil if it was good
	Redis     error              // the first operation that did not succeed
	Rejection tokencache.Outcome // what became of the last one
}

// New returns a Witness that also logs each event, at debug.
func New(logger *slog.Logger) *Witness { return &Witness{logger: logger} }

// Observe is for [tokencache.Config].
func (w *Witness) Observe(e tokencache.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.marker != "" && e.ID == w.marker {
		if w.settled != nil {
			close(w.settled)
			w.settled = nil
		}
		return
	}
	w.Log(e)
	switch e.Kind {
	case tokencache.EventDegraded:
		w.seen.Redis = cmp.Or(w.seen.Redis, e.Err)
	case tokencache.EventDirectCall:
		w.seen.Called, w.seen.Direct, w.seen.Refused = true, true, e.Err
	case tokencache.EventCall:
		w.seen.Called, w.seen.Refused = true, e.Err
	case tokencache.EventInvalidate:
		w.seen.Rejection = e.Outcome
	}
}

// Ignore has the events of a Source without a Fetcher be of no interest.
func (w *Witness) Ignore(marker *tokencache.Source) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.marker = marker.ID()
}

// Settle returns when all that the Cache has done so far has been observed: events come in
// order, after the step. So it makes one last, which is told as a wait of a Source without a
// Fetcher. It gives up after a second, or when over is told.
func (w *Witness) Settle(ctx context.Context, cache *tokencache.Cache, over <-chan time.Time) {
	marker, settled := Marker(cache), make(chan struct{})
	w.mu.Lock()
	w.marker, w.settled = marker.ID(), settled
	w.mu.Unlock()
	_, _ = marker.Get(ctx)
	select {
	case <-settled:
	case <-time.After(time.Second):
	case <-over:
	}
}

// Marker is a Source without a Fetcher: a Get of it is an event and nothing else.
func Marker(cache *tokencache.Cache) *tokencache.Source {
	credential, err := tokencache.NewCredential(tokencache.CredentialConfig{Issuer: "onetoken", App: "marker", Secret: []tokencache.Secret{tokencache.NewSecret("none")}})
	if err != nil {
		panic(err) // nothing of it is anybody's
	}
	return cache.Source(tokencache.FetchFunc(credential, nil))
}

// Seen returns what has been seen: all that was done, after Settle.
func (w *Witness) Seen() Seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// Remembers says whether err is an issuer's that came without asking it.
func (s Seen) Remembers(err error) bool {
	_, ok := errors.AsType[*tokencache.IssuerError](err)
	return ok && !s.Called
}

// AskedAgainIn is how long the fleet waits before its next call to the issuer, 0
// if Redis does not say.
func AskedAgainIn(ctx context.Context, source *tokencache.Source) time.Duration {
	status, err := source.Status(ctx)
	if err != nil {
		return 0
	}
	return status.RetryIn
}
