package service

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// use is that a client has asked for something of a credential.
type use struct{ client, door, credential string }

// uses knows who uses which credential, and writes what an auditor wants to read: the first use of each
// client, and refused ones. All methods are safe for concurrent use.
type uses struct {
	logger *slog.Logger

	mu      sync.Mutex // guards the rest
	last    map[use]*time.Time
	refused map[refusal]*refusals
	others  refusals       // of kinds for which there is no room
	emptied time.Time      // when refused last was, for want of room
	isKept  func(use) bool // of the configuration's clients and credentials
}

// refusal is of a kind: who asks in vain, asks often.
type refusal struct {
	use
	reason string
}

type refusals struct {
	told   time.Time
	untold int
}

const (
	refusalEvery = time.Minute
	// mostRefusals bounds what kinds cost. Beyond so many, all are forgotten and told anew, once a minute at most; until
	// then further kinds share a line a minute. A stranger has few: a request's own text is no part of a kind. A client
	// has one for each credential.
	mostRefusals = 1000
)

func newUses(logger *slog.Logger) *uses {
	return &uses{logger: logger, last: map[use]*time.Time{}, refused: map[refusal]*refusals{}, isKept: func(use) bool { return true }}
}

// granted notes a use. One that has outlived the reload that took its client or its credential away is written down,
// and not remembered.
func (u *uses) granted(of use, now time.Time) {
	if first := u.remember(of, now); first {
		u.logger.Info("first use of a credential", "credential", of.credential, "client", of.client, "door", of.door)
	}
}

// remember reports whether it is the first of its kind. After that it allocates nothing.
func (u *uses) remember(of use, now time.Time) (first bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	at, known := u.last[of]
	switch {
	case known:
		*at = now
	case u.isKept(of):
		u.last[of] = new(now)
	}
	return !known
}

// denied notes a use that was refused: each kind is told at once, and then once a minute. It warns, as nothing else
// tells which client it was.
func (u *uses) denied(of use, reason string, now time.Time) {
	if untold, due := u.count(of, reason, now); due {
		u.logger.Warn("refused use of a credential", "credential", of.credential, "client", of.client, "door", of.door,
			"reason", reason, "more_since_the_last", untold)
	}
}

// failed notes a use that came to nothing, and for which nobody is to blame who asked: as often.
func (u *uses) failed(of use, reason string, cause error, now time.Time) {
	if untold, due := u.count(of, reason, now); due {
		u.logger.Warn("a use of a credential failed", "credential", of.credential, "client", of.client, "door", of.door,
			"reason", reason, "err", cause, "more_since_the_last", untold)
	}
}

// count reports whether one is to be told, and how many were not since the last that was.
func (u *uses) count(of use, reason string, now time.Time) (untold int, due bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := u.noteKind(refusal{of, reason}, now)
	if !r.told.IsZero() && now.Sub(r.told) < refusalEvery {
		r.untold++
		return 0, false
	}
	untold = r.untold
	r.told, r.untold = now, 0
	return untold, true
}

// noteKind returns what is known of a kind from here on. It is called with u.mu held.
func (u *uses) noteKind(kind refusal, now time.Time) *refusals {
	if r, known := u.refused[kind]; known {
		return r
	}
	if len(u.refused) >= mostRefusals {
		if now.Sub(u.emptied) < refusalEvery {
			return &u.others
		}
		clear(u.refused)
		u.emptied = now
	}
	r := &refusals{}
	u.refused[kind] = r
	return r
}

// of are the clients of a credential.
func (u *uses) of(credential string) []ClientReport {
	u.mu.Lock()
	defer u.mu.Unlock()
	clients := []ClientReport{} // never null
	for of, at := range u.last {
		if of.credential == credential {
			clients = append(clients, ClientReport{Name: of.client, Door: of.door, LastSeen: at.UTC()})
		}
	}
	slices.SortFunc(clients, func(a, b ClientReport) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Door, b.Door))
	})
	return clients
}

// keep drops what is known of clients and credentials that the configuration no longer has.
func (u *uses) keep(clients, credentials map[string]bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.isKept = func(of use) bool { return clients[of.client] && credentials[of.credential] }
	maps.DeleteFunc(u.last, func(of use, _ *time.Time) bool { return !u.isKept(of) })
	maps.DeleteFunc(u.refused, func(kind refusal, _ *refusals) bool { return !u.isKept(kind.use) })
}
