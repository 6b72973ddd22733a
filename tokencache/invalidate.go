package tokencache

import (
	"context"
	"errors"
)

// Invalidate tells the fleet that a token was refused by those who should accept
// it, though its life is not over. It compares: a token that has been replaced
// in the meantime costs no call, and of many callers with the same one only the
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
	if err := s.courier.reject(fp); err != nil {
		return err
	}
	return s.courier.tell(ctx, fp)
}
