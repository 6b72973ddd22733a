package sim

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Result of a run.
type Result struct {
	Violations []string
	Timeline   []string // all of it
	Near       []string // what there is to see of the first violation
	Tally      *Tally
}

// Run plays a Scenario. It belongs into a testing/synctest bubble, alone.
func Run(t testing.TB, s Scenario) Result {
	w := newWorld(t, s)
	var faults sync.WaitGroup
	for i := range s.faults {
		faults.Go(func() { w.inflict(&w.s.faults[i], i) })
	}
	w.warmUp()
	w.storm(&faults)
	w.calm()
	w.ending()
	return Result{Violations: w.check.result(), Timeline: w.log.lines(), Near: w.log.around(80, 20), Tally: w.tally}
}

// warmUp starts the fleet, cold: some before the first token is there, some after, and
// some at the moment when it comes.
func (w *world) warmUp() {
	w.log.add("world", "seed %d, profile %s: %d replicas, %d apps, life %v, window %v, mints %v, latency %v, trip %v, far %d, ahead %d, no direct %d",
		w.s.Seed, w.s.Profile.Name, w.s.replicas, w.s.apps, w.s.life, w.s.window, w.s.mints, w.s.latency, w.s.trip, w.s.far, w.s.ahead, w.s.noDirect)
	gap := time.Duration(2 * w.draws.unit("gap") * float64(w.s.latency) / float64(w.s.replicas))
	for i := range w.s.replicas {
		w.begin(i, 1)
		w.hand.sleep(gap)
	}
	w.hand.sleep(coldStart)
}

// storm lasts until the last fault has ended.
func (w *world) storm(faults *sync.WaitGroup) {
	begin := time.Now()
	faults.Wait()
	if rest := w.s.stormy - time.Since(begin); rest > 0 {
		w.hand.sleep(rest)
	}
	for _, a := range w.apps {
		a.keep(false)
	}
	w.log.add("world", "the faults are over")
}

// What I6 allows after the last fault: a lease and its jitter, the breaker's probe, the
// wait for a put-back, and a call; and before these the running backoff, which the
// troubles know.
const recovery = longestLease + 300*time.Millisecond + 6*time.Second + 38*time.Second + 10*time.Second

// Leases are a quarter of a window's span, within these bounds.
const longestLease, shortestLease = 5 * time.Second, 500 * time.Millisecond

// calm checks that the fleet is fresh again, and stays so.
func (w *world) calm() {
	until := time.Now().Add(recovery)
	w.mu.Lock()
	for _, t := range w.troubles {
		if end := t.to.Add(min(t.tail, permanentTail+slack)); t.issuer && end.After(until) {
			until = end
		}
	}
	w.mu.Unlock()
	if paced := w.check.pacedUntil().Add(recovery); paced.After(until) {
		until = paced
	}
	w.hand.sleep(time.Until(until))
	w.log.add("world", "the fleet has to be fresh again")

	look := w.start(w.s.replicas, 1)
	for _, a := range w.apps {
		w.freshAgain(look, a)
	}
	defer look.close()
	since, tampered := time.Now(), w.check.tampered()
	w.quiet.Store(true)
	w.hand.sleep(w.s.quiet)
	w.quiet.Store(false)
	for _, a := range w.apps {
		w.stillFresh(a, since, tampered[a.index])
	}
}

// freshAgain has everybody get a token, a newcomer first: Redis may be empty, since
// nobody else had reason to look. No Get fails. The first may find a token that is due,
// and has others find another: soon, but for a fill that somebody else's news of it
// has put off (see lookWithin).
func (w *world) freshAgain(look *replica, a *app) {
	for _, r := range append([]*replica{look}, w.alive()...) {
		w.freshFor(r, a)
	}
	status, err := look.sources[a.index].Status(context.Background())
	w.words.add(fmt.Sprintf("%+v %#v %v %+v", status, status, err, status.Failure))
	switch {
	case err != nil:
		w.check.violated("I6", "redis", "Status of %s: %s", a.name, plain(err))
	case status.State != tokencache.StateFresh && status.State != tokencache.StateDue, status.Garbled != "", status.RetryIn > 0, status.Locked < 0:
		w.check.violated("I6", "redis", "%s is %s, garbled %q, retry in %v, locked %v", a.name, status.State, status.Garbled, status.RetryIn, status.Locked)
	}
}

// lookWithin is how long who has a copy may take to look for the token that it has
// heard of, and to find it.
const lookWithin = 6 * time.Second

func (w *world) freshFor(r *replica, a *app) {
	// A fill is due at span less its jitter, a sixth at most.
	least, until := w.s.span()*5/6, time.Now().Add(lookWithin)
	for {
		tok, err := r.get(a, longPatience)
		if err != nil {
			w.check.violated("I6", r.name, "no token of %s when the faults are over: %s", a.name, plain(err))
			return
		}
		left := time.Until(tok.Expiry())
		if left > least {
			return
		}
		if time.Now().After(until) {
			w.check.violated("I6", r.name, "%s still ends in %v, and a fill is due before %v", a.label(tok.AppAccessToken()), left, least)
			return
		}
		w.hand.sleep(time.Second)
	}
}

// stillFresh checks the quiet time: there were rotations, no call failed, and none was
// in vain. But the first may be, for a token that a crash has left with nobody; and where
// its TTL was shortened by hand it is due too early, until there is another. Both have to
// be explained: see vain.go. That nobody waits then, and Redis is sound, is checked as it happens.
func (w *world) stillFresh(a *app, since time.Time, tampered bool) {
	minted, granted := 0, 0
	for _, c := range a.issuer.Calls() {
		if c.Arrived.Before(since.Add(time.Second)) {
			continue
		}
		if c.Minted {
			minted++
		}
		if c.Granted() {
			granted++
		}
		if !c.Granted() || a.inVain(c, w.s.window) && granted > 1 && (!tampered || minted > 0) {
			w.check.violated("I6", "issuer", "a call at %.9f without a new token, in the quiet time", w.log.since(c.Arrived).Seconds())
		}
	}
	if minted == 0 {
		w.check.violated("I6", "issuer", "no new token of %s in the quiet time of %v", a.name, w.s.quiet)
	}
}

// ending closes everything and looks for what is left.
func (w *world) ending() {
	if w.s.sound() {
		w.check.sound()
	}
	close(w.over)
	w.gets.Wait()
	for _, r := range w.alive() {
		r.close()
	}
	w.ends.Wait()
	if w.s.sound() {
		w.noLock()
	}
	w.hand.sleep(longestLease + time.Second) // for a try whose reply was lost
	w.noLock()
	if channels := w.redis.Server().PubSubChannels("*"); len(channels) > 0 {
		w.check.violated("I6", "redis", "%d subscriptions are left", len(channels))
	}
	open := 0
	w.redis.Each(func(l *redistest.Link) { open += l.Open() })
	if open > 0 {
		w.check.violated("I6", "redis", "%d connections are left", open)
	}
	w.check.secrets()
	w.check.spacing()
	w.check.limits()
	w.check.successes()
}

func (w *world) noLock() {
	for _, a := range w.apps {
		if w.redis.Server().Exists(w.key(a, "lock")) {
			w.check.violated("I6", "redis", "a lock of %s is left", a.name)
		}
	}
}

// Replay is the command that plays a run again.
func Replay(s Scenario) string {
	return fmt.Sprintf("go test ./internal/sim -run 'TestSeeds$' -sim.seed=%d -sim.profile=%s -v", s.Seed, s.Profile.Name)
}
