package feishutest

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// Issuer of tokens to an app, or to several. It is an http.Handler; see RoundTripper for
// use without a socket. All methods are safe for concurrent use, and none but
// those two waits. It starts no goroutine of its own and needs no Close.
//
// What is of one app, such as SetRemaining, is of the one that [Config.AppID]
// names; App has the same for each.
type Issuer struct {
	onRequest func()
	server    lookalike.Server
	apps      map[string]*App
	first     *App

	mu      sync.Mutex // guards the rest, and the apps; never held while waiting
	latency time.Duration
	faults  lookalike.Faults
	book    *lookalike.Book[Pair]
	logins  *lookalike.Book[login]
	journal lookalike.Journal[Call]
	stats   Stats
}

// New makes an Issuer that has not minted anything yet. It panics for a Config
// that Validate complains about.
func New(c Config) *Issuer {
	if err := c.Validate(); err != nil {
		panic(fmt.Errorf("feishutest: %w", err))
	}
	i := &Issuer{onRequest: c.OnRequest, latency: c.Latency, book: newBook(), logins: newLogins(), apps: map[string]*App{}}
	if i.onRequest == nil {
		i.onRequest = func() {}
	}
	i.server = lookalike.Server{Respond: i.respond, LogIDHeader: "X-Tt-Logid"}
	for _, a := range c.all() {
		i.apps[a.ID] = newApp(i, a)
		if i.first == nil {
			i.first = i.apps[a.ID]
		}
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

// App returns the app of that id: Config.AppID's or one of Config.Apps. nil if
// there is none.
func (i *Issuer) App(id string) *App { return i.apps[id] }

// AppID returns the id that calls have to state, Config.AppID.
func (i *Issuer) AppID() string { return i.first.ID() }

// AppSecret returns the secret that calls have to state.
func (i *Issuer) AppSecret() string { return i.first.Secret() }

// SetAppSecret resets the secret, as a person does in the developer console.
// Tokens stay valid.
func (i *Issuer) SetAppSecret(secret string) { i.first.SetSecret(secret) }

// SetLatency changes how long answers take, for calls that arrive from now on.
func (i *Issuer) SetLatency(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.latency = d
}

// SetFault spoils every answer of the token endpoints from now on, calls in
// their latency included. The zero Fault ends it.
func (i *Issuer) SetFault(f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults.Set(f.shared)
}

// FailNext spoils the next n answers of the token endpoints, calls in their
// latency included. Further calls of FailNext queue up; they go before what
// SetFault has set.
func (i *Issuer) FailNext(n int, f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults.Next(n, f.shared)
}

// Revoke ends a pair early, named by either of its strings and whichever app's
// it is, and reports whether it was valid until now. The next call mints a new
// pair, or returns the revoked one again if KeepRevoked is set.
func (i *Issuer) Revoke(token string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.book.Find(token).revoke(time.Now())
}

// SetKeepRevoked changes Config.KeepRevoked for the app of Config.AppID.
func (i *Issuer) SetKeepRevoked(keep bool) { i.first.SetKeepRevoked(keep) }

// SetRemaining gives the current pair d to live, from now on: with 4567 s a
// call returns it with an `expire` of 4567. Without a current pair, or with a
// revoked one, a new one is minted for it. 0 ends the pair.
func (i *Issuer) SetRemaining(d time.Duration) { i.first.SetRemaining(d) }

// Rotate mints a new pair, as a call in the window would, and returns it. The
// one before stays valid until its own end.
func (i *Issuer) Rotate() Pair { return i.first.Rotate() }

// Valid reports whether token is an app or tenant access token that the issuer
// would accept right now: minted here, not past its end, not revoked.
func (i *Issuer) Valid(token string) bool { return i.Remaining(token) > 0 }

// Remaining returns how long an app or tenant access token stays valid. 0 for
// one that is not.
func (i *Issuer) Remaining(token string) time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.book.Find(token).remaining(time.Now())
}
