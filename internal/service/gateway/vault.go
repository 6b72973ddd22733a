package gateway

import (
	"context"
	"net/http"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Vault has the credentials of the service. It is asked by many at once, also for names that there are not.
type Vault interface {
	// Find returns the app of that name, if the credential is one. It does no I/O and waits for nobody.
	Find(name string) (Credential, bool)
}

// Credential is an app of Feishu's or Lark's. Its methods are called by many at once.
type Credential interface {
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
	// API sends requests to BaseURL. It follows no redirect, and can be compared, as a pointer can. nil: there is no way.
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
