package tokencache

import (
	"time"
)

// pacer makes the difference between a fleet that asks and one that hammers: it knows why the next
// fill need not come yet, and why this process shall not ask the issuer. Plain data under its
// Source's mutex: each method says what has happened. Where a copy is to be given it is the one
// that can be handed out, nil if there is none.
type pacer struct {
	jitter *jitter

	hold       hold          // what the last fill left behind: no other starts before it is over
	ownHold    hold          // keeps this process from asking, not from looking
	failures   int           // calls in a row that failed as far as only we know
	troubles   int           // with Redis, since the last fill or delivery without any
	refusing   bool          // Redis has refused something since then
	putBacks   int           // attempts in a row to tell Redis what it does not know
	refusals   int           // fresh tokens of direct calls in a row that were rejected
	refusedAt  instant       // the last of them
	refusedFor time.Duration // what it was to wait for after that
	directAt   instant       // when the last direct call ended, if it failed; else zero
	overrodeAt instant       // when Refresh last passed a permanent failure
}

// hold keeps fills away for a while. A fill without one would follow at once, as often as
// somebody calls Get.
type hold struct {
	from    instant
	wait    time.Duration
	err     error // for a Get without a copy; nil if there is no reason to fail it
	excused error // what it was left for, if that is to fail nobody
}

func (h hold) rest(at instant) time.Duration { return max(0, h.wait-at.since(h.from)) }

// errLately is its error, unless it has been over for longer than a round takes: nobody waits for what
// was then.
func (h hold) errLately(at instant) error {
	if at.since(h.from) > h.wait+roundTimeout {
		return nil
	}
	return h.err
}

// isOfSilence reports whether a hold was left because Redis did not answer, or was not
// asked for that reason.
func (h hold) isOfSilence() bool { return isSilence(h.err) || isSilence(h.excused) }

func isSilence(err error) bool {
	e, ok := err.(*RedisError) //nolint:errorlint // one that a direct call's error wraps was not what it is for
	return ok && !e.refused()
}

// isOfRejected reports whether this process was kept off because what it got was rejected.
func isOfRejected(err error) bool {
	e := issuerErrorIn(err)
	return e != nil && e.Err == ErrRejected //nolint:errorlint // it asks no foreign error
}

// shortHold is how long a process without a copy answers a failure from memory
// before it looks whether somebody has mended it.
const shortHold = 5 * time.Second

// holdFor keeps the next fill away for a while. The error is what a Get without a copy is told
// meanwhile. The hold ends where the copy reaches its next phase, if that is sooner: an urgent
// copy may be replaced around Redis, and without one a fill has to see whether somebody else has
// another.
func (p *pacer) holdFor(wait time.Duration, err error, c *localCopy, at instant) {
	if c != nil {
		wait = min(wait, c.window.untilNext(c.remainingAt(at)))
	}
	p.hold = hold{from: at, wait: wait, err: err}
}

// free ends the hold.
func (p *pacer) free() { p.hold = hold{} }

// excuse has the hold fail nobody: a fill goes around what it was left for.
func (p *pacer) excuse() { p.hold.err, p.hold.excused = nil, p.hold.err }

// restOfTrouble is how much longer Redis is not to be asked.
func (p *pacer) restOfTrouble(at instant) time.Duration {
	switch p.hold.err.(type) { //nolint:errorlint // it asks no foreign error
	case *RedisError, *directError:
		return p.hold.rest(at)
	}
	return 0
}

// issuerAnswered: with a token.
func (p *pacer) issuerAnswered() {
	p.failures = 0
	if !isOfRejected(p.ownHold.err) { // what has just been got may be rejected by now
		p.ownHold = hold{}
	}
}

// issuerFailed: a call has, with an *IssuerError. Redis has the fleet wait for so long; 0 if
// Redis was not told. This process waits longer each time if Redis was not told, or if the failure may
// be its own trouble. Briefly: the next fill is to look again soon, whatever keeps it from asking.
func (p *pacer) issuerFailed(err error, fleet time.Duration, briefly bool, c *localCopy, at instant) {
	wait := fleet
	if e := issuerErrorIn(err); e != nil && (e.Local || wait == 0) {
		p.failures++
		wait = max(wait, backoffOf(e).after(p.failures, p.jitter.draw()))
		p.keepOff(wait, err, at)
	}
	if briefly {
		wait = min(wait, shortHold)
	}
	p.holdFor(wait, err, c, at)
}

