package tokencache

import "context"

// Refresh asks the issuer now, through the lock, whatever life is left, and
// returns the token that is current afterwards. Changed tells whether it is
// another than before; an issuer may well return the same one. Callers at the
// same time share one call, and if another replica is asking already, its
// answer serves.
//
// A permanent failure that holds the fleet back is passed, once per 5 s and
// Source, since the cure may have been in the issuer's console; not if somebody
// else has asked since this Refresh began. Any other is returned, as an
// *IssuerError. Further errors: *RedisError with Redis in trouble and
// Config.NoDirect, or no turn for a direct call within a minute; ErrRejected if the answer was
// rejected in the very moment it came; ErrClosed; ctx's; and
// context.DeadlineExceeded if it came to nothing within a minute.
func (s *Source) Refresh(ctx context.Context) (tok Token, changed bool, err error) {
	r, err := s.joinForced(ctx)
	if err != nil {
		return Token{}, false, err
	}
	select {
	case <-r.done:
	case <-s.state.life.gone:
		return Token{}, false, ErrClosed
	case <-ctx.Done():
		return Token{}, false, s.gaveUp(ctx)
	}
	if r.err != nil {
		return Token{}, false, r.err
	}
	c := s.state.usable()
	if c == nil { // rejected in this very moment
		return Token{}, false, ErrRejected
	}
	return c.token, !c.is(r.refresh.before), nil
}

// joinForced returns the forced round that runs, or starts one as soon as no
// other runs.
func (s *Source) joinForced(ctx context.Context) (*round, error) {
	for {
		running, err := s.join(ctx, fillForced)
		if err != nil || running.why == fillForced {
			return running, err
		}
		select {
		case <-running.done:
		case <-s.state.life.gone:
		case <-ctx.Done():
			return nil, s.gaveUp(ctx)
		}
	}
}
