package metrics

import (
	"sync"

	"github.com/onetoken-go/onetoken/tokencache"
)

// degraded notes which credentials have trouble with Redis. A Redis that was silent is well again
// when it answers, of which EventRecovered tells. A Redis that refuses has answered all the time:
// its trouble is over after a whole fill without any, if that fill has got a token or called the
// issuer with the lock. A fill that only read another's failure wrote nothing, and so tells
// nothing.
//
// It knows no more than the last operation: a process with a fresh token has no reason to try
// another.
type degraded struct {
	mu    sync.Mutex           // guards byKey
	byKey map[string]condition // only of those in trouble
}

type condition struct {
	silent bool // Redis did not answer, or was not asked for that reason
	recent bool // there was trouble since the credential's last fill ended
	called bool // the issuer was called since then
}

// trouble notes an operation that did not succeed.
func (d *degraded) trouble(id string, what tokencache.Trouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byKey == nil {
		d.byKey = make(map[string]condition)
	}
	d.byKey[id] = condition{silent: what.Silent(), recent: true}
}

// called notes a call of the issuer with the lock in hand.
func (d *degraded) called(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.byKey[id]; ok {
		c.called = true
		d.byKey[id] = c
	}
}

// filled notes the end of a fill. If there was no trouble since the fill before ended, and this one
// got a token or called, the credential is well; after silence it need have done neither. A Source
// that is gone has no next fill, so its trouble is forgotten at once.
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

// putBack notes that Redis has taken a write, this process's or another's.
func (d *degraded) putBack(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.byKey[id]; ok && !c.silent {
		delete(d.byKey, id)
	}
}

// answered notes that Redis answers after a silence.
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

// gauge returns 1 while any credential is in trouble, else 0.
func (d *degraded) gauge() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.byKey) > 0 {
		return 1
	}
	return 0
}
