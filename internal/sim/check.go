package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// checker compares what happens with the invariants: see docs/failures.md.
type checker struct {
	w *world

	mu         sync.Mutex // guards below
	violations []string
	records    []stored // by app
	failed     []failedCall
	waits      []wait
	directs    []directCall
	locks      []leased        // by app
	released   map[string]bool // values of locks
	looked     map[string]bool // values of looks
	paced      []pace
	marks      map[string]string // of what was last written, by app and kind of record
	graves     map[string]string // tombstones, by key, as somebody has left them
}

func newChecker(w *world) *checker {
	return &checker{
		w: w, records: make([]stored, w.s.apps),
		marks: map[string]string{}, locks: make([]leased, w.s.apps), released: map[string]bool{}, looked: map[string]bool{},
	}
}

func (c *checker) violated(invariant, who, format string, args ...any) {
	c.violatedAt(time.Now(), invariant, who, format, args...)
}

// violatedAt is for what is found out later.
func (c *checker) violatedAt(at time.Time, invariant, who, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	c.w.log.addAt(at, who, "%s %s: %s", violated, invariant, what)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.violations) < 20 {
		c.violations = append(c.violations, fmt.Sprintf("%s at %.9f, %s: %s", invariant, c.w.log.since(at).Seconds(), who, what))
	}
}

func (c *checker) result() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.violations)
}

// got is one Get.
type got struct {
	app          *app
	began, ended time.Time
	patience     time.Duration // its ctx ends then, to the nanosecond
	had          bool          // a usable copy, when it began
	before, tok  tokencache.Token
	err          error
}

func (g *got) took() time.Duration { return g.ended.Sub(g.began) }

// wait is that of a Get without a copy.
type wait struct {
	r    *replica
	took time.Duration
}

// get checks I1 and I4.
func (c *checker) get(r *replica, g got) {
	c.w.words.add(fmt.Sprintf("%v %+v %v %+v %#v", g.err, g.err, g.tok, g.tok, g.tok))
	app := g.tok.AppAccessToken()
	if g.took() > 0 || g.err != nil {
		c.w.log.add(r.name, "Get %s: %s %s after %v", g.app.name, g.app.label(app), plain(g.err), g.took())
	}
	if g.err == nil {
		c.handedOut(r, &g, app)
	}
	if g.took() > 0 && c.w.quiet.Load() && !g.app.wasRevoked(g.began) && c.drift(g.app, app) <= 0 { // others may believe that it lasts
		c.violated("I6", r.name, "a Get of %s took %v in the quiet time: %s", g.app.name, g.took(), plain(g.err))
	}
	switch {
	case g.took() > g.patience:
		c.violated("I4", r.name, "a Get of %s took %v, its ctx %v", g.app.name, g.took(), g.patience)
	case g.had && (g.err != nil || g.took() > 0):
		c.violated("I4", r.name, "with %s at hand a Get took %v: %s", g.app.label(g.before.AppAccessToken()), g.took(), plain(g.err))
	case !g.had:
		c.waited(r, &g)
	}
}

// handedOut checks I1.
func (c *checker) handedOut(r *replica, g *got, app string) {
	n, pair := g.app.pair(app)
	longer := c.outlasting(r, g.app, app)
	switch {
	case n == 0:
		c.violated("I1", r.name, "handed out a token that the issuer never gave")
	case !pair.End.Add(longer).After(g.ended):
		c.violated("I1", r.name, "handed out %s, which ended %v ago", g.app.label(app), g.ended.Sub(pair.End))
	case pair.Tenant != g.tok.TenantAccessToken():
		c.violated("I1", r.name, "handed out %s with the tenant token of another", g.app.label(app))
	case g.tok.Expiry().After(pair.End.Add(longer + time.Millisecond)):
		c.violated("I1", r.name, "said that %s ends %v later than it does, not %v", g.app.label(app), g.tok.Expiry().Sub(pair.End), longer)
	}
	c.goesBack(r, g, app)
	seen, yes := r.sawRejected(app)
	if !yes || !seen.Before(g.began) {
		return
	}
	rejected := c.firstRejected(g.app, app, seen) // before this process had heard of it, perhaps
	if g.app.handedOutAgain(app, rejected) || c.undated(g.app, pair.Minted, rejected) || c.untold(r, g, app) {
		return
	}
	c.violated("I1", r.name, "handed out %s, though it saw it rejected %v before", g.app.label(app), g.began.Sub(seen))
}

