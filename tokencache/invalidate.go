package tokencache

import (
	"context"
	"errors"
	"fmt"
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
	at := now()
	dropped, err := s.shelf.reject(fp, at)
	if dropped != nil {
		if row, wait := s.pacer.rejected(dropped, at); wait > 0 {
			s.pacer.keepOff(wait, s.refused(row, refusalAdvice), at)
			s.observe(Event{Kind: EventInvalidate, Outcome: OutcomePaced}) // before the Source can be closed
		}
		s.dropped()
	}
	return err
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
	if s.broken != nil || !s.shelf.rejected.spare(fp, number, v.wait, now()) {
		return
	}
	at := now()
	s.pacer.standsAside(v.wait, s.refused(v.row, aloneAdvice), s.shelf.usable(at), at)
	s.settle()
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
	r, known := s.shelf.rejected[fp]
	s.mu.Unlock()
	defer s.reported()
	if !known || !r.toTell(now()) {
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
	s.shelf.rejected.told(fp, r.number, v.out == OutcomeCoolDown, v.at, s.shelf.anchor.epoch)
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
	pending := s.shelf.rejected.pending(now())
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
	return s.shelf.lastLife
}

// knowsRejected reports whether this process has seen the token rejected. If it
// has a copy all the same, the issuer has handed it out again since.
func (s *Source) knowsRejected(fp string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.shelf.rejected[fp]
	return known
}
