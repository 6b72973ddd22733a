package vault

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Entry is a credential by its name. It stays the same whatever the configuration makes of it, until
// the name is gone. All methods are safe for concurrent use.
type Entry struct {
	vault *Vault
	name  string
	held  atomic.Pointer[holding] // replaced whole, with vault.mu held
	once  atomic.Bool             // the issuer has answered, for this name
}

// holding is what serves a name. Immutable.
type holding struct {
	newest  Credential // as it is in the configuration
	live    *identity  // serves for as long as it has a token, or there is no next
	purpose string     // of what live's tokens are for
	next    *identity  // is to take its place, once it has a token: the newest; nil: live is
	since   time.Time  // when live was no longer the newest; zero if it is
	end     time.Time  // when live serves no longer, whatever becomes of next; zero: as long as it has a token
	timer   *time.Timer
}

// mostBeside is how long a credential whose tokens are for something else serves on, beside the new
// one. One of which only the secret has changed serves as long as it has a token: its tokens are as
// good as the new ones, and a secret that was mistyped shall not become an outage.
const mostBeside = 5 * time.Minute

// Name returns the credential's name.
func (e *Entry) Name() string { return e.name }

// Serving is what the configuration says, or said before it changed, of the credential that serves.
func (e *Entry) Serving() Credential {
	return e.of(e.serving())
}

// of is what id was configured as, by this name.
func (e *Entry) of(id *identity) Credential {
	c := *id.fetcher.to.Load()
	c.Name = e.name
	return c
}

// Newest is what the configuration says now. It need not serve yet: see Newer.
func (e *Entry) Newest() Credential { return e.held.Load().newest }

// ID is that of the credential that serves: see [tokencache.Credential.ID].
func (e *Entry) ID() string { return e.held.Load().live.source.ID() }

// serving is the identity whose token is handed out: the old one as long as it has one.
func (e *Entry) serving() *identity {
	h := e.held.Load()
	if h.next == nil || h.live.isUsable() {
		return h.live
	}
	return h.next
}

// Get returns a token with what is planned for it: at once if there is one, else it waits as
// [tokencache.Source.Get] does, with its errors.
func (e *Entry) Get(ctx context.Context) (tokencache.Schedule, error) {
	_, plan, err := e.get(ctx)
	return plan, err
}

// get tells also which identity the token is of.
func (e *Entry) get(ctx context.Context) (*identity, tokencache.Schedule, error) {
	for {
		id := e.serving()
		_, err := id.source.Get(ctx)
		switch plan, ok := id.source.Schedule(); {
		case err == nil && ok:
			return id, plan, nil
		case err == nil && ctx.Err() == nil: // it was rejected meanwhile, or ends: there will be another
			continue
		case errors.Is(err, tokencache.ErrClosed) && e.serving() != id:
			continue
		default:
			return nil, tokencache.Schedule{}, cmp.Or(err, ctx.Err())
		}
	}
}

// Peek returns a token that can be used, without waiting.
func (e *Entry) Peek() (tokencache.Token, bool) { return e.serving().source.Peek() }

// Schedule is that of the token that Peek returns.
func (e *Entry) Schedule() (tokencache.Schedule, bool) { return e.serving().source.Schedule() }

// Status is what Redis knows of the credential that serves: see [tokencache.Source.Status].
func (e *Entry) Status(ctx context.Context) (tokencache.Status, error) {
	return e.serving().source.Status(ctx)
}

// Held are the Sources whose tokens may be in somebody's hands: that which serves, and while there is a
// newer one also that. One may be closed meanwhile.
func (e *Entry) Held() []*tokencache.Source {
	h := e.held.Load()
	if h.next == nil {
		return []*tokencache.Source{h.live.source}
	}
	return []*tokencache.Source{h.live.source, h.next.source}
}

