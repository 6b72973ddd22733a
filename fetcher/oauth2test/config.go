package oauth2test

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Config of an Issuer. The zero value is good.
type Config struct {
	// Clients that there are. nil means one, which may have whatever it asks
	// for: "test-client" with the secret "test-secret".
	Clients []Client

	// Life of a new token, rounded down to whole seconds, which is all that the
	// protocol can say. 0 means 1 h; 1 s to 3,650 days.
	Life time.Duration

	// Latency of every answer of the token endpoint. 0 means none.
	Latency time.Duration

	// OnRequest is told of every call of the token endpoint when it has
	// arrived, before the latency and before anything is decided. It is called
	// from the goroutine that serves the call, from several at once, and may
	// use the Issuer. nil means nobody listens.
	OnRequest func()
}

// Client that may ask for tokens. ID has to be set; the zero value of every
// other field is good.
type Client struct {
	// ID is another for each client.
	ID string

	// Secret that goes with it. "" means "test-secret".
	Secret string

	// Auth is the way in which it has to state both. "" means either.
	Auth AuthMethod

	// Scopes that it may have. nil means any. Who asks for none gets all of
	// these.
	Scopes []string

	// Audiences and Resources that it may name. nil means any.
	Audiences, Resources []string

	// Unauthorized: it may not use this grant at all.
	Unauthorized bool
}

// AuthMethod is how a client states its id and secret, by its registered name
// in metadata (RFC 8414).
type AuthMethod string

// The ways that there are.
const (
	// AuthBasic is HTTP Basic, each form-urlencoded first.
	AuthBasic AuthMethod = "client_secret_basic"
	// AuthBody is client_id and client_secret in the form.
	AuthBody AuthMethod = "client_secret_post"
)

const (
	defaultClientID = "test-client"
	defaultSecret   = "test-secret"
	defaultLife     = time.Hour
	maxLife         = 3650 * 24 * time.Hour // no cache of ours believes a longer one
)

func (c Config) withDefaults() Config {
	c.Life = cmp.Or(c.Life, defaultLife).Truncate(time.Second)
	if c.Clients == nil {
		c.Clients = []Client{{ID: defaultClientID}}
	}
	clients := make([]Client, len(c.Clients))
	for n, client := range c.Clients {
		client.Secret = cmp.Or(client.Secret, defaultSecret)
		clients[n] = client
	}
	c.Clients = clients
	if c.OnRequest == nil {
		c.OnRequest = func() {}
	}
	return c
}

// Validate returns what New would panic for: every complaint at once, or nil.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	complain := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Life < time.Second || c.Life > maxLife {
		complain("a Life of %v: 1 s to 3,650 days", c.Life)
	}
	if c.Latency < 0 {
		complain("a Latency of %v: cannot be negative", c.Latency)
	}
	if len(c.Clients) == 0 {
		complain("Clients is empty: leave it nil for the client of the documentation, or name one")
	}
	seen := map[string]bool{}
	for n, client := range c.Clients {
		switch {
		case client.ID == "":
			complain("Clients[%d]: ID is empty: each client needs one of its own", n)
		case seen[client.ID]:
			complain("Clients[%d]: an ID that a client before it has: each needs one of its own", n)
		}
		seen[client.ID] = true
		if client.Auth != "" && client.Auth != AuthBasic && client.Auth != AuthBody {
			complain("Clients[%d]: Auth is none that there is: AuthBasic, AuthBody, or empty for either", n)
		}
		if _, ok := parseScope(strings.Join(client.Scopes, " ")); !ok {
			complain("Clients[%d]: Scopes with what no scope may have: printable ASCII without space, quote and backslash", n)
		}
	}
	return errors.Join(errs...)
}
