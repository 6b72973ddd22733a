package oauth2test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// Issuer of tokens to its clients, an authorization server, and a protected API
// that takes them. It is an http.Handler; see RoundTripper for use without a
// socket. All methods are safe for concurrent use, and none but those two
// waits. It starts no goroutine of its own and needs no Close.
type Issuer struct {
	onRequest func()
	server    lookalike.Server
	first     string // id of the first client

	mu        sync.Mutex // guards the rest; never held while waiting
	clients   map[string]Client
	life      time.Duration
	latency   time.Duration
	faults    lookalike.Faults
	apiFaults lookalike.Faults
	book      *lookalike.Book[Token]
	journal   lookalike.Journal[Call]
	stats     Stats
}

// New makes an Issuer that has not minted anything yet. It panics for a Config
// that Validate complains about.
func New(c Config) *Issuer {
	if err := c.Validate(); err != nil {
		panic(fmt.Errorf("oauth2test: %w", err))
	}
	c = c.withDefaults()
	i := &Issuer{
		onRequest: c.OnRequest, first: c.Clients[0].ID, clients: map[string]Client{},
		life: c.Life, latency: c.Latency, book: newBook(),
	}
	i.server = lookalike.Server{Respond: i.respond, LogIDHeader: "X-Request-Id"}
	for _, client := range c.Clients {
		i.clients[client.ID] = client
	}
	return i
}

// ServeHTTP serves the paths named in the package's comment, as under
// httptest.NewServer. It returns when the answer is written or its client has
// gone: a fault that never answers lasts until then, and so does
// httptest.Server.Close unless CloseClientConnections comes first.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) { i.server.ServeHTTP(w, r) }

// RoundTripper reaches the issuer without a socket, whatever the URL's scheme
// and host. It honours the context of the request like a real transport,
// leaves no goroutine behind, and blocks only in ways that a testing/synctest
// bubble understands.
func (i *Issuer) RoundTripper() http.RoundTripper { return i.server.RoundTripper() }

// ClientID returns the id of the first client.
func (i *Issuer) ClientID() string { return i.first }

// ClientSecret returns the secret of the first client.
func (i *Issuer) ClientSecret() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.clients[i.first].Secret
}

// SetSecret resets a client's secret; tokens stay valid. It reports whether
// there is such a client.
func (i *Issuer) SetSecret(clientID, secret string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	client, ok := i.clients[clientID]
	if ok {
		client.Secret = secret
		i.clients[clientID] = client
	}
	return ok
}

// SetLife changes Config.Life, for tokens that are minted from now on. Below
// 1 s it means 1 s.
func (i *Issuer) SetLife(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.life = max(d.Truncate(time.Second), time.Second)
}

// SetLatency changes how long answers take, for calls that arrive from now on.
func (i *Issuer) SetLatency(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.latency = d
}

// SetFault spoils every answer of the token endpoint from now on, calls in
// their latency included. The zero Fault ends it.
func (i *Issuer) SetFault(f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults.Set(f.shared)
}

// FailNext spoils the next n answers of the token endpoint, calls in their
// latency included. Further calls of FailNext queue up; they go before what
// SetFault has set.
func (i *Issuer) FailNext(n int, f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults.Next(n, f.shared)
}

// SetAPIFault is SetFault for the protected API.
func (i *Issuer) SetAPIFault(f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.apiFaults.Set(f.shared)
}

// FailNextAPI is FailNext for the protected API.
func (i *Issuer) FailNextAPI(n int, f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.apiFaults.Next(n, f.shared)
}

// Mint mints a token for a client, without a call, and returns it. It asks
// neither whether there is such a client nor whether it may have these scopes.
func (i *Issuer) Mint(clientID string, scopes ...string) Token {
	i.mu.Lock()
	defer i.mu.Unlock()
	return *i.mint(Token{ClientID: clientID, Scope: strings.Join(scopes, " ")}, time.Now())
}

// mint completes a token and enters it; i.mu is held.
func (i *Issuer) mint(t Token, now time.Time) *Token {
	i.stats.Minted++
	t.Value, t.Minted, t.End = "at-"+rand.Text(), now, now.Add(i.life)
	i.book.Add(&t, now)
	return &t
}

// Revoke ends a token early, and reports whether it was valid until now.
func (i *Issuer) Revoke(token string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.book.Find(token).revoke(time.Now())
}

// RevokeAll ends all tokens of a client early, or of all clients if clientID is
// "", and returns how many were valid until now.
func (i *Issuer) RevokeAll(clientID string) (ended int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	i.book.Each(func(t *Token) {
		if (clientID == "" || t.ClientID == clientID) && t.revoke(now) {
			ended++
		}
	})
	return ended
}

// Valid reports whether the protected API would accept token right now: minted
// here, not past its end, not revoked.
func (i *Issuer) Valid(token string) bool { return i.Remaining(token) > 0 }

// Remaining returns how long a token stays valid. 0 for one that is not.
func (i *Issuer) Remaining(token string) time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.book.Find(token).remaining(time.Now())
}
