package tokencache

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"
)

// Invalidate tells the fleet that a token was refused by those who should accept
// it, though its life is not over. It compares: a token that has been replaced
// in the meantime costs nothing, and of many callers with the same one only the
// first does anything. The next Get brings another.
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
	case told := <-s.telling.DoChan(fp, func() (any, error) { return nil, s.tell(fp) }):
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
	s.rejected.add(fp, s.nextNumber(), false)
	if s.copy.Load().is(fp) {
		s.hold = hold{} // it was for one that has a copy
	}
	s.drop(fp)
	return nil
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
	r, known := s.rejected[fp]
	s.mu.Unlock()
	if !known || r.told {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*s.cache.config.RedisTimeout)
	defer cancel()
	out, err := s.store.invalidate(ctx, fp, r.nonce, s.longestLeft())
	if err != nil {
		s.observe(Event{Kind: EventInvalidate, Err: err})
		s.putBackLater(err)
		return err
	}
	s.observe(Event{Kind: EventInvalidate, Outcome: string(out)})

	s.mu.Lock()
	s.rejected.told(fp, r.number, out == outcomeCoolDown)
	s.mu.Unlock()
	if out == outcomeCoolDown {
		return ErrCoolDown
	}
	if out == outcomeDropped {
		_ = s.store.announce(ctx, eventRejection, fp) // a hint
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
		_, err, _ := s.telling.Do(fp, func() (any, error) { return nil, s.tell(fp) })
		if err != nil && !errors.Is(err, ErrCoolDown) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// longestLeft is the longest life a token may have left: how long a tombstone must last.
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
	cool   time.Duration // no second one before
	nonce  string
	told   bool // Redis knows
	// renewed: the issuer has handed the token out again since it was first
	// rejected, as Redis knows, so our own news of it is old.
	renewed bool
}

const maxRejections = 64 // a process that rejects more tokens than these has other troubles

// nextNumber is taken by every question and by every rejection.
func (s *Source) nextNumber() uint64 { return s.numbers.Add(1) }

// add notes a rejection. One that comes while another of the same token cools is
// the same once more, such as our own come back as an event: Redis knows, but
// neither the number nor the cool-down changes, since the issuer may have handed
// the token out again in between.
func (r rejections) add(fp string, number uint64, told bool) {
	before, again := r[fp]
	if again && r.cooling(fp) {
		before.told = before.told || told
		r[fp] = before
		return
	}
	cool := coolDown
	if again {
		cool = min(longestCoolDown, 2*before.cool)
	} else if len(r) >= maxRejections {
		r.forgetOldest()
	}
	r[fp] = rejection{number: number, at: now(), cool: cool, nonce: rand.Text(), told: told}
}

// forbid reports whether a must not be adopted: it was asked for before the
// rejection; or it comes from a Redis that does not know of that yet, or knows no
// more, because a failover lost it: then the issuer's last word on the token is
// older than the rejection.
func (r rejections) forbid(fp string, a adoption) bool {
	m, rejected := r[fp]
	if !rejected {
		return false
	}
	if a.asked < m.number {
		return true
	}
	return !a.own && (!m.told || !m.renewed && a.checked > now().since(m.at))
}

func (r rejections) cooling(fp string) bool {
	m, rejected := r[fp]
	return rejected && now().since(m.at) < m.cool
}

func (r rejections) told(fp string, number uint64, renewed bool) {
	if m := r[fp]; m.number == number {
		m.told, m.renewed = true, renewed
		r[fp] = m
	}
}

func (r rejections) pending() (fps []string) {
	for fp, m := range r {
		if !m.told {
			fps = append(fps, fp)
		}
	}
	slices.SortFunc(fps, func(a, b string) int { return cmp.Compare(r[a].number, r[b].number) })
	return fps
}

// forgetOldest spares what Redis does not know yet.
func (r rejections) forgetOldest() {
	oldest := ""
	for fp, m := range r {
		if m.told && (oldest == "" || m.number < r[oldest].number) {
			oldest = fp
		}
	}
	delete(r, oldest)
}

// knowsRejected reports whether this process has seen the token rejected. If it
// has a copy all the same, the issuer has handed it out again since.
func (s *Source) knowsRejected(fp string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.rejected[fp]
	return known
}
