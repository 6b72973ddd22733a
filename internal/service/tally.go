package service

import (
	"sync"

	"github.com/onetoken-go/onetoken/tokencache"
)

// tally counts for people, since the service started, what counts counts for monitors. All methods are safe
// for concurrent use; the zero one has counted nothing.
type tally struct {
	mu      sync.Mutex          // guards the rest
	issuers map[string]attempts // by credential, of those that have begun
	doors   map[string]attempts
}

// attempts are calls of an issuer, or requests at a door, and those of them that failed or were refused.
type attempts struct{ all, bad uint64 }

// begin has calls for a credential be counted. It may be called again.
func (t *tally) begin(credential string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.issuers == nil {
		t.issuers = map[string]attempts{}
	}
	if _, has := t.issuers[credential]; !has {
		t.issuers[credential] = attempts{}
	}
}

// observe counts a call for each of the credentials with its ID.
func (t *tally) observe(e tokencache.Event, names []string) {
	if e.Kind != tokencache.EventCall && e.Kind != tokencache.EventDirectCall {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		if of, has := t.issuers[name]; has {
			t.issuers[name] = of.and(e.Err != nil)
		}
	}
}

// asked counts a request at a door.
func (t *tally) asked(door string, refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.doors == nil {
		t.doors = map[string]attempts{}
	}
	t.doors[door] = t.doors[door].and(refused)
}

func (a attempts) and(bad bool) attempts {
	a.all++
	if bad {
		a.bad++
	}
	return a
}

// calls are those for a credential.
func (t *tally) calls(credential string) (all, failed uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.issuers[credential]
	return of.all, of.bad
}

// door is what was asked at one.
func (t *tally) door(name string) (requests, refused uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.doors[name]
	return of.all, of.bad
}

// forget drops a credential that is gone.
func (t *tally) forget(credential string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.issuers, credential)
}
