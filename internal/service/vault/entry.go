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
	once  atomic.Bool             // the issuer has answered, for what the name meant before
}

// holding is what a name means: what is in use, and what is pending. Immutable.
type holding struct {
	configured Credential  // as it is in the configuration: that of pending, or of inUse if nothing is
	inUse      *identity   // until pending takes its place
	purpose    string      // of what inUse's tokens are for
	pending    *identity   // takes inUse's place once it has a token; nil: nothing does
	since      time.Time   // when inUse was no longer what is configured; zero if it is
	end        time.Time   // when pending takes its place though it has no token; zero: never
	timer      *time.Timer // for that; nil: none
}

// mostBeside is how long a credential whose tokens are for something else serves on, beside the new
// one. One of which only the secret has changed serves as long as it has a token: its tokens are as
// good as the new ones, and a secret that was mistyped shall not become an outage.
const mostBeside = 5 * time.Minute

// Name returns the credential's name.
func (e *Entry) Name() string { return e.name }

// Serving is what the configuration says, or said before it changed, of the credential that serves; if nothing does,
// of the one whose token is waited for.
func (e *Entry) Serving() Credential {
	id, _ := e.serving()
	return e.of(id)
}

// of is what id was configured as, by this name.
func (e *Entry) of(id *identity) Credential {
	c := *id.fetcher.to.Load()
	c.Name = e.name
	return c
}

// Configured is what the configuration says now. It need not be in use yet: see Pending.
func (e *Entry) Configured() Credential { return e.held.Load().configured }

// ID is that of the credential in use: see [tokencache.Credential.ID].
func (e *Entry) ID() string { return e.held.Load().inUse.source.ID() }

// serving is the identity whose token is handed out. It is false if nothing serves: then it is the one whose token is
// waited for.
func (e *Entry) serving() (id *identity, ok bool) { return e.held.Load().serving() }

func (h *holding) serving() (id *identity, ok bool) {
	switch {
	case h.inUse.isUsable():
		return h.inUse, true
	case h.pending == nil:
		return h.inUse, false
	}
	return h.pending, h.pending.isUsable()
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
		id, _ := e.serving()
		_, err := id.source.Get(ctx)
		switch plan, ok := id.source.Schedule(); {
		case err == nil && ok:
			return id, plan, nil
		case err == nil && ctx.Err() == nil: // it was rejected meanwhile, or ends: there will be another
			continue
		case errors.Is(err, tokencache.ErrClosed) && !e.isServed(id):
			continue
		default:
			return nil, tokencache.Schedule{}, cmp.Or(err, ctx.Err())
		}
	}
}

// isServed reports whether id is the one to ask still.
func (e *Entry) isServed(id *identity) bool {
	now, _ := e.serving()
	return now == id
}

// Peek returns a token that can be used, without waiting.
func (e *Entry) Peek() (tokencache.Token, bool) {
	id, _ := e.serving()
	return id.source.Peek()
}

// Schedule is that of the token that Peek returns.
func (e *Entry) Schedule() (tokencache.Schedule, bool) {
	id, _ := e.serving()
	return id.source.Schedule()
}

// Status is what Redis knows of the credential that serves: see [tokencache.Source.Status].
func (e *Entry) Status(ctx context.Context) (tokencache.Status, error) {
	id, _ := e.serving()
	return id.source.Status(ctx)
}

// Held are the Sources whose tokens may be in somebody's hands: that of what is in use, and that of what is pending.
// One may be closed meanwhile.
func (e *Entry) Held() []*tokencache.Source {
	h := e.held.Load()
	if h.pending == nil {
		return []*tokencache.Source{h.inUse.source}
	}
	return []*tokencache.Source{h.inUse.source, h.pending.source}
}

// Answered reports whether the issuer has ever answered: with a token, or with a refusal after which a
// person has to act. Once it has, that stays so.
func (e *Entry) Answered() bool {
	h := e.held.Load()
	return e.once.Load() || h.inUse.answered.Load() || h.pending != nil && h.pending.answered.Load()
}

