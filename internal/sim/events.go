package sim

import (
	"strconv"
	"strings"
	"sync"
	"time"
)

// told is an event that a replica has sent.
type told struct {
	app     *app
	number  int // of all
	at      time.Time
	payload string
	build   int  // that has sealed it
	stored  step // of T: when Redis dated it, and by which clock
}

// events are all that replicas have sent. Whoever can publish may say them again.
type events struct {
	mu   sync.Mutex // guards below
	all  []told
	sent map[string]told // by payload: seals are random, so no two are the same, but of F
}

func newEvents() *events { return &events{sent: map[string]told{}} }

func (e *events) add(one told) {
	e.mu.Lock()
	defer e.mu.Unlock()
	one.number, one.at = len(e.all), time.Now()
	e.all = append(e.all, one)
	e.sent[one.payload] = one
}

// alias notes that these words are taken for that event as well.
func (e *events) alias(payload string, one told) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent[payload] = one
}

// genuine returns the event that a replica has sent with these words.
func (e *events) genuine(payload string) (told, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	one, yes := e.sent[payload]
	return one, yes
}

// of returns what was told of an app, from the n-th on.
func (e *events) of(a *app, from int) (list []told) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.all[min(from, len(e.all)):] {
		if one.app == a {
			list = append(list, one)
		}
	}
	return list
}

func (e *events) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.all)
}

// sends notes an event of a replica.
func (w *world) sends(r *replica, a *app, payload string) {
	one := told{app: a, payload: payload, build: r.build}
	if words := strings.Split(payload, " "); len(words) > 4 && words[0] == "T" {
		ms, _ := strconv.ParseInt(words[2], 10, 64)
		one.stored = w.clock.lastMoment(time.UnixMilli(ms), time.Now())
	}
	w.events.add(one)
}

// appOfChannel is nil for a channel that is none of ours.
func (w *world) appOfChannel(channel string) *app {
	for _, a := range w.apps {
		if channel == w.key(a, "events") {
			return a
		}
	}
	return nil
}

// outlasts notes what a copy made of this event may be wrong by. A step of Redis' clock ahead,
// after this process has last looked, and a delay of the event cancel out each other as far as
// anybody can tell: the end is too late by the smaller of the two. That is to be accepted only
// as far as the process takes the event for one of now: by half of the margin at most.
func (r *replica) outlasts(app string, one told) {
	late := time.Since(one.stored.at)
	least := min(2*time.Second, r.w.s.deadMargin()/2) + rounding
	most := 50*time.Millisecond + longestLook
	wrong := time.Duration(0)
	for _, ahead := range r.w.clock.aheads(r.since) {
		stepped := one.stored.ahead - ahead
		if late-stepped <= least && stepped-late <= most {
			wrong = max(wrong, min(late, stepped))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outlast[app] = max(r.outlast[app], wrong)
}

const (
	rounding    = 2 * time.Millisecond // of Redis' times, twice
	longestLook = time.Second          // by which a look's own way makes Redis' clock seem ahead
)

// outlasting is how much longer the process may take that token to live than it does: what is
// stored has drifted that far, or an event has been believed that could not be told from a
// right one.
func (c *checker) outlasting(r *replica, a *app, app string) time.Duration {
	drift := c.drift(a, app)
	r.mu.Lock()
	defer r.mu.Unlock()
	return drift + r.outlast[app]
}
