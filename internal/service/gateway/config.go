package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Config of a Gateway. Clients and Vault have to be set.
type Config struct {
	// Clients returns the table in force, never nil. A client may call APIs of the credentials for which it
	// has [clients.Call].
	Clients func() *clients.Table

	// Vault has the credentials.
	Vault Vault

	// Audit is told of each request that goes to an endpoint or an API, once, when it is known what comes
	// of it; by many at once. The answer waits for it. Anybody who reaches the gateway can have it called, so
	// it has to bound what it keeps and writes. nil means nobody listens.
	Audit func(Use)

	// Logger hears at debug level what httputil.ReverseProxy has to say. nil: nobody.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Audit == nil {
		c.Audit = func(Use) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// validate joins every complaint.
func (c Config) validate() error {
	var errs []error
	if c.Clients == nil {
		errs = append(errs, errors.New("Clients is nil: return a table of clients.New"))
	}
	if c.Vault == nil {
		errs = append(errs, errors.New("Vault is nil: nothing can be called without one"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	return nil
}

// Vault has the credentials of the service. It is asked by many at once, also for names that there are not.
type Vault interface {
	// Find returns the app of that name, if the credential is one. It does no I/O and waits for nobody.
	Find(name string) (Credential, bool)
}

// Credential is an app of Feishu's or Lark's. Its methods are called by many at once.
type Credential interface {
	// AppID is what the configuration says now, which need not serve yet.
	AppID() string
	// App is the one that serves. It does no I/O and waits for nobody.
	App() App
	// Live waits for its token until ctx ends. Its errors are those of [tokencache.Source.Get].
	Live(ctx context.Context) (Live, error)
}

// App is all that is needed to call its APIs, but for a token.
type App struct {
	ID     string
	Secret tokencache.Secret
	// BaseURL has no slash at its end. Nothing else is ever called.
	BaseURL string
	// API sends requests to BaseURL. It follows no redirect.
	API http.RoundTripper
}

// Live is an App with its token, of one moment.
type Live struct {
	App
	Token  tokencache.Token
	Tokens Tokens
}

// Tokens take a rejected one, and give another.
type Tokens interface {
	// Another waits for a token of the same app. Its errors are those of Get, and others if there is none
	// of that app any more.
	Another(ctx context.Context) (tokencache.Token, error)
	// Invalidate is that of [tokencache.Source].
	Invalidate(ctx context.Context, bad tokencache.Token) error
}

// Use is one request of a client's and what became of it. It has no secret, and no text of the request's.
type Use struct {
	Client     string // its name; "" if it is not known who asked
	Credential string // its name; "" unless there is such a credential
	Status     int    // of HTTP; 499: the client went away
	// Refused is why the gateway has refused it, in fixed words such as "wrong secret"; "" if it was answered, or
	// passed on, whatever the API said.
	Refused string
	// Cause is why there was no token, or no answer of the API's; nil of all else.
	Cause error
}
