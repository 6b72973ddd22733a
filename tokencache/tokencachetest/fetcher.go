package tokencachetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Fetcher is an issuer that does as it is told, safe for concurrent use. Like
// Feishu, it hands out the same token again, with what is left of its life, until
// less than 30 min are left or [Fetcher.Rotate] was called. Its tokens have
// names to compare with: of the app "cli_test" the first is "cli_test-app-1"
// with the tenant token "cli_test-tenant-1".
//
// It answers at once, and never fails, unless told to.
type Fetcher struct {
	credential tokencache.Credential

	mu      sync.Mutex // guards below
	calls   int
	minted  int
	rotate  bool
	ends    time.Time // of the current token
	life    time.Duration
	latency time.Duration
	err     error
}

// NewFetcher returns the Fetcher of an app, whose name has 1 to 128 bytes: with any other
// every method of its Source is an error. Those of the same app share a record
// and, within a Cache, a Source: the first one is asked.
func NewFetcher(app string) *Fetcher {
	return &Fetcher{credential: Credential(app, window), life: life}
}

// Credential returns that of an app at an issuer with this window, for a Fetcher of your own.
// The zero Credential if the app has no name or one of more than 128 bytes, or the window is
// none: see [tokencache.CredentialConfig].
func Credential(app string, window time.Duration) tokencache.Credential {
	c, err := tokencache.NewCredential(tokencache.CredentialConfig{
		Issuer: "tokencachetest", App: app, Secret: []tokencache.Secret{tokencache.NewSecret("of " + app)}, Window: window,
	})
	if err != nil {
		return tokencache.Credential{}
	}
	return c
}

// Credential implements [tokencache.Fetcher].
func (f *Fetcher) Credential() tokencache.Credential { return f.credential }

// Fetch implements [tokencache.Fetcher].
func (f *Fetcher) Fetch(ctx context.Context) (tokencache.Token, error) {
	if err := f.called(ctx); err != nil {
		return tokencache.Token{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return tokencache.Token{}, f.err
	}
	now := time.Now()
	if f.minted == 0 || f.rotate || f.ends.Sub(now) < window {
		f.minted++
		f.ends = now.Add(f.life)
		f.rotate = false
	}
	return f.token(f.ends.Sub(now)), nil
}

// called counts a call and takes as long as it shall.
func (f *Fetcher) called(ctx context.Context) error {
	f.mu.Lock()
	f.calls++
	latency := f.latency
	f.mu.Unlock()
	if latency <= 0 {
		return nil
	}
	timer := time.NewTimer(latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// token is the current one. The caller holds f.mu.
func (f *Fetcher) token(remaining time.Duration) tokencache.Token {
	app, n := f.credential.App(), f.minted
	return tokencache.NewToken(fmt.Sprintf("%s-app-%d", app, n), fmt.Sprintf("%s-tenant-%d", app, n), remaining)
}

// Current returns the token that was handed out last, with what is left of its
// life; the zero Token before the first. It is no call.
func (f *Fetcher) Current() tokencache.Token {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.minted == 0 {
		return tokencache.Token{}
	}
	return f.token(time.Until(f.ends))
}

// Calls returns how often Fetch was called, failures included.
func (f *Fetcher) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Rotate makes the next call bring a new token, as if the current one had been
// revoked. That changes nothing of the copies that are out: see
// [tokencache.Source.Invalidate].
func (f *Fetcher) Rotate() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rotate = true
}

// Fail makes every call return err, from now on and for those under way: a
// [*tokencache.IssuerError] for a refusal, anything else for the lack of an
// answer. Nil is Heal.
func (f *Fetcher) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// Heal ends Fail. The fleet still waits out the pause that its last failure
// demands.
func (f *Fetcher) Heal() { f.Fail(nil) }

// SetLife sets the life of the tokens to come: 2 h unless set, 24 h at most.
// Tokens that live less than 30 min are new at each call.
func (f *Fetcher) SetLife(life time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.life = life
}

// SetLatency sets how long the calls to come take: no time unless set.
func (f *Fetcher) SetLatency(latency time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latency = latency
}
