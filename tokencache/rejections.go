package tokencache

import (
	"cmp"
	"crypto/rand"
	"slices"
	"time"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// rejections are the fingerprints this process has seen rejected. They are
// ordered by a counter and not by time, because a rejection and a read can
// happen at the same instant: everything that is asked for takes a number, and
// a token may be adopted only if it was asked for after it was last rejected.
type rejections map[string]rejection

type rejection struct {
	number uint64
	late   uint64 // of the last late news of one; 0 for none
	at     instant
	redis  time.Time     // by Redis' clock; zero if it is not known
	epoch  int           // of redis: see anchor
	cool   time.Duration // no second one before
	nonce  string
	told   bool          // Redis knows
	due    time.Duration // Redis has left it to the others, and is to hear of it again that long after at; 0: not so
	stored bool          // it was a copy that Redis had too, and may still hand out
	// renewed: the issuer has handed the token out again since it was first
	// rejected, as Redis knows, so our own news of it is old.
	renewed bool
	// heard are the moments of Redis' clock of which events have told, and redis: told of once
	// more, they are no news.
	heard []time.Time
}

// mostHeard bounds the moments that are kept of one token.
const mostHeard = 8

// maxRejections bounds what is kept, and what Redis is told when it is back. A process that
// rejects more tokens than these has other troubles.
const maxRejections = 64

// add notes a rejection. One that comes while another of the same token cools is
// the same once more, such as our own come back as an event: Redis knows, but
// neither the number nor the cool-down changes, since the issuer may have handed
// the token out again in between.
func (r rejections) add(fp string, m rejection, at instant) {
	before, again := r[fp]
	if again && r.cooling(fp, at) {
		if m.told { // an event: it is dropped
			before.told, before.due = true, 0
			before.date(m.redis, m.epoch)
		}
		r[fp] = before
		return
	}
	m.at, m.nonce, m.cool = at, rand.Text(), coolDown
	if again {
		m.cool = min(longestCoolDown, max(coolDown, 2*before.cool))
		m.heard, m.late = before.heard, before.late
	} else if len(r) >= maxRejections {
		r.forgetOne()
	}
	m.hear(m.redis)
	r[fp] = m
}

// addLate notes a rejection that may be of long ago. It only keeps tokens from being adopted that were
// asked for before now. Past: the rejection is of a past moment by Redis' clock; else of another clock.
func (r rejections) addLate(h wire.RejectionHint, number uint64, past bool, epoch int, at instant) {
	m, again := r[h.Fingerprint]
	if !again {
		if len(r) >= maxRejections {
			r.forgetOne()
		}
		m = rejection{at: at, nonce: rand.Text(), told: true, redis: h.At, epoch: epoch}
	}
	m.late = number                // not m.number, of which Redis may be being told
	if past && !m.redis.IsZero() { // else by our own clocks, it is later
		m.date(h.At, epoch)
	}
	m.hear(h.At)
	r[h.Fingerprint] = m
}

// date makes the moment of the rejection a later one.
func (m *rejection) date(redis time.Time, epoch int) {
	m.hear(redis)
	if redis.After(m.redis) || epoch != m.epoch && !redis.IsZero() {
		m.redis, m.epoch = redis, epoch
	}
}

// hear remembers a moment that was told of.
func (m *rejection) hear(redis time.Time) {
	if redis.IsZero() || m.hasHeard(redis) {
		return
	}
	heard := append(slices.Clone(m.heard), redis) // of which other rejections may have a part
	m.heard = heard[max(0, len(heard)-mostHeard):]
}

// hasHeard reports whether an event has told of that very rejection, or it is one's own.
func (m rejection) hasHeard(redis time.Time) bool {
	return slices.ContainsFunc(m.heard, redis.Equal)
}

// forbid reports whether a must not be adopted: it was asked for before the
// rejection; or it comes from a Redis that does not know of that yet, or has left it to
// the others, or knows no more, because a failover lost it: then the issuer's last word on
// the token is older than the rejection.
func (r rejections) forbid(fp string, a adoption) bool {
	m, rejected := r[fp]
	if !rejected {
		return false
	}
	if a.asked < m.last() {
		return true
	}
	return !a.own && (!m.told || m.due > 0 || !m.renewed && !a.isCheckedSince(m))
}

// isCheckedSince reports whether the issuer has confirmed the token after it was rejected. Redis'
// clock decides if it has dated both. A rejection dated ahead of that clock comes from another
// one, and our own clocks decide.
func (a adoption) isCheckedSince(m rejection) bool {
	if m.redis.IsZero() || a.checkedAt.IsZero() || m.epoch != a.epoch || m.redis.After(a.redisNow) {
		return a.checked <= a.at.since(m.at)
	}
	return a.checkedAt.After(m.redis)
}

func (r rejections) cooling(fp string, at instant) bool {
	m, rejected := r[fp]
	return rejected && at.since(m.at) < m.cool
}

// told notes that Redis knows of that rejection and has dated it; renewed as it is there.
func (r rejections) told(fp string, number uint64, renewed bool, redis time.Time, epoch int) {
	if m := r[fp]; m.number == number {
		m.told, m.renewed, m.due, m.redis, m.epoch = true, renewed, 0, redis, epoch
		m.hear(redis)
		r[fp] = m
	}
}

// spare notes that Redis is to be told once more after that wait, which is another question
// than the first. It reports whether the rejection is still the last of this token.
func (r rejections) spare(fp string, number uint64, wait time.Duration, at instant) bool {
	m, known := r[fp]
	if !known || m.number != number {
		return false
	}
	m.due, m.nonce = at.since(m.at)+max(wait, time.Millisecond), rand.Text()
	r[fp] = m
	return true
}

// toTell reports whether Redis has to hear of it now.
func (m rejection) toTell(at instant) bool {
	return !m.told || m.due > 0 && at.since(m.at) >= m.due
}

// pending are the fingerprints of those, in the order of their rejections.
func (r rejections) pending(at instant) (fps []string) {
	for fp, m := range r {
		if m.toTell(at) {
			fps = append(fps, fp)
		}
	}
	slices.SortFunc(fps, func(a, b string) int { return cmp.Compare(r[a].number, r[b].number) })
	return fps
}

// forgetOne forgets the oldest of those that matter least.
func (r rejections) forgetOne() {
	least := ""
	for fp, m := range r {
		if least == "" || cmp.Or(cmp.Compare(m.matters(), r[least].matters()), cmp.Compare(m.last(), r[least].last())) < 0 {
			least = fp
		}
	}
	delete(r, least)
}

// last is the number of the last news of it.
func (m rejection) last() uint64 { return max(m.number, m.late) }

// matters ranks what to keep: first what Redis has not been told of a token that it had, then of
// others, last what it knows.
func (m rejection) matters() int {
	switch {
	case m.told:
		return 0
	case !m.stored:
		return 1
	default:
		return 2
	}
}
