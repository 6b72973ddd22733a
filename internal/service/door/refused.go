package door

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Refused is a token that an API has refused, as far as a client can name it. It shows nothing of it,
// however it is printed.
type Refused struct{ is func(tokencache.Token) bool }

// refusedToken is named by one string of its pair.
func refusedToken(text string) Refused {
	same := func(s string) bool { return subtle.ConstantTimeCompare([]byte(s), []byte(text)) == 1 }
	return Refused{func(tok tokencache.Token) bool {
		app, tenant := same(tok.AppAccessToken()), same(tok.TenantAccessToken())
		return (app || tenant) && text != ""
	}}
}

func refusedFingerprint(fingerprint string) Refused {
	return Refused{func(tok tokencache.Token) bool { return tok.Fingerprint() == fingerprint && !tok.IsZero() }}
}

// Is reports whether it is that token; never of the zero one.
func (r Refused) Is(tok tokencache.Token) bool { return r.is != nil && r.is(tok) }

// Source is what At needs of a [*tokencache.Source].
type Source interface {
	Peek() (tokencache.Token, bool)
	Stored(ctx context.Context) (tokencache.Token, error)
	Invalidate(ctx context.Context, bad tokencache.Token) error
}

// At tells the fleet, if the token is the one that the Source has at hand, or else the one in Redis, which
// another door may have handed out. No other token is rejected: it would cost the fleet nothing, but
// take the place of others among the rejections that a Source remembers. A token at hand costs
// one round trip to Redis, another two at most.
//
// Replaced is told as well if Redis cannot be asked, but another token is at hand. Errors are those of
// [tokencache.Source.Stored] and tokencache.ErrClosed.
func (r Refused) At(ctx context.Context, source Source) (Outcome, error) {
	held, ok := source.Peek()
	if ok && r.Is(held) {
		return invalidate(ctx, source, held)
	}
	stored, err := source.Stored(ctx)
	switch {
	case err != nil && !ok:
		return "", err
	case err == nil && r.Is(stored):
		return invalidate(ctx, source, stored)
	}
	return Replaced, nil
}

// invalidate does not fail for Redis' sake, nor for want of time: this process does not hand out the
// token any more, and the others are told when they can be.
func invalidate(ctx context.Context, source Source, bad tokencache.Token) (Outcome, error) {
	err := source.Invalidate(ctx, bad)
	switch {
	case errors.Is(err, tokencache.ErrCoolDown):
		return Paced, nil
	case err == nil, errors.Is(err, tokencache.ErrRedis), ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return Invalidated, nil
	}
	return "", err
}
