package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Tally counts faults and outcomes.
type Tally struct {
	mu     sync.Mutex // guards counts
	counts map[string]int
}

// NewTally makes one that has counted nothing.
func NewTally() *Tally { return &Tally{counts: map[string]int{}} }

func (t *Tally) add(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[what]++
}

// observe counts an outcome under the name that the design has for it.
func (t *Tally) observe(e tokencache.Event) {
	name := e.Kind.String()
	if e.Kind == tokencache.EventDegraded {
		var redis *tokencache.RedisError
		if errors.As(e.Err, &redis) {
			name += " " + string(redis.Trouble)
		}
	} else if e.Outcome != "" {
		name += " " + string(e.Outcome)
	}
	t.add("outcome " + name)
}

// Add adds the counts of another run.
func (t *Tally) Add(other *Tally) {
	other.mu.Lock()
	counts := maps.Clone(other.counts)
	other.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	for what, n := range counts {
		t.counts[what] += n
	}
}

// Count returns how often something was counted.
func (t *Tally) Count(what string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts[what]
}

// String is a table.
func (t *Tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(t.counts)) {
		fmt.Fprintf(&b, "%9d  %s\n", t.counts[what], what)
	}
	return b.String()
}

// countHeard counts what has become of an event on its way.
func (r *replica) countHeard(one told, payload string) {
	r.mu.Lock()
	again, newest := r.heardOf[payload], r.newest[one.app.index]
	r.heardOf[payload] = true
	r.newest[one.app.index] = max(newest, one.number)
	r.mu.Unlock()
	switch {
	case again && one.payload[0] != 'F': // which are all the same
		r.w.tally.add("hears again")
	case one.number < newest:
		r.w.tally.add("hears out of order")
	}
	if time.Since(one.at) > 2*time.Second {
		r.w.tally.add("hears late")
	}
	if r.lookedAgo(one.app.index) > 24*time.Hour {
		r.w.tally.add("hears with a look that is days old")
	}
}

// Sights are what many runs of all profiles have to come to, besides each fault.
func Sights() []string {
	names := []string{"hears forged", "hears again", "hears out of order", "hears late", "event told again after a failover"}
	for _, d := range []time.Duration{time.Millisecond, time.Hour, -time.Millisecond, -time.Hour} {
		names = append(names, stepName(d, false), stepName(d, true))
	}
	return names
}

// Outcomes are those that many runs together have to meet.
func Outcomes() []string {
	return []string{
		"publish stored", "publish renewed", "publish kept", "publish expired", "publish rejected",
		"put_back stored", "direct_call ok", "takeover", "lease_lost", "invalidate dropped", "invalidate cooldown",
		"garbled", "recovered", "adopt", "wait", "fill", "call ok",
	}
}
