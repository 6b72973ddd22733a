package tokencache

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Invalidate tells the fleet that a token was refused by those who should accept
// it, though its life is not over. It compares: a token that has been replaced
// in the meantime costs nothing, and of many callers with the same one only the
// first does anything, which is one round trip and an event. The next Get brings another.
// The zero Token is an error.
//
// If this process alone rejects one fresh token after the other, the others keep them: a Get
// here waits for 250 ms, doubling to 30 s, and then has the token replaced for all. It fails
// with an *IssuerError that is ErrRejected if its ctx has less time.
//
// ErrCoolDown: this token was rejected within the last minute (doubling to 30)
// and the issuer has handed it out again since, so asking again would not help
// yet; the next Get may return it once more. ErrRedis: this process will not use
// the token, but the others do not know yet; they are told as soon as Redis is back,
// without another call. So they are if ctx ends first, with its error. ErrClosed:
// nobody is told.
func (s *Source) Invalidate(ctx context.Context, bad Token) error {
	if bad.IsZero() {
		return errors.New("tokencache: Invalidate needs the token that was refused")
	}
	fp := bad.Fingerprint()
	if err := s.reject(fp); err != nil {
		return err
	}
	select {
	case told := <-s.telling.DoChan(fp, func() (any, error) { return nil, s.tellAside(fp) }):
		return told.Err
	case <-ctx.Done():
		return whyEnded(ctx)
	}
}

// reject notes a rejection and drops the copy.
func (s *Source) reject(fp string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	if s.rejected.cooling(fp) {
		if s.copy.Load().is(fp) {
			return ErrCoolDown
		}
		return nil // a repetition
	}
	c := s.copy.Load()
	s.rejected.add(fp, rejection{number: s.nextNumber(), stored: c.is(fp) && !c.unpublished})
	if c.is(fp) {
		s.hold = hold{} // it was for one that has a copy
		if s.paceRefusal(c) {
			s.observe(Event{Kind: EventInvalidate, Outcome: OutcomePaced}) // before the Source can be closed
		}
	}
	s.drop(fp)
	return nil
}

// paceRefusal keeps this process from asking for a while if fresh tokens of direct calls
// are rejected one after the other: of these Redis does not know, which paces the others.
// The caller holds s.mu.
func (s *Source) paceRefusal(c *localCopy) (paced bool) {
	at, fresh := now(), freshFor(c.token.life())
	if !c.unpublished || at.since(c.from) >= fresh {
		return false
	}
	if at.since(s.refusedAt) >= s.refusedFor+2*fresh { // one has lasted since
		s.refusals = 0
	}
	s.refusals++
	s.refusedAt, s.refusedFor = at, 0
	if s.refusals == 1 {
		return false
	}
	s.refusedFor = refusalBackoff.after(s.refusals-1, s.jitter.draw())
	s.ownHold = hold{from: at, wait: s.refusedFor, err: s.refused(s.refusals, refusalAdvice)}
	return true
}

func (s *Source) refused(row int, advice string) *IssuerError {
	return &IssuerError{
		Issuer: s.credential.Issuer(), Class: ClassTransient, Advice: advice, Err: ErrRejected,
		Message: fmt.Sprintf("%d fresh tokens in a row were rejected", row),
	}
}

// standAside keeps this process off for a while: nobody else has rejected the token, which
// stays for the others. After that Redis is told once more, and drops it: by the next fill, or by
// one of its own a little later if nobody wants a token. The caller holds s.mu.
func (s *Source) standAside(fp string, number uint64, v verdict) {
	if s.broken != nil || !s.rejected.spare(fp, number, v.wait) {
		return
	}
	err := s.refused(v.row, aloneAdvice)
	s.ownHold = hold{from: now(), wait: v.wait, err: err}
	if s.usable() == nil {
		s.hold = hold{from: now(), wait: min(v.wait, shortHold), err: err}
		s.settle()
	}
	if s.asideTimer != nil {
		s.asideTimer.Stop()
	}
	s.asideTimer = time.AfterFunc(v.wait+putBackBackoff.base, s.startPutBack)
}

// tellAside is tell in a goroutine of its own: a hook of the client's may end that, and
// whoever waits for a singleflight that ends so waits for ever.
func (s *Source) tellAside(fp string) error {
	return <-aside(func() error { return s.tell(fp) }, func(any) error { return errAborted })
}