// keepOff keeps this process from asking for a while, which may still read what others have got.
func (p *pacer) keepOff(wait time.Duration, err error, at instant) {
	p.ownHold = hold{from: at, wait: wait, err: err}
}

// keptOff returns how much longer this process shall not ask, and why. Who insists may, unless
// what was got before was rejected.
func (p *pacer) keptOff(insists bool, at instant) (time.Duration, error) {
	if insists && !isOfRejected(p.ownHold.err) {
		return 0, nil
	}
	return p.ownHold.rest(at), p.ownHold.err
}

// redisFailed: Redis did not allow a look or a write, or did not answer. News: it is the first
// refusal, as opposed to silence, since all was well.
func (p *pacer) redisFailed(refused bool) (news bool) {
	p.troubles++
	news = refused && !p.refusing
	p.refusing = p.refusing || refused
	return news
}

// holdForRedis keeps the next fill away after trouble, for at least so long.
func (p *pacer) holdForRedis(err error, least time.Duration, c *localCopy, at instant) {
	wait := max(least, redisBackoff.after(p.troubles, p.jitter.draw()))
	p.holdFor(wait+p.jitter.upTo(coldSpread), err, c, at)
}

// redisAnswered: it allowed one.
func (p *pacer) redisAnswered() { p.troubles, p.refusing = 0, false }

// rejected: the copy c was, and dropped. The wait is until this process may ask, above 0 if it is
// one of several fresh tokens of direct calls in a row: of these Redis does not know, which paces
// the others.
func (p *pacer) rejected(c *localCopy, at instant) (row int, wait time.Duration) {
	fresh := freshFor(c.token.life())
	if !c.unpublished || at.since(c.from) >= fresh {
		return 0, 0
	}
	if at.since(p.refusedAt) >= p.refusedFor+2*fresh { // one has lasted since
		p.refusals = 0
	}
	p.refusals++
	p.refusedAt, p.refusedFor = at, 0
	if p.refusals > 1 {
		p.refusedFor = refusalBackoff.after(p.refusals-1, p.jitter.draw())
	}
	return p.refusals, p.refusedFor
}

// standsAside: Redis has left a rejected token to the others, and this process is kept off.
func (p *pacer) standsAside(wait time.Duration, err error, c *localCopy, at instant) {
	p.keepOff(wait, err, at)
	if c == nil {
		p.holdFor(min(wait, shortHold), err, nil, at)
	}
}

// putBackIn is how long to wait before Redis is told what it does not know, at least so long:
// spread over some seconds, because the whole fleet waits for the same moment. Tried is false if
// it was not asked the last time.
func (p *pacer) putBackIn(tried bool, least time.Duration) time.Duration {
	wait := putBackBackoff.base
	if tried {
		p.putBacks++
		wait = putBackBackoff.after(p.putBacks, p.jitter.draw())
	}
	return max(wait, least) + p.jitter.upTo(2*time.Second)
}

// putBackDone: Redis knows all.
func (p *pacer) putBackDone() { p.putBacks = 0 }

// ownDirectEvery is how often a credential whose last direct call failed may make one,
// whatever the others have left of the Cache's rate.
const ownDirectEvery = time.Minute

// directCallEnded takes note of a direct call.
func (p *pacer) directCallEnded(err error, at instant) {
	if p.directAt = at; err == nil {
		p.directAt = instant{}
	}
}

// mayCallDirectly reports whether a credential may beside the Cache's rate.
func (p *pacer) mayCallDirectly(at instant) bool {
	return p.directAt != instant{} && at.since(p.directAt) >= ownDirectEvery
}

const overrideEvery = 5 * time.Second

// mayOverride reports whether Refresh may go past a permanent failure.
func (p *pacer) mayOverride(at instant) bool { return at.since(p.overrodeAt) >= overrideEvery }

// overrode: it has.
func (p *pacer) overrode(at instant) { p.overrodeAt = at }
