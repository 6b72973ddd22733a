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

// failedCall is a call to the issuer that went through the lock and failed.
type failedCall struct {
	app  *app
	r    *replica
	at   time.Time
	err  *tokencache.IssuerError
	good bool // or one that did not, which ends a row of failures
}

// observe is told of every step of the product.
func (r *replica) observe(e tokencache.Event) {
	w := r.w
	w.words.add(fmt.Sprintf("%+v %v", e, e.Err))
	if r.isGone() {
		return // a crashed process says nothing
	}
	a := w.appOfKey(e.Key)
	w.tally.observe(e)
	switch e.Kind {
	case tokencache.EventCall, tokencache.EventDirectCall:
		w.check.called(r, a, e)
	case tokencache.EventDegraded:
		if w.quiet.Load() && !r.deaf.Load() {
			w.check.violated("I6", r.name, "Redis is in trouble in the quiet time: %s", plain(e.Err))
		}
	case tokencache.EventFill:
		w.check.filled(r, a, e.Duration)
	case tokencache.EventInvalidate:
		if e.Outcome == "cooldown" {
			w.check.coolDown(r, a, r.hasTold(a))
		}
	}
	if e.Kind == tokencache.EventWait && e.Err == nil {
		return // the Get says it
	}
	name := "?"
	if a != nil {
		name = a.name
	}
	w.log.add(r.name, "%s %s", strings.TrimSpace(e.Kind.String()+" "+name+" "+e.Outcome), ifError(e.Err))
}

func ifError(err error) string {
	if err == nil {
		return ""
	}
	return plain(err)
}

func (w *world) appOfKey(key string) *app {
	for _, a := range w.apps {
		if strings.Contains(key, ":"+a.issuer.AppID()+":") {
			return a
		}
	}
	return nil
}

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
			name += " " + redis.Name
		}
	} else if e.Outcome != "" && e.Kind != tokencache.EventGarbled {
		name += " " + e.Outcome
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

// Outcomes are those that many runs together have to meet.
func Outcomes() []string {
	return []string{
		"publish stored", "publish renewed", "publish kept", "publish expired", "publish rejected",
		"put_back stored", "direct_call ok", "takeover", "lease_lost", "invalidate dropped", "invalidate cooldown",
		"garbled", "recovered", "adopt", "wait", "fill", "call ok",
	}
}