// Answered reports whether the issuer has ever answered: with a token, or with a refusal after which a
// person has to act. Once it has, that stays so.
func (e *Entry) Answered() bool {
	h := e.held.Load()
	if h.live.answered.Load() || h.next != nil && h.next.answered.Load() {
		e.once.Store(true)
	}
	return e.once.Load()
}

// WhyNot says in one line why there is no token: of the newest that was tried.
func (e *Entry) WhyNot() string {
	h := e.held.Load()
	if h.next != nil {
		if _, why := h.next.watch.Failing(); why != nil {
			return h.next.watch.WhyNot()
		}
	}
	return h.live.watch.WhyNot()
}

// Failing returns since when something has gone wrong with the credential that serves, what did last in
// one line, and as an error; nil is nothing.
func (e *Entry) Failing() (since time.Time, words string, why error) {
	w := e.serving().watch
	since, why = w.Failing()
	return since, w.WhyNot(), why
}

// Newer is a changed credential that is not in use yet, as it has no token, while the one before serves.
type Newer struct {
	Since time.Time
	Why   error  // nil: there was no answer yet
	Words string // for people
}

// Newer returns false if the newest is in use, or is all that there is: once the one before has no token any more,
// Failing is of the newest.
func (e *Entry) Newer() (Newer, bool) {
	h := e.held.Load()
	if h.next == nil || !h.live.isUsable() {
		return Newer{}, false
	}
	_, why := h.next.watch.Failing()
	return Newer{Since: h.since, Why: why, Words: h.next.watch.WhyNot()}, true
}

// change makes c the newest, and reports whether anything has changed. The caller holds vault.mu, and
// calls vault.index afterwards.
func (e *Entry) change(c Credential) bool {
	h := e.held.Load()
	if c.Revision == h.newest.Revision {
		return false
	}
	h.stop()
	id := e.vault.acquire(c)
	if id == h.live { // changed back, or the way to the issuer alone
		e.vault.release(id)
		e.held.Store(&holding{newest: c, live: h.live, purpose: c.Purpose})
	} else {
		e.held.Store(e.beside(h, c, id))
	}
	e.vault.release(h.next)
	if after := e.held.Load(); after.next != nil && after.next.isUsable() {
		e.promote(after)
	}
	return true
}

// beside has id wait for its token while what is live serves on. If id's tokens are for something else, a
// timer ends that: mostBeside after the first change to something else, however many changes follow.
func (e *Entry) beside(h *holding, c Credential, id *identity) *holding {
	after := &holding{newest: c, live: h.live, purpose: h.purpose, next: id, since: h.since}
	if h.next == nil {
		after.since = time.Now()
	}
	if c.Purpose == h.purpose {
		return after
	}
	if after.end = h.end; after.end.IsZero() {
		after.end = time.Now().Add(mostBeside)
	}
	after.timer = time.AfterFunc(time.Until(after.end), func() { e.retire(after) })
	return after
}

// retire ends what is live, though next has no token.
func (e *Entry) retire(h *holding) {
	e.vault.mu.Lock()
	defer e.vault.mu.Unlock()
	if e.held.Load() != h {
		return
	}
	h.next.logger().Warn("the changed credential has no token yet, and the one before serves no longer")
	e.promote(h)
	e.vault.index()
	e.vault.sweep()
}

// promote has next serve. The caller holds vault.mu, and calls vault.index afterwards.
func (e *Entry) promote(h *holding) {
	h.stop()
	e.Answered() // of live, before it goes
	e.held.Store(&holding{newest: h.newest, live: h.next, purpose: h.newest.Purpose})
	e.vault.release(h.live)
}

// drop is called with vault.mu held. Whoever has found the entry before is told that it is closed.
func (e *Entry) drop() {
	h := e.held.Load()
	h.stop()
	e.held.Store(&holding{newest: h.newest, live: h.live}) // h is over: its timer may have fired
	e.vault.release(h.live)
	e.vault.release(h.next)
}

func (h *holding) stop() {
	if h.timer != nil {
		h.timer.Stop()
	}
}
