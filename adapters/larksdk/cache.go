package larksdk

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Cache is a larkcore.Cache, for lark.WithTokenCache. It has no token of its apps: for each of their
// keys, in every form that the SDK has had, it gives a marker, at once and always, which the Client
// of the same New replaces by the token. Redis and the issuer are not involved before that. Safe for
// concurrent use; needs no Close.
type Cache struct {
	rest     Store
	warnings warnings
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
		c.warnings.failingStore(ctx, err)
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
		c.warnings.failingStore(ctx, err)
	}
	return nil
}

// find returns the token that a key is of, if it is one of an app that is known.
func (c *Cache) find(key string) (m marker, ok bool) {
	if m, ok = parseKey(key); !ok {
		c.warnings.unknownKey(key)
		return guessKey(key, isRegistered)
	}
	if !isRegistered(m.app) {
		c.warnings.foreignApp(m.app)
		return m, false
	}
	return m, true
}

// Format prints no field, as the SDK prints its config: Config.Rest may hold tokens.
func (c *Cache) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "larksdk.Cache") }
