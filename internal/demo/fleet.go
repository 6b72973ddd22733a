package demo

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// fleet is the demo's replicas, and what they and their issuer have counted.
type fleet struct {
	config Config
	issuer *feishutest.Issuer
	dial   dialer // to Redis
	begun  time.Time
	tally  tally
	over   chan struct{} // closed at the end: what the dead are stuck in
	reads  sync.WaitGroup

	mu       sync.Mutex // guards the rest
	replicas []*replica // the living; a killed one's place goes to its successor
	numbered int        // replicas so far
	victim   *replica   // nil until the kill
	closing  bool       // nobody is hired any more
}

func newFleet(c Config, issuer *feishutest.Issuer, dial dialer) *fleet {
	return &fleet{config: c, issuer: issuer, dial: dial, begun: time.Now(), over: make(chan struct{})}
}

// start lets all replicas read until ctx ends. Their Gets, and those of the
// killed one's successor, end with it too.
func (f *fleet) start(ctx context.Context) error {
	for place := range f.config.Replicas {
		if err := f.hire(ctx, place); err != nil {
			return err
		}
	}
	return nil
}

// hire starts a replica at a place, which is taken or one past the last.
func (f *fleet) hire(ctx context.Context, place int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		return nil
	}
	f.numbered++
	r, err := newReplica(ctx, f, f.numbered, place)
	if err != nil {
		return err
	}
	if place == len(f.replicas) {
		f.replicas = append(f.replicas, nil)
	}
	f.replicas[place] = r
	f.reads.Go(r.read)
	return nil
}

// call carries a replica's request to the issuer. The caller holds the lock:
// that is who to kill, once, at the first refresh.
func (f *fleet) call(r *replica, req *http.Request) (*http.Response, error) {
	if r.dead.Load() {
		return f.nothing()
	}
	if f.choose(r) {
		go f.answerNobody(req)
		f.killIn(f.config.Latency/2, r)
		return f.nothing()
	}
	return f.issuer.RoundTripper().RoundTrip(req)
}

// nothing comes back to a killed replica: what would go on from there is gone.
func (f *fleet) nothing() (*http.Response, error) {
	<-f.over
	return nil, errKilled
}

// answerNobody: the issuer has the request, and its answer comes too late.
func (f *fleet) answerNobody(req *http.Request) {
	res, err := f.issuer.RoundTripper().RoundTrip(req.WithContext(context.WithoutCancel(req.Context())))
	if err == nil {
		_ = res.Body.Close()
	}
}

// choose reports whether r is the victim.
func (f *fleet) choose(r *replica) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.victim != nil || f.issuer.Stats().Rotations == 0 {
		return false
	}
	f.victim = r
	return true
}

// killIn is kill -9 in a moment: connections drop, nothing is released,
// published, extended or counted any more. As in any fleet, somebody starts a
// new replica.
func (f *fleet) killIn(d time.Duration, r *replica) {
	select {
	case <-time.After(d):
	case <-f.over:
		return
	}
	r.die()
	f.tally.kill(r.number)
	if err := f.hire(r.reading, r.place); err != nil {
		f.tally.fail(err)
	}
}

// close ends the fleet after its reads: calls in flight are finished and
// counted. What is left of the killed one reaches nobody any more.
func (f *fleet) close() {
	f.mu.Lock()
	f.closing = true
	all := append([]*replica{}, f.replicas...)
	if f.victim != nil && f.victim.dead.Load() {
		all = append(all, f.victim)
	}
	f.mu.Unlock()

	f.reads.Wait()
	close(f.over)
	var closing sync.WaitGroup
	for _, r := range all {
		closing.Go(r.close)
	}
	closing.Wait()
}

func (f *fleet) elapsed() time.Duration { return time.Since(f.begun) }

// snapshot is the state of things for people to look at.
func (f *fleet) snapshot() snapshot {
	f.mu.Lock()
	replicas := append([]*replica{}, f.replicas...)
	f.mu.Unlock()
	s := snapshot{config: f.config, elapsed: f.elapsed(), issuer: f.issuer.Stats(), counts: f.tally.counts()}
	held := make([]tokencache.Token, len(replicas))
	for i, r := range replicas {
		if tok := r.held.Load(); tok != nil {
			held[i] = *tok
			if tok.Expiry().After(s.newest.Expiry()) {
				s.newest = *tok
			}
		}
	}
	s.cells = cellsOf(held, s.newest)
	return s
}
