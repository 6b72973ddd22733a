package larksdk

import (
	"context"
	"sync"
	"time"
)

// Store keeps values under keys for a time: what the SDK calls a larkcore.Cache. A key that is not
// there, or no longer, is "" without an error. Both methods are called by many at once.
type Store interface {
	Set(ctx context.Context, key string, value string, expireTime time.Duration) error
	Get(ctx context.Context, key string) (string, error)
}

// memory is a Store in this process.
type memory struct {
	mu      sync.Mutex // guards the rest
	entries map[string]entry
	sweepAt int // entries, at which those that have ended are dropped
}

// entry keeps its value behind a func, into which nothing that prints looks: it may be a token.
type entry struct {
	value func() string
	end   time.Time
}

// ofProcess is the memory of every Cache without a Config.Rest: the SDK has one cache in a process, and
// with the next lark.NewClient another Cache is asked for what this one was given.
var ofProcess = newMemory()

const minSweep = 64

func newMemory() *memory { return &memory{entries: map[string]entry{}, sweepAt: minSweep} }

func (m *memory) Set(_ context.Context, key, value string, expireTime time.Duration) error {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if expireTime <= 0 {
		delete(m.entries, key)
		return nil
	}
	m.entries[key] = entry{func() string { return value }, now.Add(expireTime)}
	if len(m.entries) >= m.sweepAt {
		m.sweep(now)
	}
	return nil
}

// sweep is called with m.mu held.
func (m *memory) sweep(now time.Time) {
	for key, e := range m.entries {
		if !now.Before(e.end) {
			delete(m.entries, key)
		}
	}
	m.sweepAt = max(minSweep, 2*len(m.entries))
}

func (m *memory) Get(_ context.Context, key string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[key]
	if !ok || !time.Now().Before(e.end) {
		return "", nil
	}
	return e.value(), nil
}
