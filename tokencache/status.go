package tokencache

import (
	"context"
	"time"
)

// Status is what Redis knows of a credential, for people and dashboards; never
// a token.
type Status struct {
	App       string        // the app id
	Key       string        // the id within the keys in Redis
	State     string        // "fresh", "due" (in its window), "urgent" or "absent"
	Remaining time.Duration // life of the stored token; 0 if there is none
	Life      time.Duration // what the issuer gave it
	FetchedBy string        // Config.Replica of who asked
	FetchedAt time.Time     // by Redis' clock
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

// Status looks into Redis: one round trip, nothing is written or adopted. Errors
// are [*RedisError] or ErrClosed.
func (s *Source) Status(ctx context.Context) (Status, error) {
	s.mu.Lock()
	broken := s.broken
	s.mu.Unlock()
	if broken != nil {
		return Status{}, broken
	}
	v, err := s.store.read(ctx)
	if err != nil {
		return Status{}, err
	}
	return statusOf(s.issuer, s.store.keys.id, v), nil
}

func statusOf(issuer Issuer, id string, v *view) Status {
	st := Status{App: issuer.App, Key: id, State: "absent", Garbled: v.garbled}
	if r := v.record; r != nil {
		st.Remaining, st.Life, st.FetchedBy, st.FetchedAt = r.remaining, r.token.life(), r.fetchedBy, r.fetchedAt
		st.State = windowOf(issuer.Window, r.token.life(), true, 0).phaseOf(r.remaining).String()
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
