package oauth2source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"golang.org/x/oauth2"

	"github.com/onetoken-go/onetoken/tokencache"
)

// TokenSource is an oauth2.TokenSource, safe for concurrent use. It keeps no token and needs no Close.
type TokenSource struct {
	// ctx, as an oauth2.TokenSource is given none with a call.
	ctx    context.Context
	config Config
}

var _ oauth2.TokenSource = (*TokenSource)(nil)

// New makes a TokenSource, without any I/O. Once ctx has ended, its Token returns an error of that,
// unless the Source has a copy at hand. Values of ctx go to the Source. The error names everything that
// is wrong with the config.
func New(ctx context.Context, c Config) (*TokenSource, error) {
	c = c.withDefaults()
	if err := errors.Join(checkContext(ctx), c.validate()); err != nil {
		return nil, fmt.Errorf("oauth2source: %w", err)
	}
	return &TokenSource{ctx: ctx, config: c}, nil
}

func checkContext(ctx context.Context) error {
	if ctx == nil {
		return errors.New("the context is nil: give context.Background()")
	}
	return nil
}

// Token returns the token of the Source, of type Bearer and with its end as Expiry, by this process's
// clock. Errors are those of the Source's Get, such as a *tokencache.IssuerError. With a copy in this
// process it does not wait; without one it does, up to Config.Timeout.
func (s *TokenSource) Token() (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.config.Timeout)
	defer cancel()
	tok, err := s.config.Source.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("oauth2source: %w", err)
	}
	text := s.config.Text(tok)
	if text == "" {
		return nil, errors.New("oauth2source: the token is of another kind: set Config.Text to one that it has")
	}
	made := &oauth2.Token{AccessToken: text, TokenType: "Bearer", Expiry: s.expiry(tok)}
	return made.WithExtra(map[string]any{extra: tok}), nil
}

// extra is the name under which a token knows what it was made of.
const extra = "onetoken"

func (s *TokenSource) expiry(tok tokencache.Token) time.Time {
	end := tok.Expiry()
	if s.config.Reuse == 0 {
		return end
	}
	if reused := time.Now().Add(s.config.Reuse + expiryDelta); reused.Before(end) {
		return reused
	}
	return end
}

// Invalidate tells the Source that an API has rejected a token which Token has returned: the Source
// then gets another one for the whole fleet. It returns what the Source's Invalidate does, such as an
// error that is tokencache.ErrRedis or tokencache.ErrCoolDown. A token from elsewhere is an error.
func (s *TokenSource) Invalidate(ctx context.Context, bad *oauth2.Token) error {
	if bad != nil {
		if tok, ok := bad.Extra(extra).(tokencache.Token); ok {
			return s.config.Source.Invalidate(ctx, tok)
		}
	}
	return errors.New("oauth2source: not a token of a TokenSource of this package")
}

// Format prints no token, for any verb.
func (s *TokenSource) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "oauth2source") }

// LogValue is that of Format.
func (s *TokenSource) LogValue() slog.Value { return slog.StringValue("oauth2source") }
