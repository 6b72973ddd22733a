package larksdk

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// warnings are what a Cache and its Client tell people, as no caller gets it. Nothing that the SDK
// asks for bounds it: a store app may have any number of tenants.
type warnings struct {
	logger  *slog.Logger
	foreign once        // apps
	unknown once        // keys
	failing seldom      // of Config.Rest
	off     atomic.Bool // the SDK's cache, and that was told
}

func (w *warnings) foreignApp(app string) {
	if w.foreign.add(app) {
		w.logger.Warn("the sdk wants a token of an app that is none of Config.Apps: it asks the issuer by itself", "app", app)
	}
}

func (w *warnings) unknownKey(key string) {
	if key = withoutDigest(key); w.unknown.add(key) {
		w.logger.Warn("the sdk has a form of key that is unknown: see whether there is a newer version of onetoken", "key", key)
	}
}

func (w *warnings) failingStore(ctx context.Context, err error) {
	if w.failing.take(time.Now()) {
		w.logger.WarnContext(ctx, "the store beside the apps' tokens fails: the sdk asks the issuer", "error", err)
	}
}

// switchedOff is told once by each Client.
func (w *warnings) switchedOff() {
	if w.off.CompareAndSwap(false, true) {
		w.logger.Warn("an api wants a token (code 99991661), and the sdk has sent none: if its lark.NewClient has " +
			"lark.WithEnableTokenCache(false), leave that out, as the sdk asks no cache then and sends no token; else give the call's " +
			"SupportedAccessTokenTypes the kind of token that the api takes")
	}
}

func (w *warnings) toldSwitchedOff() bool { return w.off.Load() }

// once has each of the first hundred things be new once, and no other.
type once struct {
	mu   sync.Mutex // guards seen
	seen map[string]bool
}

const maxSeen = 100

// add reports whether a thing is new.
func (o *once) add(thing string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen[thing] || len(o.seen) >= maxSeen {
		return false
	}
	if o.seen == nil {
		o.seen = map[string]bool{}
	}
	o.seen[thing] = true
	return true
}

// seldom is due at first, and a minute after it was.
type seldom struct {
	mu   sync.Mutex // guards last
	last time.Time
}

// take reports whether it is due, and is not due again for a minute then.
func (s *seldom) take(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.IsZero() && now.Sub(s.last) < time.Minute {
		return false
	}
	s.last = now
	return true
}