// WhyNot says in one line why there is no token: of what is pending, if that was tried.
func (e *Entry) WhyNot() string {
	h := e.held.Load()
	if h.pending != nil {
		if _, why := h.pending.watch.Failing(); why != nil {
			return h.pending.watch.WhyNot()
		}
	}
	return h.inUse.watch.WhyNot()
}

// Failing returns since when something has gone wrong with the credential that serves, what did last in
// one line, and as an error; nil is nothing.
func (e *Entry) Failing() (since time.Time, words string, why error) {
	id, _ := e.serving()
	since, why = id.watch.Failing()
	return since, id.watch.WhyNot(), why
}

// Pending is a changed credential that is not in use yet, as it has no token, while the one before serves.
type Pending struct {
	Since time.Time
	Why   error  // nil: there was no answer yet
	Words string // for people
	// RetryIn is how long until its issuer is asked again; 0: not known, or it may be already.
	RetryIn time.Duration
}

// Pending returns false if what is configured is in use, or the one before has no token any more: then Failing is of
// what is configured.
func (e *Entry) Pending() (Pending, bool) {
	h := e.held.Load()
	if id, ok := h.serving(); h.pending == nil || !ok || id != h.inUse {
		return Pending{}, false
	}
	w := h.pending.watch
	_, why := w.Failing()
	return Pending{Since: h.since, Why: why, Words: w.WhyNot(), RetryIn: w.RetryIn()}, true
}

// change makes c what is configured, and reports whether anything has changed. The caller holds vault.mu, and
// calls vault.index afterwards.
func (e *Entry) change(c Credential) bool {
	h := e.held.Load()
	if c.Revision == h.configured.Revision {
		return false
	}
	h.stop()
	id := e.vault.acquire(c)
	if id == h.inUse { // changed back, or the way to the issuer alone
		e.vault.release(id)
		e.hold(&holding{configured: c, inUse: h.inUse, purpose: c.Purpose})
	} else {
		e.hold(e.beside(h, c, id))
	}
	e.vault.release(h.pending)
	if after := e.held.Load(); after.pending != nil && after.pending.isUsable() {
		e.promote(after)
	}
	return true
}

// hold replaces what the name means, and remembers whether the issuer has answered for what goes. The caller holds
// vault.mu.
func (e *Entry) hold(h *holding) {
	if e.Answered() {
		e.once.Store(true)
	}
	e.held.Store(h)
}

// beside has id wait for its token while what is in use serves on. If id's tokens are for something else, a
// timer ends that: mostBeside after the first change to something else, however many changes follow.
func (e *Entry) beside(h *holding, c Credential, id *identity) *holding {
	after := &holding{configured: c, inUse: h.inUse, purpose: h.purpose, pending: id, since: h.since}
	if h.pending == nil {
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

// retire ends what is in use, though what is pending has no token.
func (e *Entry) retire(h *holding) {
	e.vault.mu.Lock()
	defer e.vault.mu.Unlock()
	if e.held.Load() != h {
		return
	}
	h.pending.logger().Warn("the changed credential has no token yet, and the one before serves no longer")
	e.promote(h)
	e.vault.index()
	e.vault.sweep()
}

// promote has what is pending be in use. The caller holds vault.mu, and calls vault.index afterwards.
func (e *Entry) promote(h *holding) {
	h.stop()
	e.hold(&holding{configured: h.configured, inUse: h.pending, purpose: h.configured.Purpose})
	e.vault.release(h.inUse)
}

// drop closes the entry to those who have found it before. The caller holds vault.mu.
func (e *Entry) drop() {
	h := e.held.Load()
	h.stop()
	e.hold(&holding{configured: h.configured, inUse: h.inUse}) // h is over: its timer may have fired
	e.vault.release(h.inUse)
	e.vault.release(h.pending)
}

func (h *holding) stop() {
	if h.timer != nil {
		h.timer.Stop()
	}
}
