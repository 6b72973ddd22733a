package tokencache

import (
	"container/list"
	"context"
	"sync"
)

// admission admits a Cache's fills to Redis and the issuer, so many at once. More would
// only queue for the client's connections, until the queue outlasts RedisTimeout and our
// own haste is taken for a Redis that does not answer. Fills that must wait stand in one
// of three queues, without a goroutine unless they have one already.
type admission struct {
	mu     sync.Mutex // guards below, and every ticket
	free   int        // places
	shut   bool       // nobody is admitted from a queue any more
	queues [ranks]list.List
}

// rank says which queue a fill stands in. The first that is not empty is served, from its
// front.
type rank uint8

const (
	rankCaller rank = iota // somebody waits for the fill
	rankBegun              // it has begun and slept, and its minute runs
	rankNobody             // nobody waits for it
	ranks
)

// ticket is one fill's part in the admission. The zero ticket has no place and does not
// queue.
type ticket struct {
	placed   bool
	queued   *list.Element // nil if it does not queue
	rank     rank          // while it queues
	admitted func()        // told once the ticket leaves the queue for a place
}

func newAdmission(places int) *admission { return &admission{free: places} }

// enter takes a place, and reports whether there was one. If not, t queues, and admitted
// is called as soon as it has a place: under a mutex, so it must not block.
func (a *admission) enter(t *ticket, r rank, admitted func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.free > 0 && !a.shut { // then nobody queues
		a.free--
		t.placed = true
		return true
	}
	t.rank, t.admitted = r, admitted
	t.queued = a.queues[r].PushBack(t)
	return false
}

// await returns when t has a place, or ctx ends: then with its cause. Enter calls a.enter for t,
// under whatever mutex the rank needs.
func (a *admission) await(ctx context.Context, t *ticket, enter func(admitted func()) bool) error {
	admitted := make(chan struct{})
	if enter(func() { close(admitted) }) {
		return nil
	}
	select {
	case <-admitted:
		return nil
	case <-ctx.Done():
		if !a.withdraw(t) { // admitted at the same moment
			a.leave(t)
		}
		return context.Cause(ctx)
	}
}

// promote moves a queued t behind the others that somebody waits for.
func (a *admission) promote(t *ticket) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.queued == nil || t.rank == rankCaller {
		return
	}
	a.queues[t.rank].Remove(t.queued)
	t.rank = rankCaller
	t.queued = a.queues[rankCaller].PushBack(t)
}

// withdraw takes t out of its queue, and reports whether it stood in one: if so, it is
// not admitted any more.
func (a *admission) withdraw(t *ticket) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.queued == nil {
		return false
	}
	a.queues[t.rank].Remove(t.queued)
	t.queued, t.admitted = nil, nil
	return true
}

// hasQueued reports whether t is in a queue.
func (a *admission) hasQueued(t *ticket) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return t.queued != nil
}

// leave gives t's place to the next, if it has one.
func (a *admission) leave(t *ticket) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !t.placed {
		return
	}
	t.placed = false
	next := a.next()
	if next == nil {
		a.free++
		return
	}
	admitted := next.admitted
	next.placed, next.queued, next.admitted = true, nil, nil
	admitted()
}

// next takes the first ticket out of the queues, or returns nil. The caller holds a.mu.
func (a *admission) next() *ticket {
	if a.shut {
		return nil
	}
	for r := range a.queues {
		if first := a.queues[r].Front(); first != nil {
			return a.queues[r].Remove(first).(*ticket)
		}
	}
	return nil
}

// close ends admissions: whoever queues stays there until it withdraws.
func (a *admission) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shut = true
}
