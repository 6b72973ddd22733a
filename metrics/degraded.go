package metrics

import (
	"sync"

	"github.com/onetoken-go/onetoken/tokencache"
)

// degraded is which credentials have trouble with Redis. A Redis that was silent is
// well again when it answers, which there is an event for. One that refused has
// answered all the time: there it takes a whole fill without trouble, that has got a token or
// called with the lock. One that only read the failure of another wrote nothing.
//
// The news is as old as the last operation: a process with a fresh token has no
// reason to try another.
type degraded struct {
	mu    sync.Mutex           // guards byKey
	byKey map[string]condition // only of those in trouble
}

type condition struct {
	silent bool // Redis did not answer, or was not asked for that reason
	recent bool // since the credential's last fill ended
	called bool // the issuer, since then
}

// trouble is an operation that did not succeed.
func (d *degraded) trouble(id string, what tokencache.Trouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byKey == nil {
		d.byKey = make(map[string]condition)
	}
	d.byKey[id] = condition{silent: what.Silent(), recent: true}
}

// called is a call of the issuer with the lock in hand.
func (d *degraded) called(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.byKey[id]; ok {
		c.called = true
		d.byKey[id] = c
	}
}

// filled is the end of a fill: without trouble since the one before, all is well, if it got a
// token or called. Of a Source that is gone there is no next one.
func (d *degraded) filled(key string, got, gone bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.byKey[key]
	if !ok {
		return
	}
	if gone || !c.recent && (c.silent || got || c.called) {
		delete(d.byKey, key)
		return
	}
	c.recent, c.called = false, false
	d.byKey[key] = c
}

// putBack is a write that Redis has taken, ours or another's.
func (d *degraded) putBack(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.byKey[id]; ok && !c.silent {
		delete(d.byKey, id)
	}
}

// answered is an answer after silence.
func (d *degraded) answered() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, c := range d.byKey {
		if c.silent {
			delete(d.byKey, key)
		}
	}
}

func (d *degraded) forget(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.byKey, key)
}

// gauge is 1 while any credential is in trouble, else 0.
func (d *degraded) gauge() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.byKey) > 0 {
		return 1
	}
	return 0
}
