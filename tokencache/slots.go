package tokencache

import (
	"container/list"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
)

// slots admit as many commands at once as the client has connections for. Others queue
// here rather than in the client, where their time would run, and a crowd of our own
// would look like a Redis that is silent.
type slots struct {
	mu    sync.Mutex // guards below
	free  int
	queue [2]*list.List // of chan struct{}, by turn; closed for whoever is given a slot
}

// turn in the queue: what keeps or ends a lease goes first.
type turn uint8

const (
	ahead  turn = iota // of the lock
	behind             // all others, as they come
)

func newSlots(n int) *slots {
	return &slots{free: n, queue: [2]*list.List{list.New(), list.New()}}
}

var errPaused = errors.New("tokencache: redis is not asked")

// take waits for a slot until ctx ends, or redis is silent: those who have the slots
// then may keep them for a while. The error is ctx's or errPaused.
func (s *slots) take(ctx context.Context, r turn, silent <-chan struct{}) error {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return nil
	}
	given := make(chan struct{})
	place := s.queue[r].PushBack(given)
	s.mu.Unlock()

	err := errPaused
	select {
	case <-given:
		return nil
	case <-silent:
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if isClosed(given) { // at the very same moment
		s.pass()
	} else {
		s.queue[r].Remove(place)
	}
	return err
}

// takeFree takes a slot if one is free.
func (s *slots) takeFree() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == 0 {
		return false
	}
	s.free--
	return true
}

// give returns a slot, once the command has really ended.
func (s *slots) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pass()
}

// pass hands a slot to the next in the queue. The caller holds s.mu.
func (s *slots) pass() {
	for _, q := range s.queue {
		if first := q.Front(); first != nil {
			close(q.Remove(first).(chan struct{}))
			return
		}
	}
	s.free++
}

// connectionsOf is how many commands a client can have under way at once. Of a Cluster
// it is what one node takes, as all may be that node's. Of a client that does not tell
// it is go-redis' own default.
func connectionsOf(rdb redis.UniversalClient) int {
	limits := []int{10 * runtime.GOMAXPROCS(0)}
	switch c := rdb.(type) {
	case interface{ Options() *redis.Options }:
		limits = []int{c.Options().PoolSize, c.Options().MaxActiveConns}
	case interface{ Options() *redis.ClusterOptions }:
		limits = []int{c.Options().PoolSize, c.Options().MaxActiveConns}
	}
	limits = slices.DeleteFunc(limits, func(n int) bool { return n <= 0 }) // no limit
	if len(limits) == 0 {
		return 1
	}
	return slices.Min(limits)
}
