package larksdk

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Cache is a larkcore.Cache, for lark.WithTokenCache. It has no token of its apps: for each of their
// keys, in every form that the SDK has had, it gives a marker, at once and always, which the Client
// of the same New replaces by the token. Redis and the issuer are not involved before that. Safe for
// concurrent use; needs no Close.
type Cache struct {
	rest   Store
	logger *slog.Logger

	mu     sync.Mutex // guards logged
	logged map[string]bool
}

// Get returns the marker for a token of one of the apps, and neither waits nor fails. Any other key
// is asked of Config.Rest, whose error it returns, but for a token's, which is a miss then: the SDK
// asks the issuer.
func (c *Cache) Get(ctx context.Context, key string) (string, error) {
	if !looksLikeToken(key) {
		return c.rest.Get(ctx, key)
	}
	if m, ok := c.find(key); ok {
		return m.String(), nil
	}
	value, err := c.rest.Get(ctx, key)
	if err != nil {
		c.logger.WarnContext(ctx, "the store beside the apps' tokens fails: the sdk asks the issuer", "error", err)
		return "", nil
	}
	return value, nil
}

// Set does nothing for a token of one of the apps. Anything else is set in Config.Rest; only if it is
// an app ticket, or what else the SDK may keep, an error is returned: a token is in hand already.
func (c *Cache) Set(ctx context.Context, key string, value string, expireTime time.Duration) error {
	if !looksLikeToken(key) {
		return c.rest.Set(ctx, key, value, expireTime)
	}
	if _, ok := c.find(key); ok {
		return nil
	}
	if err := c.rest.Set(ctx, key, value, expireTime); err != nil {
		c.logger.WarnContext(ctx, "the store beside the apps' tokens fails: the sdk asks the issuer again", "error", err)
	}
	return nil
}

// find returns the token that a key is of, if it is one of an app that is known.
func (c *Cache) find(key string) (marker, bool) {
	m, ok := parseKey(key)
	switch {
	case ok && isRegistered(m.app):
		return m, true
	case ok:
		if key, isNew := c.isNew(key); isNew {
			c.logger.Warn("the sdk wants a token of an app that is none of Config.Apps: it asks the issuer by itself", "key", key)
		}
		return m, false
	}
	if key, isNew := c.isNew(key); isNew {
		c.logger.Warn("the sdk has a form of key that is unknown: see whether there is a newer version of onetoken", "key", key)
	}
	return guessKey(key, isRegistered)
}

// maxLogged bounds what is remembered of the keys that were logged.
const maxLogged = 100

// isNew returns a key as it is logged, and whether it is to be: once.
func (c *Cache) isNew(key string) (printed string, isNew bool) {
	printed = withoutDigest(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.logged[printed] || len(c.logged) >= maxLogged {
		return printed, false
	}
	c.logged[printed] = true
	return printed, true
}

// Format prints no field, as the SDK prints its config: Config.Rest may hold tokens.
func (c *Cache) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "larksdk.Cache") }
