package vault

import (
	"context"
	"errors"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Live pairs a token with the credential that got it, so that no app's token goes to another one's URL.
type Live struct {
	Credential
	Token tokencache.Token

	entry *Entry
	id    *identity
}

// ErrElsewhere says that the configuration has changed meanwhile, and the name means another app or another issuer.
var ErrElsewhere = errors.New("vault: the credential is for something else by now")

// Live waits for a token as Get does, with its errors.
func (e *Entry) Live(ctx context.Context) (Live, error) {
	id, plan, err := e.get(ctx)
	if err != nil {
		return Live{}, err
	}
	return Live{Credential: e.of(id), Token: plan.Token, entry: e, id: id}, nil
}

// Another waits for a token in place of one that an API has refused: of the credential that serves by now, if that
// is for the same issuer and app. Its errors are those of Get, and ErrElsewhere.
func (l Live) Another(ctx context.Context) (tokencache.Token, error) {
	now, err := l.entry.Live(ctx)
	if err != nil {
		return tokencache.Token{}, err
	}
	if now.URL != l.URL || now.App != l.App {
		return tokencache.Token{}, ErrElsewhere
	}
	return now.Token, nil
}

// Invalidate tells the fleet that an API has refused the token: see [tokencache.Source.Invalidate]. If a reload has
// closed the Source that gave it, the one that serves is told, which may have the same token; or nobody, if there is none.
func (l Live) Invalidate(ctx context.Context, bad tokencache.Token) error {
	err := l.id.source.Invalidate(ctx, bad)
	if now, _ := l.entry.serving(); now != l.id && errors.Is(err, tokencache.ErrClosed) {
		err = now.source.Invalidate(ctx, bad)
	}
	if errors.Is(err, tokencache.ErrClosed) {
		return nil
	}
	return err
}
