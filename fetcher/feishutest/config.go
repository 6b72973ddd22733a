package feishutest

import (
	"cmp"
	"errors"
	"fmt"
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

	// Latency of every answer of the token endpoints. 0 means none.
	Latency time.Duration

	// MintEveryCall ends the rule: every call returns a new pair.
	MintEveryCall bool

	// KeepRevoked has a revoked pair handed out again until its window, as the
	// real issuer may do. Without it the next call mints.
	KeepRevoked bool

	// Apps are further ones, beside that of AppID, each with tokens of its own:
	// see [Issuer.App]. nil means none.
	Apps []AppConfig

	// OnRequest is told of every call of a token endpoint when it has
	// arrived, before the latency and before anything is decided. It is called
	// from the goroutine that serves the call, from several at once, and may
	// use the Issuer. nil means nobody listens.
	OnRequest func()
}

// AppConfig of a further app. ID has to be set; the zero value of every other
// field is good.
type AppConfig struct {
	// ID that calls have to state, another for each app.
	ID string

	// Secret that goes with it. "" means "test-secret".
	Secret string

	// Life and Window, as in Config. 0 means the Config's; with a Life of the
	// app's own, a Window of 0 means its DefaultWindow.
	Life, Window time.Duration

	// MintEveryCall and KeepRevoked, as in Config, which sets them for all apps.
	MintEveryCall, KeepRevoked bool
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

// all are the apps, the Config's own first, with their defaults.
func (c Config) all() []AppConfig {
	own := AppConfig{
		ID: cmp.Or(c.AppID, defaultAppID), Secret: c.AppSecret,
		Life: cmp.Or(c.Life, maxLife), Window: c.Window,
	}.withDefaults()
	apps := []AppConfig{own}
	for _, a := range c.Apps {
		if a.Life == 0 {
			a.Life, a.Window = own.Life, cmp.Or(a.Window, own.Window)
		}
		apps = append(apps, a.withDefaults())
	}
	for n := range apps {
		apps[n].MintEveryCall = apps[n].MintEveryCall || c.MintEveryCall
		apps[n].KeepRevoked = apps[n].KeepRevoked || c.KeepRevoked
	}
	return apps
}

// withDefaults expects a Life.
func (a AppConfig) withDefaults() AppConfig {
	a.Secret = cmp.Or(a.Secret, defaultAppSecret)
	a.Life = a.Life.Truncate(time.Second)
	a.Window = cmp.Or(a.Window, DefaultWindow(a.Life))
	return a
}

// Validate returns what New would panic for: every complaint at once, or nil.
func (c Config) Validate() error {
	var errs []error
	seen := map[string]bool{}
	for n, a := range c.all() {
		whose := ""
		if n > 0 {
			whose = fmt.Sprintf("Apps[%d]: ", n-1)
		}
		complain := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf(whose+format, args...))
		}
		if a.Life < time.Second || a.Life > maxLife {
			complain("a Life of %v: 1 s to 2 h", a.Life)
		}
		if a.Window < time.Second || a.Window > max(a.Life, time.Second) {
			complain("a Window of %v: 1 s to the Life", a.Window)
		}
		switch {
		case a.ID == "":
			complain("ID is empty: each app needs one of its own")
		case seen[a.ID]:
			complain("an ID that an app before it has: each needs one of its own")
		}
		seen[a.ID] = true
	}
	if c.Latency < 0 {
		errs = append(errs, fmt.Errorf("a Latency of %v: cannot be negative", c.Latency))
	}
	return errors.Join(errs...)
}