// undated reports whether nobody can tell any more what came first, the issuer's last word on a token or its
// rejection: Redis has lost the tombstone; and its clock, by which the word is dated, was set since
// the token was minted, or somebody has written another date into the record since the rejection.
func (c *checker) undated(a *app, minted, rejected time.Time) bool {
	return c.forgot(a, rejected) && (len(c.w.clock.aheads(minted)) > 1 || c.redated(a, rejected))
}

func (c *checker) redated(a *app, since time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.records[a.index].redated.After(since)
}

// untold reports whether the process does not believe a rejection that it has only heard of: by
// Redis' clock, which was set back by less than anybody can tell from a slow answer (see sameClock
// of tokencache), that was before the token was handed out. Then its own rejection has to do.
func (c *checker) untold(r *replica, g *got, app string) bool {
	back := c.w.clock.setBack(g.app.lastCall(app).Arrived.Add(-longestLook))
	return back > 0 && back < 2*time.Second && r.hasOnlyHeard(app)
}

// handed is a token that a process has handed out.
type handed struct {
	token string
	ends  time.Time // as the process said
	at    time.Time
}

// goesBack checks what I2 is for a process: it does not go back to another token that ends
// earlier, but after a rejection, or when the one before is over.
func (c *checker) goesBack(r *replica, g *got, token string) {
	_, rejected := r.sawRejected(r.lastHanded(g.app).token)
	ends := g.tok.Expiry()
	r.mu.Lock()
	last := r.handed[g.app.index]
	r.handed[g.app.index] = handed{token, ends, time.Now()}
	r.mu.Unlock()
	if last.token == token || rejected || !last.ends.After(g.ended.Add(2*c.w.s.margin())) {
		return
	}
	if c.w.troubled(r.index, g.app.index, last.at, g.ended, func(t *trouble) bool { return t.lost }) {
		return // the end of the one before may have been shortened by hand meanwhile
	}
	if back := last.ends.Sub(ends); back > 10*time.Millisecond {
		c.violated("I2", r.name, "went back from %s to %s, which ends %v earlier", g.app.label(last.token), g.app.label(token), back)
	}
}

func (r *replica) lastHanded(a *app) handed {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.handed[a.index]
}

// drift is how much longer that token may seem to last in Redis than it does.
func (c *checker) drift(a *app, token string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.records[a.index].drifted[token]
}

// forgot reports whether Redis has lost rejections since: then it may take a token that
// was asked for before.
func (c *checker) forgot(a *app, since time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.records[a.index].forgot.After(since)
}

// coolDown checks what ErrCoolDown says: that the issuer has handed a token out again
// since it was rejected. The one that is told so may have been late by its own clock,
// but not by Redis': then it counts as little as one in time, and those before do.
func (c *checker) coolDown(r *replica, a *app, app string) {
	c.mu.Lock()
	told := c.records[a.index].rejected[app]
	c.mu.Unlock()
	if c.forgot(a, told.at) {
		return
	}
	for one := &told; one != nil && !one.at.IsZero(); one = one.before {
		if a.handedOutAgain(app, one.at) {
			r.seesAgain(app, one.at)
			return
		}
	}
	c.violated("I1", r.name, "was told that %s cools down, but nobody has got it again", a.label(app))
}

