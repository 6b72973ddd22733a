package feishutest

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Config of an Issuer. The zero value is good.
type Config struct {
	// AppID that calls have to state. "" means "cli_test".
	AppID string

	// AppSecret that goes with it. "" means "test-secret".
	AppSecret string

	// Life of a new token, rounded down to whole seconds, which is all that
	// the protocol can say. 0 means 2 h; 1 s to 2 h, for Feishu's clients believe
	// no longer one. SetRemaining takes any.
	Life time.Duration

	// Window is how long before the end of a token a call mints a new one.
	// 0 means DefaultWindow; 1 s to Life.
	Window time.Duration

	// Latency of every answer of the token endpoint. 0 means none.
	Latency time.Duration

	// MintEveryCall ends the rule: every call returns a new pair.
	MintEveryCall bool

	// KeepRevoked has a revoked pair handed out again until its window, as the
	// real issuer may do. Without it the next call mints.
	KeepRevoked bool

	// OnRequest is told of every call of the token endpoint when it has
	// arrived, before the latency and before anything is decided. It is called
	// from the goroutine that serves the call, from several at once, and may
	// use the Issuer. nil means nobody listens.
	OnRequest func()
}

const (
	defaultAppID     = "cli_test"
	defaultAppSecret = "test-secret"
	maxLife          = 2 * time.Hour // and the default: what Feishu gives
	maxDefaultWindow = 30 * time.Minute
)

// DefaultWindow returns the window of an Issuer whose tokens live so long: 30 min, as with the real
// one, or a quarter of life if that is less, at least 1 s.
func DefaultWindow(life time.Duration) time.Duration {
	return min(maxDefaultWindow, max(life/4, time.Second))
}

func (c Config) withDefaults() Config {
	c.AppID = cmp.Or(c.AppID, defaultAppID)
	c.AppSecret = cmp.Or(c.AppSecret, defaultAppSecret)
	c.Life = cmp.Or(c.Life, maxLife).Truncate(time.Second)
	c.Window = cmp.Or(c.Window, DefaultWindow(c.Life))
	return c
}

// Validate returns what New would panic for: every complaint at once, or nil.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	if c.Life < time.Second || c.Life > maxLife {
		errs = append(errs, fmt.Errorf("a Life of %v: 1 s to 2 h", c.Life))
	}
	if c.Window < time.Second || c.Window > max(c.Life, time.Second) {
		errs = append(errs, fmt.Errorf("a Window of %v: 1 s to the Life", c.Window))
	}
	if c.Latency < 0 {
		errs = append(errs, fmt.Errorf("a Latency of %v: cannot be negative", c.Latency))
	}
	return errors.Join(errs...)
}

// Issuer of tokens to a single app. It is an http.Handler; see RoundTripper for
// use without a socket. All methods are safe for concurrent use, and none but
// those two waits. It starts no goroutine of its own and needs no Close.
type Issuer struct {
	appID     string
	onRequest func()

	mu        sync.Mutex // guards the rest; never held while waiting
	appSecret string
	latency   time.Duration
	always    Fault
	next      []Fault
	ledger    *ledger
	journal   journal
	stats     Stats
}

// New makes an Issuer that has not minted anything yet. It panics for a Config
// that Validate complains about.
func New(c Config) *Issuer {
	if err := c.Validate(); err != nil {
		panic(fmt.Errorf("feishutest: %w", err))
	}
	c = c.withDefaults()
	if c.OnRequest == nil {
		c.OnRequest = func() {}
	}
	return &Issuer{
		appID:     c.AppID,
		onRequest: c.OnRequest,
		appSecret: c.AppSecret,
		latency:   c.Latency,
		ledger: &ledger{
			life:        c.Life,
			window:      c.Window,
			everyCall:   c.MintEveryCall,
			keepRevoked: c.KeepRevoked,
			byToken:     map[string]*Pair{},
		},
	}
}

// AppID returns the id that calls have to state.
func (i *Issuer) AppID() string { return i.appID }

// AppSecret returns the secret that calls have to state.
func (i *Issuer) AppSecret() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.appSecret
}

// SetAppSecret resets the secret, as a person does in the developer console.
// Tokens stay valid.
func (i *Issuer) SetAppSecret(secret string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.appSecret = secret
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
	i.always = f
}

// FailNext spoils the next n answers of the token endpoint, calls in their
// latency included. Further calls of FailNext queue up; they go before what
// SetFault has set.
func (i *Issuer) FailNext(n int, f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for range n {
		i.next = append(i.next, f)
	}
}

// takeFault returns the fault for the answer at hand; i.mu is held.
func (i *Issuer) takeFault() Fault {
	if len(i.next) == 0 {
		return i.always
	}
	f := i.next[0]
	i.next = i.next[1:]
	return f
}

// Revoke ends a pair early, named by either of its strings, and reports
// whether it was valid until now. The next call mints a new pair, or returns
// the revoked one again if KeepRevoked is set.
func (i *Issuer) Revoke(token string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.ledger.revoke(token, time.Now())
}

// SetKeepRevoked changes Config.KeepRevoked.
func (i *Issuer) SetKeepRevoked(keep bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ledger.keepRevoked = keep
}

// SetRemaining gives the current pair d to live, from now on: with 4567 s a
// call returns it with an `expire` of 4567. Without a current pair, or with a
// revoked one, a new one is minted for it. 0 ends the pair.
func (i *Issuer) SetRemaining(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	if !i.ledger.hasCurrent(now) {
		i.mint(now)
	}
	i.ledger.current.End = now.Add(d)
}

// Rotate mints a new pair, as a call in the window would, and returns it. The
// one before stays valid until its own end.
func (i *Issuer) Rotate() Pair {
	i.mu.Lock()
	defer i.mu.Unlock()
	return *i.mint(time.Now())
}

// mint counts what the ledger mints; i.mu is held.
func (i *Issuer) mint(now time.Time) *Pair {
	i.stats.Rotations++
	return i.ledger.mint(now)
}

// Valid reports whether token is an app or tenant access token that the issuer
// would accept right now: minted here, not past its end, not revoked.
func (i *Issuer) Valid(token string) bool { return i.Remaining(token) > 0 }

// Remaining returns how long an app or tenant access token stays valid. 0 for
// one that is not.
func (i *Issuer) Remaining(token string) time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.ledger.byToken[token].remaining(time.Now())
}
