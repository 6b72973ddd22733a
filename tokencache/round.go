package tokencache

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// round is what callers see of a fill that they wait for together.
type round struct {
	why     *purpose
	began   instant  // when somebody wanted it
	refresh *refresh // of one that insists, else nil; the fill's until done is closed
	done    chan struct{}
	err     error // before done is closed; errAborted stands if a panic or Goexit cuts the fill short

	// state.mu guards below.
	ready       chan struct{}           // closed with the first usable copy
	sitsOut     bell                    // rung when the fill begins to wait out a failure
	heardBefore uint64                  // shelf.heard when it began
	wanted      bool                    // a Get or a Refresh has waited for it
	cause       error                   // why it waits for a turn to call directly, or does so
	cancel      context.CancelCauseFunc // ends the fill's time; nil until it has a goroutine
	place       ticket                  // among the Cache's fills, or in the queue for one
}

// roundTimeout bounds one round, beside the time before it has a place among the Cache's fills.
// Those who still wait then join the next.
const roundTimeout = time.Minute

var (
	errAborted  = errors.New("tokencache: the fill ended early")
	errTimedOut = fmt.Errorf("tokencache: the fill took too long: %w", context.DeadlineExceeded)
	// errRedisBack ends a round that need not call directly any more. The next looks at once.
	errRedisBack = errors.New("tokencache: redis is back")
)

// newRound makes one for a process with that copy, or none. The caller holds state.mu.
func newRound(why *purpose, c *localCopy, heard uint64) round {
	r := round{
		why: why, began: now(), done: make(chan struct{}), err: errAborted,
		ready: make(chan struct{}), heardBefore: heard, wanted: why.wanted,
	}
	if why.insists {
		r.refresh = newRefresh(c)
	}
	return r
}

// final is the error of a round that is over, unless the next may do better: this one had no more
// time or was cut short, was not about getting a token for a Get, or began with a copy, and may
// have ended without Redis for that reason.
func (r *round) final() error {
	switch {
	case !isClosed(r.done):
		return nil
	case errors.Is(r.err, errTimedOut), errors.Is(r.err, errAborted), errors.Is(r.err, errRedisBack), r.why.insists:
		return nil
	case !r.why.wanted && errors.Is(r.err, ErrRedis):
		return nil
	}
	return r.err
}

// rank of one that somebody waits for, or else the given one. The caller holds state.mu.
func (r *round) rank(unwanted rank) rank {
	if r.wanted {
		return rankCaller
	}
	return unwanted
}

// cutShort ends the fill's time. The caller holds state.mu.
func (r *round) cutShort(err error) {
	if r.cancel != nil {
		r.cancel(err)
	}
}
