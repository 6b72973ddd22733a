package oauth2cc

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/address"
	"github.com/onetoken-go/onetoken/fetcher/internal/call"
	"github.com/onetoken-go/onetoken/internal/transport"
	"github.com/onetoken-go/onetoken/tokencache"
)

// issuerName stands in keys in Redis: it cannot change.
const issuerName = "oauth2"

// Fetcher fetches access tokens of one client, for one set of scopes, from one server. It implements
// tokencache.Fetcher, is safe for concurrent use, holds no connection and needs no Close. It prints
// and logs without the secret.
type Fetcher struct {
	credential  tokencache.Credential
	url         *url.URL
	config      Config
	caller      call.Caller
	unencrypted bool
}

var _ tokencache.Fetcher = (*Fetcher)(nil)

// New makes a Fetcher, without any I/O. The error names everything that is wrong with the config, at
// once, and never a value of it.
func New(c Config) (*Fetcher, error) {
	c = c.withDefaults()
	tokenURL, err := c.validate()
	if err != nil {
		return nil, fmt.Errorf("oauth2cc: %w", err)
	}
	c = c.own()
	unencrypted := address.InTheClear(tokenURL)
	if unencrypted {
		c.Logger.Warn("the client secret and tokens travel unencrypted: use https", "client", c.ClientID, "host", tokenURL.Host)
	}
	if c.Transport == nil {
		c.Transport = transport.New(transport.Config{})
	}
	credential, err := c.credential(tokenURL)
	if err != nil {
		return nil, fmt.Errorf("oauth2cc: %w", err)
	}
	return &Fetcher{
		credential: credential,
		url:        tokenURL,
		config:     c,
		caller: call.Caller{
			Issuer: issuerName, Setting: "token URL", OverHTTP: tokenURL.Scheme == "http", Transport: c.Transport,
			Unauthorized: "check the client id and the client secret, the token URL, the proxy and the firewall" + orSent(c.Auth),
			Clean:        call.NewCleaner(c.ClientSecret, tokencache.NewSecret(c.basic())),
			LogIDs:       logIDs, Waits: waits,
		},
		unencrypted: unencrypted,
	}, nil
}

// own has no slice or map in common with what the caller may still change.
func (c Config) own() Config {
	c.Scopes, c.Resources = sortedSet(c.Scopes), c.resources()
	params := make(map[string]string, len(c.Params))
	maps.Copy(params, c.Params)
	c.Params = params
	return c
}

var (
	// logIDs name a request for the server's support: of Entra, Okta, Auth0 (by its log), Cognito.
	logIDs = []string{
		"X-Ms-Request-Id", "X-Okta-Request-Id", "X-Request-Id", "X-Auth0-Requestid", "X-Amz-Cognito-Request-Id", "X-Amzn-Requestid",
	}
	// waits say how long a rate limit lasts:
	// https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy,
	// https://developer.okta.com/docs/reference/rl-best-practices/
	waits = []string{"Retry-After", "X-Ratelimit-Reset", "X-Rate-Limit-Reset", "Ratelimit-Reset"}
)

// TokenURL returns that of the config in its one spelling, but without its query.
func (f *Fetcher) TokenURL() string {
	return (&url.URL{Scheme: f.url.Scheme, Host: f.url.Host, Path: f.url.Path, RawPath: f.url.RawPath}).String()
}

// Unencrypted reports whether others can read the client secret and the tokens on their way: an
// http:// address beyond this host. Config.Logger was told.
func (f *Fetcher) Unencrypted() bool { return f.unencrypted }

// Credential returns that of the client, for these scopes, audience, resources and further pairs: its
// Issuer is "oauth2", its App the client id.
func (f *Fetcher) Credential() tokencache.Credential { return f.credential }

// Fetch makes one call. Every error is a *tokencache.IssuerError; once ctx has ended it also is
// ctx.Err(), by errors.Is. A call takes 30 s at most: Fetch leaves behind a Transport or a body
// that does not end in time.
//
// The token is that of Token.AccessToken; there is no tenant token.
func (f *Fetcher) Fetch(ctx context.Context) (tokencache.Token, error) {
	a, err := f.caller.Do(ctx, f.request)
	if err != nil {
		return tokencache.Token{}, err
	}
	return f.judge(a)
}

func (f *Fetcher) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url.String(), strings.NewReader(f.config.form().Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if f.config.Auth == Basic {
		req.Header.Set("Authorization", f.config.authorization())
	}
	return req, nil
}

// token makes one of an answer that was found good.
func token(access string, life time.Duration) tokencache.Token {
	return tokencache.NewToken(access, "", life)
}

// String names the client, without the secret.
func (f *Fetcher) String() string { return "oauth2 client " + f.credential.App() }

// Format prints the redacted form for every verb, %#v and %x too.
func (f *Fetcher) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.String()) }

// LogValue is the redacted form.
func (f *Fetcher) LogValue() slog.Value { return slog.StringValue(f.String()) }
