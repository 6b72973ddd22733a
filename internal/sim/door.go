package sim

import (
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// door is a replica's way to an issuer.
type door struct {
	r *replica
	a *app
}

// call is one that went through a door.
type call struct {
	app, replica int
	began        time.Time
	arrived      time.Time // at the issuer; zero if it did not
}

// calls are all of them.
type calls struct {
	mu  sync.Mutex // guards all
	all []call
}

// add returns what notes that the call has arrived.
func (c *calls) add(one call) (arrives func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.all)
	c.all = append(c.all, one)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all[n].arrived = time.Now()
	}
}

func (c *calls) list() []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}

// of are the moments at which those of a replica for an app arrived.
func (c *calls) of(replica, app int) map[time.Time]bool {
	moments := map[time.Time]bool{}
	for _, one := range c.list() {
		if one.replica == replica && one.app == app && !one.arrived.IsZero() {
			moments[one.arrived] = true
		}
	}
	return moments
}

var errShut = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}

// RoundTrip takes its time on both ways, and longer while the replica is stopped.
func (d door) RoundTrip(req *http.Request) (*http.Response, error) {
	r, w := d.r, d.r.w
	r.calling(d.a)
	if gone := r.isGone(); gone || w.weather(r).cutOff {
		_ = req.Body.Close()
		if !gone { // a refusal takes its time as well, in which the replica does other things
			_ = d.wait(req)
		}
		w.log.add(r.name, "cannot reach the issuer of %s", d.a.name)
		return nil, errShut
	}
	w.log.add(r.name, "calls the issuer of %s", d.a.name)
	w.asking.Add(1)
	defer w.asking.Add(-1)
	arrives := w.calls.add(call{app: d.a.index, replica: r.index, began: time.Now()})
	w.called(r)
	if err := d.wait(req); err != nil {
		_ = req.Body.Close()
		return nil, err
	}
	arrives()
	resp, err := d.a.issuer.RoundTripper().RoundTrip(req)
	if waitErr := d.wait(req); waitErr != nil {
		if err == nil {
			_ = resp.Body.Close()
		}
		return nil, waitErr
	}
	return resp, err
}

// A way to an issuer, or back, takes that long.
const shortestWay, longestWay = 200 * time.Microsecond, 5200 * time.Microsecond

// wait is one way.
func (d door) wait(req *http.Request) error {
	now := time.Now()
	u := d.r.w.draws.unit("way "+d.a.name, int64(d.r.index), int64(d.r.life), now.UnixNano())
	way := shortestWay + time.Duration(u*float64(longestWay-shortestWay))
	if held := d.r.w.weather(d.r).held.Sub(now); held > 0 {
		way += held
	}
	timer := time.NewTimer(d.r.calls.after(way))
	defer timer.Stop()
	select {
	case <-timer.C:
		if held := d.r.w.weather(d.r).held; held.After(time.Now()) { // stopped meanwhile
			return d.wait(req)
		}
		return nil
	case <-d.r.gone:
		return errShut
	case <-req.Context().Done():
		return req.Context().Err()
	}
}

// arm returns what is told of the next call of any replica.
func (w *world) arm() chan *replica {
	c := make(chan *replica, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = append(w.armed, c)
	return c
}

func (w *world) disarm(c chan *replica) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = slices.DeleteFunc(w.armed, func(other chan *replica) bool { return other == c })
}

// called hands a call to the fault that has waited longest.
func (w *world) called(r *replica) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.armed) == 0 || w.replicas[r.index] != r {
		return
	}
	w.armed[0] <- r
	w.armed = w.armed[1:]
}
