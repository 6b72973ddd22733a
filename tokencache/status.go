package tokencache

import (
	"context"
	"time"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// Status is what Redis knows of a credential, for people and dashboards; never
// a token.
type Status struct {
	App       string // the app id
	ID        string // of the credential: see [Credential.ID]
	IssuerURL string // see [Credential.IssuerURL]; of Survey as it stands in Redis, "" if it does not
	State     State
	Remaining time.Duration // life of the stored token; 0 if there is none
	Life      time.Duration // what the issuer gave it; 0 if there is none
	FetchedBy string        // Config.Replica of who asked
	FetchedAt time.Time     // by Redis' clock; the zero Time if there is none
	// Garbled says why a record that is there cannot be used. Empty if it can.
	Garbled string
	// Locked is how long the lock lasts unless it is extended; 0: free, -1: for
	// ever, which the next fill mends.
	Locked time.Duration
	// Failure is the last failed call, nil after a good one through the lock. The
	// issuer is not asked again before RetryIn is over. Attempts in a row do not
	// count those that may have been a replica's own trouble.
	Failure  *IssuerError
	FailedBy string
	Attempts int
	RetryIn  time.Duration
}

// State is where in its life a stored token stands.
type State string

// All states that there are, from the end of a life to its beginning.
const (
	StateAbsent State = "absent" // there is none that may be handed out
	StateUrgent State = "urgent" // at the end of its window
	StateDue    State = "due"    // in its window: it is being replaced
	StateFresh  State = "fresh"
)

// state is the phase as Status has it.
func (p phase) state() State {
	return [...]State{dead: StateAbsent, urgent: StateUrgent, due: StateDue, fresh: StateFresh}[p]
}

// Status looks into Redis: one round trip, nothing is written or adopted. Errors
// are [*RedisError], ErrClosed or ctx's. [Cache.Survey] looks at all credentials.
func (s *Source) Status(ctx context.Context) (Status, error) {
	v, err := s.peruse(ctx)
	if err != nil {
		return Status{}, err
	}
	st := statusOf(s.store.keys.id, v)
	st.IssuerURL = s.store.of.IssuerURL()
	return st, nil
}

// Stored returns the token that Redis holds, whatever this process has; the zero
// Token if there is none that can be used. One round trip, nothing is adopted, and
// nobody is asked for another. Errors are [*RedisError], ErrClosed or ctx's.
func (s *Source) Stored(ctx context.Context) (Token, error) {
	v, err := s.peruse(ctx)
	if err != nil || v.record == nil {
		return Token{}, err
	}
	r := v.record
	return r.token.endingAt(r.at.add(r.remaining).time()), nil
}

// peruse reads for a person.
func (s *Source) peruse(ctx context.Context) (*view, error) {
	if err := s.state.broken(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, whyEnded(ctx)
	}
	own, end := apart(ctx)
	defer end()
	v, err := s.store.read(own, "all")
	return v, orWhyEnded(ctx, own, err)
}

func statusOf(id string, v *view) Status {
	st := Status{App: word(wire.AppOf(id)), ID: id, IssuerURL: v.url, State: StateAbsent, Garbled: v.garbled}
	if r := v.record; r != nil {
		st.Remaining, st.Life, st.FetchedBy, st.FetchedAt = r.remaining, r.life, r.fetchedBy, r.fetchedAt
		st.State = windowOf(r.window, r.life, true, 0).phaseOf(r.remaining).state()
	}
	switch {
	case v.lockTTL == noTTL:
		st.Locked = -1
	case v.lockTTL > 0:
		st.Locked = v.lockTTL
	}
	if f := v.failure; f != nil {
		st.Failure, st.FailedBy, st.Attempts, st.RetryIn = f.err, f.by, f.attempts, f.hold
	}
	return st
}
