package larksdk

import (
	"context"
	"fmt"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/tokencache"
)

// tokenSource is the Source of one request, which gives a token of the kind that the request's marker
// names, or says in the words of this package why it cannot.
type tokenSource struct {
	bearer.Source
	marker marker

	given    tokencache.Token // by the Source at the last Get
	rejected bool             // the API has rejected one that was given
}

// kind that the token has as it comes from Get.
func (s *tokenSource) kind() bearer.Kind {
	if s.marker.kind == bearer.App {
		return bearer.App
	}
	return bearer.Tenant
}

func (s *tokenSource) Get(ctx context.Context) (tokencache.Token, error) {
	tok, err := s.Source.Get(ctx)
	if err != nil {
		return tok, err
	}
	s.given = tok
	app, tenant := tok.AppAccessToken(), tok.TenantAccessToken()
	switch {
	case s.kind() == bearer.App && app != "", s.kind() == bearer.Tenant && tenant != "":
		return tok, nil
	case s.marker.kind == bearer.Access && app != "": // the issuer has one kind, which is the tenant's
		return tokencache.NewToken("", app, time.Until(tok.Expiry())), nil
	case app != "":
		return tok, s.lacks("no tenant access token, but an app access token")
	case tenant != "":
		return tok, s.lacks("no app access token, but a tenant access token")
	}
	return tok, s.lacks("an empty token")
}

func (s *tokenSource) lacks(gave string) error {
	return fmt.Errorf("%w: the Source of the app %s gave %s", bearer.ErrNoToken, s.marker.app, gave)
}

// Invalidate tells the Source the very token that it gave. Of one request there is one call at a time.
func (s *tokenSource) Invalidate(ctx context.Context, _ tokencache.Token) error {
	s.rejected = true
	return s.Source.Invalidate(ctx, s.given)
}