// waited checks the second half of I4: without a copy Get succeeds, if its ctx
// outlasts a lease, the running backoff and a call, while Redis holds a usable token
// or the issuer answers. With less time it may fail when that is over, and for the
// reason that its ctx gives; with any other only if there is trouble.
func (c *checker) waited(r *replica, g *got) {
	c.mu.Lock()
	c.waits = append(c.waits, wait{r, g.took()})
	c.mu.Unlock()
	outOfTime := errors.Is(g.err, context.DeadlineExceeded) && g.took() == g.patience
	if g.took() < longWait && (g.err == nil || outOfTime) {
		return
	}
	stopped := c.w.troubled(r.index, all, g.began, g.ended, func(t *trouble) bool { return t.stopped })
	noRedis := c.w.troubled(r.index, g.app.index, g.began, g.ended, func(t *trouble) bool { return t.redis })
	spent := c.w.troubled(r.index, g.app.index, g.began, g.ended, func(t *trouble) bool { return t.spent })
	caller := r.index
	if _, ok := errors.AsType[*tokencache.IssuerError](g.err); ok && g.patience < longPatience {
		caller = everybody // a failure of one replica's own holds the others for a second
	}
	noIssuer := c.w.troubled(caller, g.app.index, g.began, g.ended, func(t *trouble) bool { return t.issuer })
	switch {
	case stopped:
	case g.err != nil && c.failedByAPace(g):
	case g.err == nil && c.isPaced(g) && (g.took() < longestPace+longWait || c.clockSet(g)):
	case noRedis && (r.noDirect || spent):
	case noIssuer && (noRedis || !c.storedThroughout(r, g)):
	case g.err == nil:
		c.violated("I4", r.name, "without a copy a Get of %s took %v", g.app.name, g.took())
	default:
		c.violated("I4", r.name, "without a copy a Get of %s failed after %v: %s", g.app.name, g.took(), plain(g.err))
	}
}

// clockSet reports whether Redis' clock was set in the time of a Get, which may then miss the
// token between two paces: it does not believe the event, and looks when that is rejected.
func (c *checker) clockSet(g *got) bool {
	return len(c.w.clock.aheads(g.began.Add(-sharing))) > 1
}

// longWait is more than a Get without a copy takes while the issuer answers: a lease
// with its jitter, a poll, and five commands of a second each to a Redis that does not
// answer; the call's own time is below a second.
const longWait = 14 * time.Second

// fromMemory is how long a process without a copy repeats an error before it looks
// whether somebody has mended it, and the look.
const fromMemory = 6 * time.Second

// storedThroughout reports whether Redis held a usable token all the time, and for so
// long before that the process should have seen it.
func (c *checker) storedThroughout(r *replica, g *got) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.records[g.app.index]
	return s.ours == (r.build == 0) && s.oursSince.Before(g.began.Add(-fromMemory)) && s.usableAt(g.ended, c.w.s.margin()+time.Second) && s.usableSince.Before(g.began.Add(-fromMemory)) && g.app.issuer.Valid(s.token)
}

// filled checks that one fill runs per Source and process, which is what I8 stands on.
func (c *checker) filled(r *replica, a *app, took time.Duration) {
	now := time.Now()
	r.mu.Lock()
	last := r.filled[a.index]
	r.filled[a.index] = now
	r.mu.Unlock()
	if last.Before(now) && now.Add(-took).Before(last) { // of two that end at once either may say so first
		c.violated("I8", r.name, "two fills of %s ran at once", a.name)
	}
}

// So many put-backs of one token that fail, within so short a time: their pause is 250 ms
// at first, and grows.
const (
	manyPutBacks   = 8
	putBacksWithin = time.Second
)

// putBackFailed checks that a Redis which refuses a token is not offered it again at once.
func (c *checker) putBackFailed(r *replica, a *app) {
	now := time.Now()
	r.mu.Lock()
	at := append(r.putBacks[a.index], now)
	at = at[max(0, len(at)-manyPutBacks):]
	r.putBacks[a.index] = at
	r.mu.Unlock()
	within := now.Sub(at[0])
	if len(at) < manyPutBacks || within >= putBacksWithin {
		return
	}
	// Each look puts back as well, and a flood has who has a copy that is about to end look once for
	// each quarter of what is left of it.
	if !c.w.troubled(r.index, a.index, at[0], now, func(t *trouble) bool { return t.name == floodName }) {
		c.violated("I8", r.name, "%d put-backs of %s failed within %v", manyPutBacks, a.name, within)
	}
}

// called takes note of a call that is over.
func (c *checker) called(r *replica, a *app, e tokencache.Event) {
	f := failedCall{app: a, r: r, began: time.Now().Add(-e.Duration), at: time.Now(), good: e.Err == nil}
	if e.Err != nil && !errors.As(e.Err, &f.err) {
		return
	}
	if e.Kind == tokencache.EventDirectCall {
		c.direct(r, a, e)
		if e.Err != nil {
			return // nobody else knows of it
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = append(c.failed, f)
}
