package oauth2source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Source gives tokens, and is told which of them an API has rejected. A [*tokencache.Source] is one.
// Both methods are called by many at once, and should return soon after their context ends.
type Source interface {
	// Get returns a token that has not been rejected, as far as the Source knows.
	Get(ctx context.Context) (tokencache.Token, error)
	// Invalidate is told a token that Get has returned.
	Invalidate(ctx context.Context, bad tokencache.Token) error
}

// Config of a [TokenSource]. Source has to be set; the zero value of every other field is good.
type Config struct {
	// Source of the tokens.
	Source Source

	// Text is what of a token is sent. nil means tokencache.Token.AccessToken; for business APIs of
	// Feishu and Lark it is tokencache.Token.TenantAccessToken.
	Text func(tokencache.Token) string

	// Timeout is how long Token waits for a token if the process has no copy. 0 means 30 s; from 1 ms
	// on. With a copy it does not wait. An oauth2.TokenSource is given no context: Token waits on when the
	// request for which it is asked has ended.
	Timeout time.Duration

	// Reuse is how long an oauth2.ReuseTokenSource around this TokenSource keeps a token at most, and so
	// how long it goes on with one that was rejected: see the package comment. 0 means until 10 s before
	// the token's end; else 1 s at least. Where it is set the Expiry of a token is Reuse and 10 s from now,
	// as golang.org/x/oauth2 takes a token for expired 10 s before its Expiry, or the token's end if that
	// is sooner.
	Reuse time.Duration
}

const (
	defaultTimeout = 30 * time.Second
	minReuse       = time.Second
	// expiryDelta is how long before its Expiry golang.org/x/oauth2 takes a token for expired:
	// https://pkg.go.dev/golang.org/x/oauth2#ReuseTokenSourceWithExpiry and defaultExpiryDelta in its
	// token.go.
	expiryDelta = 10 * time.Second
)

func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	if c.Text == nil {
		c.Text = tokencache.Token.AccessToken
	}
	return c
}

// validate returns every complaint.
func (c Config) validate() error {
	var errs []error
	if c.Source == nil {
		errs = append(errs, errors.New("Source is nil: make one with Cache.Source"))
	} else if v := reflect.ValueOf(c.Source); v.Kind() == reflect.Pointer && v.IsNil() {
		errs = append(errs, fmt.Errorf("Source is a nil %T: make one with Cache.Source", c.Source))
	}
	if c.Timeout < time.Millisecond {
		errs = append(errs, fmt.Errorf("a Timeout of %v: 0, or 1ms and more", c.Timeout))
	}
	if c.Reuse != 0 && c.Reuse < minReuse {
		errs = append(errs, fmt.Errorf("a Reuse of %v: 0, or %v and more", c.Reuse, minReuse))
	}
	return errors.Join(errs...)
}