// tell brings a rejection to Redis, once.
func (s *Source) tell(fp string) (err error) {
	if !s.cache.begin() {
		return ErrClosed
	}
	defer s.cache.end()
	defer func() {
		if p := recover(); p != nil { // in a hook of the client's
			s.cache.panicked(s.store.keys.id, p)
			err = errAborted
		}
	}()
	s.mu.Lock()
	if s.saidClosed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.reporting++
	r, known := s.rejected[fp]
	s.mu.Unlock()
	defer s.reported()
	if !known || !r.toTell() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*s.cache.config.RedisTimeout)
	defer cancel()
	v, err := s.store.invalidate(ctx, notice{
		fp: fp, nonce: r.nonce, remaining: s.longestLeft(), issuer: s.credential.Issuer(),
		by: s.cache.replica(), draw: s.jitter.draw(),
	})
	if err != nil {
		err = redisErrorOf(err, s.store.keys.id) // ctx is nobody's
		s.observe(Event{Kind: EventInvalidate, Err: err})
		s.putBackLater(err)
		return err
	}
	s.observe(Event{Kind: EventInvalidate, Outcome: v.out})

	s.mu.Lock()
	s.rejected.told(fp, r.number, v, s.anchor.epoch)
	if v.out == OutcomeAlone {
		s.standAside(fp, r.number, v)
	}
	s.mu.Unlock()
	if v.out == OutcomeCoolDown {
		return ErrCoolDown
	}
	if v.news && v.out != OutcomeAlone { // also of one that Redis has lost: others may have it
		_ = s.store.announceRejection(ctx, fp, v.at) // a hint
	}
	return nil
}

// tellPending brings to Redis what it did not hear while it was down. Nothing is
// read or put back before.
func (s *Source) tellPending(ctx context.Context) error {
	s.mu.Lock()
	pending := s.rejected.pending()
	s.mu.Unlock()
	for _, fp := range pending {
		select {
		case told := <-s.telling.DoChan(fp, func() (any, error) { return nil, s.tellAside(fp) }):
			if told.Err != nil && !errors.Is(told.Err, ErrCoolDown) {
				return told.Err
			}
		case <-ctx.Done():
			return whyEnded(ctx)
		}
	}
	return nil
}

// longestLeft is what a rejected token may have left at most: the whole life that the issuer gave
// the last one. A tombstone must last for as long.
func (s *Source) longestLeft() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastLife
}

// rejections are the fingerprints this process has seen rejected. They are
// ordered by a counter and not by time, because a rejection and a read can
// happen at the same instant: everything that is asked for takes a number, and
// a token may be adopted only if it was asked for after it was last rejected.
type rejections map[string]rejection

type rejection struct {
	number uint64
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

// nextNumber is taken by every question and by every rejection.
func (s *Source) nextNumber() uint64 { return s.numbers.Add(1) }

// add notes a rejection. One that comes while another of the same token cools is
// the same once more, such as our own come back as an event: Redis knows, but
// neither the number nor the cool-down changes, since the issuer may have handed
// the token out again in between.
func (r rejections) add(fp string, m rejection) {
	before, again := r[fp]
	if again && r.cooling(fp) {
		if m.told { // an event: it is dropped
			before.told, before.due = true, 0
			before.date(m.redis, m.epoch)
		}
		r[fp] = before
		return
	}
	m.at, m.nonce, m.cool = now(), rand.Text(), coolDown
	if again {
		m.cool = min(longestCoolDown, max(coolDown, 2*before.cool))
		m.heard = before.heard
	} else if len(r) >= maxRejections {
		r.forgetOne()
	}
	m.hear(m.redis)
	r[fp] = m
}

// addLate notes one that may be of long ago, and changes no more than that what was asked for
// before now must not be adopted. By Redis' clock it is past, or else of another clock.
func (r rejections) addLate(h rejectionHint, number uint64, past bool, epoch int) {
	m, again := r[h.fingerprint]
	if !again {
		if len(r) >= maxRejections {
			r.forgetOne()
		}
		m = rejection{at: now(), nonce: rand.Text(), told: true, redis: h.at, epoch: epoch}
	}
	if m.told && m.due == 0 { // else Redis is being told of that number
		m.number = number
	}
	if past && !m.redis.IsZero() { // else by our own clocks, it is later
		m.date(h.at, epoch)
	}
	m.hear(h.at)
	r[h.fingerprint] = m
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
	if a.asked < m.number {
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

func (r rejections) cooling(fp string) bool {
	m, rejected := r[fp]
	return rejected && now().since(m.at) < m.cool
}

func (r rejections) told(fp string, number uint64, v verdict, epoch int) {
	if m := r[fp]; m.number == number {
		m.told, m.renewed, m.due, m.redis, m.epoch = true, v.out == OutcomeCoolDown, 0, v.at, epoch
		m.hear(v.at)
		r[fp] = m
	}
}

// spare notes that Redis is to be told once more after that wait, which is another question
// than the first. It reports whether the rejection is still the last of this token.
func (r rejections) spare(fp string, number uint64, wait time.Duration) bool {
	m, known := r[fp]
	if !known || m.number != number {
		return false
	}
	m.due, m.nonce = now().since(m.at)+max(wait, time.Millisecond), rand.Text()
	r[fp] = m
	return true
}

// toTell reports whether Redis has to hear of it now.
func (m rejection) toTell() bool {
	return !m.told || m.due > 0 && now().since(m.at) >= m.due
}

func (r rejections) pending() (fps []string) {
	for fp, m := range r {
		if m.toTell() {
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
		if least == "" || cmp.Or(cmp.Compare(m.matters(), r[least].matters()), cmp.Compare(m.number, r[least].number)) < 0 {
			least = fp
		}
	}
	delete(r, least)
}

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

// knowsRejected reports whether this process has seen the token rejected. If it
// has a copy all the same, the issuer has handed it out again since.
func (s *Source) knowsRejected(fp string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.rejected[fp]
	return known
}
