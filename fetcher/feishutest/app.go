package feishutest

import (
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// App is one of an Issuer's apps. All methods are safe for concurrent use, and
// none waits.
type App struct {
	issuer *Issuer
	id     string

	// Guarded by the issuer's mutex.
	secret string
	faults lookalike.Faults
	ledger ledger
	stats  Stats
}

func newApp(i *Issuer, c AppConfig) *App {
	return &App{issuer: i, id: c.ID, secret: c.Secret, ledger: ledger{
		life:        c.Life,
		window:      c.Window,
		everyCall:   c.MintEveryCall,
		keepRevoked: c.KeepRevoked,
	}}
}

// ID returns the id that calls have to state.
func (a *App) ID() string { return a.id }

// Secret returns the secret that calls have to state.
func (a *App) Secret() string {
	a.issuer.mu.Lock()
	defer a.issuer.mu.Unlock()
	return a.secret
}

// SetSecret resets the secret, as a person does in the developer console.
// Tokens stay valid.
func (a *App) SetSecret(secret string) {
	a.issuer.mu.Lock()
	defer a.issuer.mu.Unlock()
	a.secret = secret
}

// SetFault spoils every answer to a call that names the app, as
// [Issuer.SetFault] does for all. A fault of the Issuer goes before one of the
// App.
func (a *App) SetFault(f Fault) {
	a.issuer.mu.Lock()
	defer a.issuer.mu.Unlock()
	a.faults.Set(f.shared)
}

// FailNext spoils the next n answers to calls that name the app, as
// [Issuer.FailNext] does for all.
func (a *App) FailNext(n int, f Fault) {
	a.issuer.mu.Lock()
	defer a.issuer.mu.Unlock()
	a.faults.Next(n, f.shared)
}

// Revoke ends the app's pair in force early, and reports whether there was a
// valid one. Older pairs stay as they are: see [Issuer.Revoke].
func (a *App) Revoke() bool {
	a.issuer.mu.Lock()
	defer a.issuer.mu.Unlock()
	return a.ledger.current.revoke(time.Now())
}

// SetKeepRevoked changes Config.KeepRevoked for the app.
func (a *App) SetKeepRevoked(keep bool) {
	a.issuer.mu.Lock()
	defer a.issuer.mu.Unlock()
	a.ledger.keepRevoked = keep
}

// SetRemaining gives the current pair d to live, from now on: with 4567 s a
// call returns it with an `expire` of 4567. Without a current pair, or with a
// revoked one, a new one is minted for it. 0 ends the pair.
func (a *App) SetRemaining(d time.Duration) {
	a.issuer.mu.Lock()
	defer a.issuer.mu.Unlock()
	now := time.Now()
	if !a.ledger.hasCurrent(now) {
		a.mint(now)
	}
	a.ledger.current.End = now.Add(d)
}

// Rotate mints a new pair, as a call in the window would, and returns it. The
// one before stays valid until its own end.
func (a *App) Rotate() Pair {
	a.issuer.mu.Lock()
	defer a.issuer.mu.Unlock()
	return *a.mint(time.Now())
}

// mint counts what the ledger mints; the issuer's mutex is held.
func (a *App) mint(now time.Time) *Pair {
	a.stats.Rotations++
	a.issuer.stats.Rotations++
	p := a.ledger.mint(a.id, now)
	a.issuer.book.Add(p, now)
	return p
}
